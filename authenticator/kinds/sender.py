"""Senders: what carries a message to a person."""

from __future__ import annotations

from typing import ClassVar

from authenticator.kinds.base import Plugin
from authenticator.kit import Message


class Undeliverable(Exception):
    """Raised by a sender for a message that will never arrive, such as to a mailbox that does not exist: it is given up at once.

    Its text goes to the log, so it must not hold the address or number.
    """


class Sender(Plugin):
    """Carries messages of the channels it names (`email`, `sms`)."""

    channels: ClassVar[frozenset[str]]

    def send(self, message: Message) -> None:
        """Hand the message over within 40 seconds, or raise: the core tries again later. Called away from any request."""
        raise NotImplementedError(f"{type(self).__name__} needs send(message)")
