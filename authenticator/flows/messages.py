"""Messages to people: accepted at once, carried by a sender in its own time."""

from __future__ import annotations

import atexit
import logging
import os
import queue
import threading
import time
from collections.abc import Mapping

from authenticator.errors import ConfigurationError
from authenticator.kinds.sender import Sender
from authenticator.kit import Message

log = logging.getLogger("authenticator.messages")
PAUSES = (1.0, 5.0, 25.0)  # seconds between the tries of one message


class Messages:
    """A queue and a thread per process, so that a slow or dead sender delays the message and never the answer."""

    def __init__(self) -> None:
        self._senders: dict[str, Sender] = {}
        self._shown: Sender | None = None
        self._queue: queue.Queue[Message] = queue.Queue(maxsize=10_000)
        self._lock = threading.Lock()
        self._process: int | None = None

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

    def send(self, message: Message) -> None:
        """Accept a message. A full queue loses it, and says so in the log: an answer must not wait for a sender."""
        with self._lock:
            if self._process != os.getpid():  # threads do not survive a fork
                self._process = os.getpid()
                self._queue = queue.Queue(maxsize=10_000)
                atexit.register(self.flush)  # a stopping process hands over what it has accepted
                threading.Thread(target=self._carry, args=(self._queue,), name="messages", daemon=True).start()
        try:
            self._queue.put_nowait(message)
        except queue.Full:
            log.error("the queue of messages is full; a message on %s was dropped", message.channel)

    def flush(self, seconds: float = 5.0) -> None:
        """Wait until everything accepted so far was tried, for that long at the most."""
        deadline = time.monotonic() + seconds
        while self._queue.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(0.002)

    def _carry(self, accepted: queue.Queue[Message]) -> None:
        while True:
            message = accepted.get()
            sender = self._senders.get(message.channel)
            try:
                if self._shown:
                    _deliver(self._shown, message)
                if sender is None and self._shown:
                    continue
                if sender is None:
                    log.error("no sender carries %s; install one, such as flask-authenticator-smtp", message.channel)
                else:
                    _deliver(sender, message)
            finally:
                accepted.task_done()


def _deliver(sender: Sender, message: Message) -> None:
    for pause in (*PAUSES, None):
        try:
            sender.send(message)
            return
        except Exception as error:
            log.warning("%s could not carry a message: %s", sender.name, type(error).__name__)
        if pause is not None:
            time.sleep(pause)
    log.error("%s gave up on a message on %s after %d tries", sender.name, message.channel, len(PAUSES) + 1)
