"""What the core asks of a database: a short list of atomic verbs that every adapter keeps alike.

Times are aware, in UTC, with milliseconds. Expiry is checked when reading. Whatever an adapter can't reach
is AuthError `store_unavailable`, within five seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from authenticator.events import Event
from authenticator.limits import Backoff, Limit
from authenticator.models import (
    Avatar,
    Client,
    Errand,
    HeldKey,
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
from authenticator.storage.port_applications import Applications


class KeyTaken(Exception):
    """A login key already belongs to somebody; nothing was written."""

    def __init__(self, key: LoginKey) -> None:
        super().__init__(f"a {key.provider} login key is taken")
        self.key = key


class LastWayIn(Exception):
    """The key is the only way into its account; nothing was removed."""


class Store(Applications, Protocol):
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

    def create_user(self, user: User, keys: Sequence[NewKey], session: Session | None = None, *, event: Event | None = None) -> None:
        """Store the user with all keys, a first session and an event, or KeyTaken and nothing. A crash half-way leaves every key free."""
        ...

    def create_users(self, people: Sequence[tuple[User, Sequence[NewKey]]]) -> Sequence[LoginKey | None]:
        """Store many users at once; for each None, or the key that was taken, in which case nothing of that user was written."""
        ...

    def erase_user(self, user_id: str, pseudonym: str, now: datetime) -> bool:
        """Remove the user with all that is hers, her applications and what was given to those too; her events stay under the
        pseudonym, without address, agent and details.

        False if there is no such user any more. A crash half-way is finished by calling it again.
        """
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

    def login_behind(self, alias: LoginKey, provider: str) -> Login | None:
        """The login key of this provider whose user holds the alias (a proved address, a user name), in one trip."""
        ...

    def logins_of(self, user_id: str, provider: str) -> Sequence[Login]:
        """A user's login keys of one provider with their secrets, oldest first, in one trip."""
        ...

    def owners(self, keys: Sequence[LoginKey]) -> Mapping[LoginKey, str]:
        """Which of these keys belong to which user ids, in one trip."""
        ...

    def keys_of(self, user_id: str) -> Sequence[HeldKey]:
        """All keys of a user, oldest first."""
        ...

    def add_login_key(self, user_id: str, new: NewKey, now: datetime) -> None:
        """Claim a key, or KeyTaken. Claiming one's own again changes nothing, except that it may become a way in."""
        ...

    def remove_login_key(self, user_id: str, key: str | LoginKey) -> bool:
        """Free a key that this user holds, named by itself or by its id; LastWayIn if it is the only way in, even when two are
        removed at once; False if not hers."""
        ...

    def swap_secret(self, key_id: str, old: str | None, new: str) -> bool:
        """Replace the secret of a held key if it still is `old`."""
        ...

    def issue_ticket(
        self, kind: str, digest: str, payload: Mapping[str, Any], expires_at: datetime, *, errands: Sequence[Errand] = ()
    ) -> None:
        """Keep JSON-like facts under a digest, replacing what was there, together with errands that belong to it, in one trip."""
        ...

    def take_ticket(self, kind: str, digest: str, now: datetime) -> Mapping[str, Any] | None:
        """The facts, exactly once even under racing takers; None if absent, expired or of another kind."""
        ...

    def read_ticket(self, kind: str, digest: str, now: datetime) -> Mapping[str, Any] | None:
        """The same facts without taking them, to show again what is being asked."""
        ...

    def open_session(self, session: Session, *, forgive: Sequence[str] = (), event: Event | None = None) -> None:
        """Store the session, forget the attempts under these keys, and write the event in place of one of its id, in one trip.

        AuthError `conflict` if its id is taken or its user is gone; and for a grant, if its application is gone or its parent has
        ended, at this very moment too.
        """
        ...

    def session_by_cookie(self, digest: str, now: datetime) -> tuple[Session, User] | None:
        """The open, unexpired session of a cookie, with its user, in one trip."""
        ...

    def session_by_id(self, session_id: str) -> Session | None:
        """A session in whatever state."""
        ...

    def sessions_of(
        self,
        user_id: str,
        now: datetime,
        *,
        ended: bool = False,
        kinds: Sequence[str] = ("sign_in",),
        after: str | None = None,
        limit: int = 50,
    ) -> Page[Session]:
        """A user's open, unexpired sessions of these kinds, newest first; or those that were ended or have expired, as far as they are
        still kept."""
        ...

    def sessions_under(self, parent: str, now: datetime) -> Sequence[Session]:
        """What applications were given in this session, and is still open and unexpired; offline ones too."""
        ...

    def renew_session(
        self, session_id: str, *, cookie: str | None, auth_time: datetime, amr: Sequence[str], mfa_at: datetime | None = None
    ) -> bool:
        """Give an open session a new cookie digest and proof (step-up); False if it is closed. Without `mfa_at` the former one stays."""
        ...

    def touch_session(self, session_id: str, now: datetime, client: Client | None = None) -> None:
        """Note that the session was used, and from where."""
        ...

    def cap_sessions(self, user_id: str, most: int, reason: str, now: datetime) -> int:
        """End the oldest open sign-ins of a user above `most`, each with what was given in it; how many sign-ins."""
        ...

    def rotate_refresh(self, session_id: str, presented: str, successor: str, now: datetime, grace: timedelta) -> Rotation:
        """Swap the refresh digest if `presented` is the current one, in one atomic step.

        The immediate predecessor within `grace` of the swap is `repeated` and changes nothing; any other
        digest is `reused` and closes the session; an ended, expired or unknown session is `closed`.
        """
        ...

    def close_session(self, session_id: str, reason: str, now: datetime) -> bool:
        """End a session, and what was given in it but is not offline; False if it was not open, and what is left in it ends all the same."""
        ...

    def close_sessions(
        self,
        user_id: str,
        reason: str,
        now: datetime,
        *,
        keep: str | None = None,
        kinds: Sequence[str] = ("sign_in", "grant", "token"),
        application: str | None = None,
    ) -> int:
        """End all open sessions of a user of these kinds but `keep` and what was given in it, or only those of one application; how many."""
        ...

    def closed_since(self, moment: datetime) -> Sequence[str]:
        """Ids of the sessions closed at or after `moment`, in one trip: what every process asks twice a second."""
        ...

    def count_attempts(self, counters: Sequence[Limit | Backoff], now: datetime, *, event: Event | None = None) -> int:
        """Count one attempt under each key, each in one conditional write, and write the event whatever the answer, in one trip.

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

    def events(self, *, after: str | None = None, limit: int = 50) -> Page[Event]:
        """Everybody's and nobody's events, newest first."""
        ...

    def put_errands(self, errands: Sequence[Errand]) -> None:
        """Keep errands until they are done. One whose id is there already is left as it is."""
        ...

    def claim_errands(self, now: datetime, until: datetime, limit: int = 20) -> Sequence[Errand]:
        """Take on errands that are due, oldest first: each goes to one worker, which is left alone with it until `until`."""
        ...

    def finish_errand(self, errand_id: str) -> None:
        """The errand is done, or given up; finishing it twice is fine."""
        ...

    def postpone_errand(self, errand_id: str, due_at: datetime) -> None:
        """Try again at `due_at`, and count the try."""
        ...

    def add_avatar(self, avatar: Avatar, most: int) -> bool:
        """Keep a picture; False if the user has `most` of them already."""
        ...

    def avatar(self, avatar_id: str) -> Avatar | None: ...

    def avatars_of(self, user_id: str) -> Sequence[Avatar]:
        """A user's pictures, oldest first, without their content."""
        ...

    def remove_avatar(self, user_id: str, avatar_id: str) -> bool:
        """False if it is not hers."""
        ...

    def purge(self, now: datetime) -> int:
        """Remove what has expired; how many records. Nothing depends on it but space."""
        ...
