"""What can come of a step in a conversation, and what the transports hand in to begin one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from authenticator.kinds.base import Ask, Field
from authenticator.models import Client, Intent, Session, User


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed-in person: who, and by which session."""

    user: User
    session: Session


@dataclass(frozen=True, slots=True)
class Begin:
    """The wish to begin a conversation.

    `door` says what a finished sign-in hands out: a cookie's value (`web`) or a refresh token (`api`).
    `browser` is the secret that binds the conversation to one browser; empty, a fresh one is made.
    `signed` is the person who links or confirms. With `factor`, `provider` names a second step that she wants to set up.
    `base_url` is where the browser reached the service, if not at its public URL; only development lets it differ.
    """

    provider: str
    intent: Intent
    client: Client
    door: Literal["web", "api"]
    browser: str = field(default="", repr=False)
    answer: Mapping[str, Any] | None = field(default=None, repr=False)
    return_to: str = ""
    login_hint: str = ""
    prompt: str = ""
    signed: Signed | None = None
    base_url: str = ""
    factor: bool = False


@dataclass(frozen=True, slots=True)
class Challenge:
    """A conversation that waits: `id` names it, `binding` is the secret that must come with the answer, seconds until it expires.

    `return_to` is where the browser goes when it has ended well.
    """

    id: str
    binding: str = field(repr=False)
    kind: str
    expires_in: int
    ask: Ask | None = None
    return_to: str = ""


@dataclass(frozen=True, slots=True)
class Pending:
    """Something to fill in before it goes on."""

    challenge: Challenge


@dataclass(frozen=True, slots=True)
class Away:
    """The browser has to go to `url` and will come back to the provider's callback."""

    url: str
    challenge: Challenge


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The end of a conversation.

    `linked` names the provider or second step that was added, where that was the wish; `recovery_codes` are then new ones, to be
    shown this once. `browser` is a new secret by which a browser that is now trusted is known from here on.
    """

    user: User
    session: Session
    intent: Intent = Intent.SIGN_IN
    cookie: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    return_to: str = ""
    created: bool = False
    linked: str = ""
    recovery_codes: tuple[str, ...] = field(default=(), repr=False)
    browser: str = field(default="", repr=False)


Outcome = Pending | Away | SignedIn


@dataclass(frozen=True, slots=True)
class Entry:
    """A way to sign in as pages and programs list it; `icon` is SVG text, `phrase` what a sentence calls it."""

    name: str
    label: str
    kind: Literal["form", "redirect"]
    icon: str
    fields: tuple[Field, ...]
    emulated: bool
    phrase: str = ""

    @property
    def typed(self) -> bool:
        """Whether there is something to type; otherwise a button begins it."""
        return any(field.type != "hidden" for field in self.fields)
