"""Messages to people: kept before the answer, carried by a sender in its own time, given up when they are of no use any more."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta

from authenticator.clock import Clock
from authenticator.errors import ConfigurationError
from authenticator.flows.errands import Errands, Later
from authenticator.ids import Ids
from authenticator.kinds.sender import Sender, Undeliverable
from authenticator.kit import Message
from authenticator.models import Errand

log = logging.getLogger("authenticator.messages")
A_DAY = 86_400  # seconds for which a message without a code is tried


class Messages:
    """Accepts messages and has them carried, each sender's in a lane of its own: a slow or dead one delays its messages only."""

    def __init__(self, errands: Errands, clock: Clock, ids: Ids, *, code_seconds: int = 300) -> None:
        self._errands, self._clock, self._ids, self._code_seconds = errands, clock, ids, code_seconds
        self._senders: dict[str, Sender] = {}
        self._shown: Sender | None = None
        self._new: set[str] = set()  # accepted here and not yet tried
        errands.handle("message", self._carry, lane=self._lane)

    def use(self, senders: Mapping[str, Sender], choice: Mapping[str, str], *, shown: Sender | None = None) -> None:
        """Take these senders; `choice` settles which of several carries a channel. ConfigurationError if it does not.

        `shown` is development's outbox: it gets a copy of every message, and carries what nobody else does.
        """
        self._shown = shown
        for channel in sorted({channel for sender in senders.values() for channel in sender.channels}):
            able = sorted(name for name, sender in senders.items() if channel in sender.channels)
            chosen = choice.get(channel) or (able[0] if len(able) == 1 else "")
            if chosen not in able:
                raise ConfigurationError(
                    f'Several senders carry {channel}: {", ".join(able)}. Choose with AUTHENTICATOR_SENDER=\'{{"{channel}": "{able[0]}"}}\'.'
                )
            self._senders[channel] = senders[chosen]

    def carries(self, channel: str) -> bool:
        """Whether there is a sender for this channel."""
        return channel in self._senders or self._shown is not None

    def send(self, *messages: Message) -> None:
        """Keep messages, in one trip, and have them carried. AuthError `store_unavailable`: then nothing was accepted."""
        if not messages:
            return
        errands = [self.errand_of(message) for message in messages]
        self._new.update(errand.id for errand in errands)
        try:
            self._errands.put(errands)
        except BaseException:
            self._new.difference_update(errand.id for errand in errands)
            raise

    def errand_of(self, message: Message) -> Errand:
        """The message as an errand, to be kept together with something else; then `accepted` must be told."""
        seconds = message.seconds or (self._code_seconds if message.code else A_DAY)
        until = self._clock.now() + timedelta(seconds=seconds)
        payload = {name: value for name, value in asdict(message).items() if value} | {"until": until.isoformat()}
        return Errand(self._ids.new(), "message", self._errands.mine_until(), payload)

    def accepted(self, *errands: Errand) -> None:
        """Have messages carried that were kept a moment ago."""
        self._new.update(errand.id for errand in errands)
        self._errands.accepted(*errands)

    def flush(self, seconds: float = 5.0) -> None:
        """Wait until everything accepted so far was tried, for that long at the most."""
        self._errands.flush(seconds)

    def _lane(self, errand: Errand) -> str:
        sender = self._senders.get(str(errand.payload["channel"]), self._shown)
        return sender.name if sender else "no sender"

    def _carry(self, errand: Errand) -> None:
        facts = dict(errand.payload)
        until = datetime.fromisoformat(facts.pop("until"))
        message = Message(**({"subject": "", "text": ""} | facts | {"id": errand.id}))
        new = errand.id in self._new
        self._new.discard(errand.id)
        if not new and self._clock.now() > until:
            log.error("a message on %s was not sent in time, and is of no use any more", message.channel)
            return
        if self._shown and not errand.tries:
            _show(self._shown, message)
        sender = self._senders.get(message.channel)
        if sender is None and self._shown:
            return
        try:
            _deliver(sender, message)
        except Undeliverable as error:
            log.error("a message on %s will never arrive, and was given up: %s", message.channel, error)
        except Exception as error:  # its text may hold the address
            name, due = sender.name if sender else "nobody", self._errands.next_try(errand)
            log.warning("%s could not carry a message on %s: %s", name, message.channel, type(error).__name__)
            if due <= until:
                raise Later(due) from None
            log.error("%s gave up on a message on %s after %d tries", name, message.channel, errand.tries + 1)


def _deliver(sender: Sender | None, message: Message) -> None:
    if sender is None:
        log.error("no sender carries %s; install one, such as flask-authenticator-smtp", message.channel)
        raise LookupError("no sender")
    sender.send(message)


def _show(outbox: Sender, message: Message) -> None:
    try:
        outbox.send(message)
    except OSError as error:
        log.warning("the outbox could not keep a message: %s", type(error).__name__)
