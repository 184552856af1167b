"""The nouns: users, contacts, login keys, sessions and what surrounds them, as frozen facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, Literal, TypeVar

from authenticator.applications import Assignment

T = TypeVar("T")


class Status(StrEnum):
    """Where an account stands."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    LEAVING = "leaving"  # its owner had it deleted; until it is erased she may change her mind
    CLOSED = "closed"


class Intent(StrEnum):
    """What a person wants from a conversation."""

    SIGN_IN = "sign_in"
    SIGN_UP = "sign_up"
    LINK = "link"
    CONFIRM = "confirm"  # a signed-in person proves once more that it is she (step-up)


@dataclass(frozen=True, slots=True)
class Client:
    """Who is asking, as far as the network tells: IP address, User-Agent, preferred language, country (ISO 3166) of the address.

    `device` is a digest by which the same browser is known again, or nothing.
    """

    address: str = ""
    agent: str = ""
    locale: str = ""
    country: str = ""
    device: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name. `display` may be empty: `shown` then puts one together."""

    given: str = ""
    family: str = ""
    display: str = ""

    @property
    def shown(self) -> str:
        return self.display or f"{self.given} {self.family}".strip()


@dataclass(frozen=True, slots=True)
class Contact:
    """An e-mail address or phone number: `value` is canonical, `shown` is as it was typed."""

    id: str
    kind: Literal["email", "phone"]
    value: str
    shown: str
    proved_at: datetime | None = None
    primary: bool = False

    @property
    def channel(self) -> str:
        """What carries messages there."""
        return "email" if self.kind == "email" else "sms"


@dataclass(frozen=True, slots=True)
class Device:
    """A browser or program that this person signed in with. `mark` is a digest; until `trusted_until` it is not asked for a second step."""

    mark: str
    seen_at: datetime
    trusted_until: datetime | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class StatusChange:
    """One step in an account's history of status: by whom (a user id, or `operator`) and why."""

    before: Status
    after: Status
    why: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class User:
    """A person, or a program, that has an account. `version` guards against two changes at once.

    `factors` names the second steps she has set up, in the order in which they are offered. `assignments` are what she may do,
    here and in applications. `must_reset` keeps a password from signing in until it is chosen anew.
    `erase_at` is when an account that is leaving will be gone.
    """

    id: str
    created_at: datetime
    updated_at: datetime
    status: Status = Status.ACTIVE
    type: str = "person"
    level: int = 0
    name: Name = Name()
    salutation: str = ""
    username: str = ""
    contacts: tuple[Contact, ...] = ()
    country: str = ""
    locale: str = ""
    picture: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    factors: tuple[str, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    devices: tuple[Device, ...] = ()
    must_reset: bool = False
    erase_at: datetime | None = None
    version: int = 1

    def contact(self, kind: Literal["email", "phone"]) -> Contact | None:
        """The primary contact of that kind, or the first one."""
        of_kind = [contact for contact in self.contacts if contact.kind == kind]
        return next((contact for contact in of_kind if contact.primary), of_kind[0] if of_kind else None)

    @property
    def label(self) -> str:
        """What to call this account on a page."""
        contact = self.contact("email") or self.contact("phone")
        return self.name.shown or self.username or (contact.shown if contact else "") or self.id


@dataclass(frozen=True, slots=True)
class LoginKey:
    """`google:1123…`, `password:ada@…`, `email:ada@…`: belongs to at most one user, the one uniqueness rule."""

    provider: str
    subject: str

    def __str__(self) -> str:
        return f"{self.provider}:{self.subject}"


@dataclass(frozen=True, slots=True)
class NewKey:
    """A login key about to be claimed.

    `way_in` is False for a claim that alone signs nobody in, such as a proven address without a provider
    for it. `secret` is what the provider keeps with it (a password's hash). `label` is shown to its owner.
    """

    key: LoginKey
    label: str = ""
    secret: str | None = None
    way_in: bool = True


@dataclass(frozen=True, slots=True)
class HeldKey:
    """A login key that a user holds. `id` is the keyed digest under which it is stored."""

    id: str
    user_id: str
    provider: str
    label: str
    way_in: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Login:
    """What stands behind a login key: its user and the provider's secret."""

    user: User
    key: HeldKey
    secret: str | None


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in, from its opening to its end; or what came of one: an application's refresh family, a personal access token.

    `cookie` and `refresh` are SHA-256 digests of what the browser or the program holds; `spent` is the digest
    of the refresh token before it. `amr` holds RFC 8176 words. `seen_at` is when it was last used, give or take some
    minutes; `mfa_at` when two factors were last shown in it. `kind` is `sign_in`; `grant`, which `application` (a client id) was given in the session
    `parent` and which ends with that unless it is `offline`; or `token`, a personal access token, whose digest is `cookie`. `scopes`
    bound the latter two, `name` is what its maker calls it, `terms` is what else was agreed (nonce, resources, DPoP key).
    `seen_from` is where it was last used.
    """

    id: str
    user_id: str
    provider: str
    amr: tuple[str, ...]
    auth_time: datetime
    created_at: datetime
    expires_at: datetime
    client: Client = Client()
    cookie: str | None = None
    refresh: str | None = None
    spent: str | None = None
    rotated_at: datetime | None = None
    seen_at: datetime | None = None
    mfa_at: datetime | None = None
    kind: Literal["sign_in", "grant", "token"] = "sign_in"
    application: str = ""
    parent: str = ""
    offline: bool = False
    scopes: tuple[str, ...] = ()
    name: str = ""
    terms: Mapping[str, Any] = field(default_factory=dict)
    seen_from: Client = Client()
    closed_at: datetime | None = None
    close_reason: str = ""

    @property
    def used_at(self) -> datetime:
        """When it was last used, give or take some minutes."""
        return max(moment for moment in (self.created_at, self.seen_at, self.rotated_at) if moment)

    def is_open(self, now: datetime) -> bool:
        return self.closed_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class Rotation:
    """How a refresh went. `repeated` is the immediate predecessor again, within the grace time."""

    outcome: Literal["rotated", "repeated", "reused", "closed"]
    session: Session | None = None


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair for tokens. `generation` counts up from 1 and is unique, so a race to rotate has one winner."""

    generation: int
    kid: str
    algorithm: str
    private_pem: str = field(repr=False)
    created_at: datetime
    active_from: datetime
    retired_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Errand:
    """Something to be done later, once, whatever crashes in between: a message to carry, an account to erase, an application to tell
    of a logout.

    `due_at` also is until when a worker that has taken it on is left alone with it.
    """

    id: str
    kind: Literal["message", "erasure", "logout"]
    due_at: datetime
    payload: Mapping[str, Any]
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Avatar:
    """A picture of a person, as it was encoded anew here. Its id is unguessable, for the address it is served at."""

    id: str
    user_id: str
    created_at: datetime
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of a list, and the cursor that continues it (None at the end)."""

    items: tuple[T, ...]
    next: str | None = None


def every(page_after: Callable[[str | None], Page[T]]) -> Iterator[T]:
    """Every item of a list that comes in pages; `page_after` gets the cursor of each."""
    page = page_after(None)
    yield from page.items
    while page.next:
        page = page_after(page.next)
        yield from page.items
