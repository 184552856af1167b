"""What a plug-in may touch, and nothing more: HTTP, its own secrets, messages, the hasher, the time, a log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from logging import Logger
from typing import Protocol

from authenticator.clock import Clock
from authenticator.hashing import Hasher
from authenticator.identifiers import network_of
from authenticator.limits import Limit
from authenticator.models import Client, Login, LoginKey, User
from authenticator.web_client import WebClient


class Logins(Protocol):
    """A provider's own login keys, and no other's."""

    def find(self, subject: str) -> Login | None:
        """The user and secret behind this provider's subject."""
        ...

    def behind(self, alias: LoginKey) -> Login | None:
        """This provider's login key of whoever holds the alias: a proved address or number, or a user name."""
        ...

    def of(self, user: User) -> Sequence[Login]:
        """All that this person has with this provider, oldest first."""
        ...

    def swap_secret(self, login: Login, new: str) -> bool:
        """Replace the secret if it still is what was found; False if somebody was faster."""
        ...


@dataclass(frozen=True)
class Message:
    """Something for one person, on one channel. `text` is plain, `html` the same for mail programs that show it.

    `seconds` is how long it is of use, after which nobody tries to send it any more; 0 is a day, or a code's life.
    `id` is given when it is accepted, and stays the same however often it is tried.
    """

    channel: str
    to: str
    subject: str
    text: str
    code: str = ""
    link: str = ""
    html: str = ""
    seconds: int = 0
    id: str = field(default="", compare=False)


def bare_letter(name: str, channel: str, to: str, _locale: str = "", *, seconds: int = 0, **facts: str) -> Message:
    """A letter that says nothing but its facts, for a plug-in that is built without a core."""
    code, link = facts.get("code", ""), facts.get("link", "")
    return Message(channel, to, name, " ".join(facts.values()), code=code, link=link, seconds=seconds)


def message_limits(target: str, client: Client) -> tuple[Limit, Limit]:
    """How many messages may go to one address or number, and be asked for from one client address (OWASP Forgot Password Cheat Sheet)."""
    return Limit(f"message:{target}", 3, 900), Limit(f"messages-from:{network_of(client.address)}", 10, 3600)


@dataclass(frozen=True)
class Kit:
    """Handed to each plug-in when it is built; what belongs to one request comes with its Visit instead.

    `write` makes a message of a letter (flows/letters.py has them): `write("code", "email", address, client.locale, code=code)`.
    `send` accepts a message at once and delivers it in its own time. `spend` counts attempts and raises
    AuthError `rate_limited` when one of them is over; `forgive` forgets the failures under a key.
    `moved` maps a provider's real URL to where it is served: the same, or a place in the emulator.
    `message_limits(target, client)` are to be spent before a message to somebody who is not signed in; codes live `code_seconds`.
    """

    service_name: str
    public_url: str
    clock: Clock
    log: Logger
    http: WebClient
    hasher: Hasher
    send: Callable[[Message], None]
    spend: Callable[..., None]
    forgive: Callable[[str], None]
    emulator_url: str = ""
    write: Callable[..., Message] = bare_letter
    message_limits: Callable[[str, Client], Sequence[Limit]] = message_limits
    code_seconds: int = 300

    def moved(self, url: str) -> str:
        """Where to find `url`: `https://host/path` becomes `<emulator>/host/path` while the emulator stands in."""
        return f"{self.emulator_url}/{url.removeprefix('https://')}" if self.emulator_url else url
