"""What the core asks of a database: a short list of atomic verbs that every adapter keeps alike.

Times are aware, in UTC, with milliseconds. Expiry is checked when reading. Whatever an adapter can't reach
is AuthError `store_unavailable`, within five seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from authenticator.events import Event
from authenticator.models import (
    Backoff,
    HeldKey,
    Limit,
    Login,
    LoginKey,
    NewKey,
    Page,
    Rotation,
    Session,
    SigningKey,
    StatusChange,
    User,
)


class KeyTaken(Exception):
    """A login key already belongs to somebody; nothing was written."""

    def __init__(self, key: LoginKey) -> None:
        super().__init__(f"a {key.provider} login key is taken")
        self.key = key


class LastWayIn(Exception):
    """The key is the only way into its account; nothing was removed."""


class Store(Protocol):
    """A database, through one URL. Safe to share between threads, and across a fork before first use."""

    def prepare(self) -> None:
        """Bring schema and indexes up to date; safe when many processes start at once. Raise if one is missing after."""
        ...

    def ping(self) -> None:
        """Answer if the database answers."""
        ...

    def close(self) -> None:
        """Let go of every connection."""
        ...

    def create_user(self, user: User, keys: Sequence[NewKey], session: Session | None = None) -> None:
        """Store the user with all keys, and a first session, or KeyTaken and nothing. A crash half-way leaves every key free."""
        ...

    def user_by_id(self, user_id: str) -> User | None: ...

    def users(self, *, after: str | None = None, limit: int = 50) -> Page[User]:
        """Users by id, oldest first."""
        ...

    def save_user(self, user: User) -> bool:
        """Replace the user if the stored version still is `user.version`, and count that up; False if somebody was faster."""
        ...

    def change_status(self, user_id: str, change: StatusChange) -> bool:
        """Set the status if it still is `change.before`, keep the change in the history, and end all sessions unless now active."""
        ...

    def status_history(self, user_id: str) -> Sequence[StatusChange]: ...

    def find_login(self, key: LoginKey) -> Login | None:
        """The user and secret behind a key, in one trip."""
        ...

    def owners(self, keys: Sequence[LoginKey]) -> Mapping[LoginKey, str]:
        """Which of these keys belong to which user ids, in one trip."""
        ...

    def keys_of(self, user_id: str) -> Sequence[HeldKey]:
        """All keys of a user, oldest first."""
        ...

    def add_login_key(self, user_id: str, new: NewKey, now: datetime) -> None:
        """Claim a key, or KeyTaken. Claiming one's own again changes nothing."""
        ...

    def remove_login_key(self, user_id: str, key_id: str) -> bool:
        """Free a key that this user holds; LastWayIn if it is the only way in, even when two are removed at once; False if not hers."""
        ...

    def swap_secret(self, key: LoginKey, old: str | None, new: str) -> bool:
        """Replace the secret if it still is `old`."""
        ...

    def issue_ticket(self, kind: str, digest: str, payload: Mapping[str, Any], expires_at: datetime) -> None:
        """Keep JSON-like facts under a digest, replacing what was there."""
        ...

    def take_ticket(self, kind: str, digest: str, now: datetime) -> Mapping[str, Any] | None:
        """The facts, exactly once even under racing takers; None if absent, expired or of another kind."""
        ...

    def read_ticket(self, kind: str, digest: str, now: datetime) -> Mapping[str, Any] | None:
        """The same facts without taking them, to show again what is being asked."""
        ...

    def open_session(self, session: Session, *, forgive: Sequence[str] = ()) -> None:
        """Store the session and forget the attempts under these keys."""
        ...

    def session_by_cookie(self, digest: str, now: datetime) -> tuple[Session, User] | None:
        """The open, unexpired session of a cookie, with its user, in one trip."""
        ...

    def session_by_id(self, session_id: str) -> Session | None:
        """A session in whatever state."""
        ...

    def sessions_of(self, user_id: str, now: datetime, *, after: str | None = None, limit: int = 50) -> Page[Session]:
        """A user's open, unexpired sessions, newest first."""
        ...

    def renew_session(self, session_id: str, *, cookie: str | None, auth_time: datetime, amr: Sequence[str]) -> bool:
        """Give an open session a new cookie digest and proof (step-up); False if it is closed."""
        ...

    def rotate_refresh(self, session_id: str, presented: str, successor: str, now: datetime, grace: timedelta) -> Rotation:
        """Swap the refresh digest if `presented` is the current one, in one atomic step.

        The immediate predecessor within `grace` of the swap is `repeated` and changes nothing; any other
        digest is `reused` and closes the session; an ended, expired or unknown session is `closed`.
        """
        ...

    def close_session(self, session_id: str, reason: str, now: datetime) -> bool:
        """End a session; False if it was not open."""
        ...

    def close_sessions(self, user_id: str, reason: str, now: datetime, *, keep: str | None = None) -> int:
        """End all open sessions of a user but `keep`; how many those were."""
        ...

    def closed_since(self, moment: datetime) -> Sequence[str]:
        """Ids of the sessions closed at or after `moment`, in one trip: what every process asks twice a second."""
        ...

    def count_attempts(self, counters: Sequence[Limit | Backoff], now: datetime) -> int:
        """Count one attempt under each key, each in one conditional write.

        0 if all were within bounds, otherwise the seconds to wait. A refused counter is not counted up.
        Racing callers are admitted exactly as often as allowed.
        """
        ...

    def forgive(self, keys: Sequence[str]) -> None:
        """Forget the attempts under these keys."""
        ...

    def add_signing_key(self, key: SigningKey) -> bool:
        """Store a key if its generation is free; False if somebody was faster."""
        ...

    def signing_keys(self) -> Sequence[SigningKey]:
        """All keys that were not purged, oldest first."""
        ...

    def append_event(self, event: Event) -> None: ...

    def events_of(self, user_id: str, *, after: str | None = None, limit: int = 50) -> Page[Event]:
        """A user's events, newest first."""
        ...

    def purge(self, now: datetime) -> int:
        """Remove what has expired; how many records. Nothing depends on it but space."""
        ...
