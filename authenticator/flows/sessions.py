"""Sessions: opened after admission, refreshed, confirmed again, and ended everywhere at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from authenticator.crypto import derive_key, digest, keyed_token, random_token, same
from authenticator.errors import AuthError
from authenticator.events import Event
from authenticator.flows import logout
from authenticator.flows.core import Core
from authenticator.flows.notices import notify
from authenticator.flows.outcomes import Signed, SignedIn
from authenticator.flows.ticket import Ticket
from authenticator.flows.turns import Turns
from authenticator.models import Client, Session, Status, User
from authenticator.settings import LONGEST_TOKEN

GRACE = timedelta(seconds=10)  # how long the immediate predecessor of a refresh token gets the same successor
MARK = 22  # characters, 132 bits
TWO_FACTORS_LAST = timedelta(hours=24)
ACR = ("1", "2")  # signed in by one factor, by two
MOST = 100  # open sign-ins of one person, give or take a few
SOMETIMES = ("A", "B", "C", "D")  # how one of sixteen ids of a session begins: the cap need not be looked after each time
NOTED_EVERY = timedelta(minutes=10)
LOOK_EVERY = 0.5  # seconds between two looks at what was ended elsewhere
OVERLAP = timedelta(seconds=45)  # clocks may differ by half a minute, and a write may become visible after its own time


def draft(core: Core, user: User, held: Ticket, amr: Sequence[str], client: Client) -> tuple[SignedIn, Session]:
    """A session that is not stored yet, with the secrets to hand out: a cookie for browsers, a refresh token for programs."""
    now = core.clock.now()
    session_id = random_token(128)
    cookie = random_token() if held.door == "web" else ""
    refresh_token = _refresh_token(core, session_id, random_token()) if held.door == "api" else ""
    days = core.settings.session_days if held.door == "web" else core.settings.refresh_token_days
    session = Session(
        id=session_id,
        user_id=user.id,
        provider=held.provider,
        amr=tuple(amr),
        auth_time=now,
        created_at=now,
        expires_at=now + timedelta(days=days),
        client=client,
        mfa_at=now if "mfa" in amr else None,
        cookie=digest(cookie) if cookie else None,
        refresh=digest(refresh_token) if refresh_token else None,
    )
    return SignedIn(user, session, held.intent, cookie, refresh_token, held.return_to), session


def open_for(core: Core, user: User, held: Ticket, amr: Sequence[str], client: Client, *, forgive: Sequence[str] = ()) -> SignedIn:
    """Open a session for an admitted user, and forget the failures under `forgive`."""
    signed_in, session = draft(core, user, held, amr, client)
    event = signing_in(core, session, at=held.event)
    core.store.open_session(session, forgive=forgive, event=event)
    core.history.tell(event)
    if session.id.startswith(SOMETIMES):
        core.errands.aside("sessions", lambda: cap(core, user))
    return signed_in


def signing_in(core: Core, session: Session, *, at: str = "") -> Event:
    """The event of a sign-in; `at` is the id of the attempt that it was."""
    detail = {"provider": session.provider, "session": session.id}
    return core.history.event("signed_in", at=at, user_id=session.user_id, client=session.client, **detail)


def used(core: Core, session: Session, client: Client | None = None) -> None:
    """Note now and then that a session was used, and from where, after the answer: its owner sees it in her list."""
    now = core.clock.now()
    if now - session.used_at > NOTED_EVERY:
        core.errands.aside("sessions", lambda: core.store.touch_session(session.id, now, client))


def cap(core: Core, user: User) -> None:
    """End the oldest sign-ins above the number that one person may have."""
    now = core.clock.now()
    kept = core.store.sessions_of(user.id, now, limit=MOST)
    if kept.next is None:
        return
    surplus = core.store.sessions_of(user.id, now, after=kept.next, limit=MOST).items
    with logout.ending(core, [family for session in surplus for family in logout.given_in(core, session)]):
        core.store.cap_sessions(user.id, MOST, "too_many", now)


def require_fresh(core: Core, session: Session) -> None:
    """AuthError `step_up_required` unless the person proved herself recently (RFC 9470, ASVS 5.0 7.5.1).

    What holds a grant or a personal token is no person, however young it is.
    """
    if session.kind != "sign_in" or core.clock.now() - session.auth_time > timedelta(seconds=core.settings.fresh_seconds):
        raise AuthError("step_up_required")


def renew(core: Core, signed: Signed, held: Ticket, amr: Sequence[str]) -> SignedIn:
    """A confirmed session: the same one with a new proof time, and for a browser a new cookie (ASVS 5.0 7.2.4).

    One factor does not undo the two that were shown before, nor does it make them younger.
    """
    now = core.clock.now()
    mfa_at = now if "mfa" in amr else signed.session.mfa_at
    cookie = random_token() if held.door == "web" else ""
    all_amr = tuple(dict.fromkeys((*signed.session.amr, *amr)))
    if not core.store.renew_session(
        signed.session.id, cookie=digest(cookie) if cookie else signed.session.cookie, auth_time=now, amr=all_amr, mfa_at=mfa_at
    ):
        raise AuthError("token_revoked")
    session = replace(signed.session, auth_time=now, amr=all_amr, mfa_at=mfa_at)
    return SignedIn(signed.user, session, held.intent, cookie, "", held.return_to)


def shows_two_factors(session: Session, now: datetime) -> bool:
    """Whether two factors were shown in this session lately; later it counts as signed in by one (NIST SP 800-63B-4 §2.2.3)."""
    return "mfa" in session.amr and session.mfa_at is not None and now - session.mfa_at <= TWO_FACTORS_LAST


def acr_of(session: Session, now: datetime) -> str:
    """How somebody is signed in, as applications are told."""
    return ACR[1] if shows_two_factors(session, now) else ACR[0]


def refresh(core: Core, token: str, client: Client) -> SignedIn:
    """Swap a refresh token for its successor, which a keyed function derives from it.

    A lost answer or a second tab may ask again within ten seconds and gets the very same one. Anything else that
    was used before ends the session and tells its owner (RFC 9700 §4.14.2).
    """
    session_id, _, secret = token.partition(".")
    if not session_id or len(token) > 256 or not token.isascii() or not same(token, _refresh_token(core, session_id, secret[:-MARK])):
        raise AuthError("invalid_token")
    successor = _refresh_token(core, session_id, keyed_token(derive_key(core.secret, "refresh"), token))
    rotation = core.store.rotate_refresh(session_id, digest(token), digest(successor), core.clock.now(), GRACE)
    if rotation.outcome == "reused" and rotation.session:
        _told_of_reuse(core, rotation.session, client)
        raise AuthError("refresh_reused")
    if rotation.session is None or rotation.outcome not in ("rotated", "repeated"):
        raise AuthError("invalid_token", "This refresh token is not valid any more. Sign in again.")
    user = core.store.user_by_id(rotation.session.user_id)
    if user is None or user.status is not Status.ACTIVE:
        raise AuthError("invalid_token", "This refresh token is not valid any more. Sign in again.")
    return SignedIn(user, rotation.session, refresh_token=successor)


def _refresh_token(core: Core, session_id: str, secret: str) -> str:
    """A token whose end shows that it was made here: a made-up one must not pass for a spent one and end the session it names."""
    return f"{session_id}.{secret}{keyed_token(derive_key(core.secret, 'refresh mark'), session_id, secret)[:MARK]}"


def _told_of_reuse(core: Core, session: Session, client: Client) -> None:
    core.history.record("refresh_reused", user_id=session.user_id, client=client, session=session.id)
    user = core.store.user_by_id(session.user_id)
    if user:
        text = "A key to one of your sign-ins was used twice, as a thief would do. That sign-in has been ended."
        notify(core, user, "A sign-in was ended for safety", text)


def end(core: Core, session: Session, reason: str, client: Client, *, by: str = "", families: Sequence[Session] | None = None) -> None:
    """End one session; ending it twice is fine. `by` says who did it, if it was not the person herself.

    `families` are what applications were given in it, where that is known already.
    """
    with logout.ending(core, logout.given_in(core, session) if families is None else families):
        closed = core.store.close_session(session.id, reason, core.clock.now())
    if closed:
        kind = "signed_out" if reason == "signed_out" else "session_ended"
        who = {"by": by} if by else {}
        core.history.record(kind, user_id=session.user_id, client=client, session=session.id, reason=reason, **who)


def end_all(core: Core, user: User, reason: str, client: Client, *, by: str = "", keep: str | None = None) -> int:
    """End all open sessions of somebody but `keep`; how many."""
    with logout.ending(core, logout.given_by(core, user.id, keep=keep)):
        ended = core.store.close_sessions(user.id, reason, core.clock.now(), keep=keep)
    if ended:
        who = {"by": by} if by else {}
        core.history.record("sessions_ended", user_id=user.id, client=client, reason=reason, number=str(ended), **who)
    return ended


class Ended:
    """What this process knows of sessions ended anywhere, looked up at most twice a second.

    A check is then a look-up in memory, and an ended session's access token dies within a second on every node.
    Where the store can't be asked, nothing is accepted (AuthError `store_unavailable`).
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._lock = threading.Lock()
        self._turns = Turns()
        self._looked = float("-inf")
        self._since: datetime | None = None
        self._ended: dict[str, datetime] = {}

    def require_open(self, session_id: str) -> None:
        """AuthError `token_revoked` if the session has ended."""
        if time.monotonic() - self._looked > LOOK_EVERY:
            self._look()
        if session_id in self._ended:
            raise AuthError("token_revoked")

    def add(self, session_id: str) -> None:
        """Know at once what this very process ended."""
        with self._lock:
            self._ended[session_id] = self._core.clock.now()

    def look_again(self) -> None:
        """Ask the store at the next check: this process has just ended something."""
        self._looked = float("-inf")

    def _look(self) -> None:
        came = time.monotonic()
        with self._turns.taken():
            if self._looked > came - LOOK_EVERY:
                return
            begun, now = time.monotonic(), self._core.clock.now()
            life = timedelta(seconds=LONGEST_TOKEN + 60)
            found = self._core.store.closed_since(self._since or now - life)
            with self._lock:
                for session_id in found:
                    self._ended.setdefault(session_id, now)
                if len(self._ended) > 1000:
                    self._ended = {key: at for key, at in self._ended.items() if now - at < 2 * life}
            self._since = now - OVERLAP
            self._looked = begun
