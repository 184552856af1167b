"""The facade: all that a transport may ask of the core."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from authenticator.crypto import derive_key, digest
from authenticator.errors import AuthError
from authenticator.events import Event
from authenticator.flows import conversation, sessions, ticket
from authenticator.flows.keyring import KeyRing
from authenticator.flows.logins import VisitLogins
from authenticator.flows.outcomes import Begin, Challenge, Entry, Outcome, Signed, SignedIn
from authenticator.kinds.base import Ask, Visit
from authenticator.models import Client, Intent, Page, Session, Status, User
from authenticator.service.administration import Administration
from authenticator.service.applications import Applications
from authenticator.service.authorizing import Authorizing
from authenticator.service.logout import Logout
from authenticator.service.oauth import OAuth
from authenticator.service.own_account import OwnAccount
from authenticator.service.permissions import Permissions
from authenticator.service.tokens import PersonalTokens
from authenticator.settings import Settings


@dataclass(frozen=True)
class Service(OAuth, OwnAccount, Administration, Authorizing, Permissions, Applications, Logout, PersonalTokens):
    """One authentication service. Everything in it may be shared between threads."""

    keys: KeyRing

    @property
    def settings(self) -> Settings:
        return self.core.settings

    def entries(self, intent: Intent) -> list[Entry]:
        """The ways to sign in, forms first, for pages and programs to list."""
        entries = [self._entry(name, intent) for name, provider in self.core.registry.providers.items() if intent in provider.intents]
        return sorted(entries, key=lambda entry: (entry.kind != "form", self.core.registry.providers[entry.name].rank, entry.label))

    def _entry(self, name: str, intent: Intent) -> Entry:
        provider = self.core.registry.providers[name]
        fields: tuple[Any, ...] = ()
        if provider.kind == "form":
            turn = provider.start(Visit(intent, VisitLogins(self.core.store, name)))
            fields = turn.fields if isinstance(turn, Ask) else ()
        return Entry(name, provider.label, provider.kind, provider.icon, fields, provider.emulated, provider.phrase or provider.label)

    def begin(self, wish: Begin) -> Outcome:
        """Begin a conversation; a `return_to` that is not allowed is dropped."""
        return conversation.begin(self.core, wish)

    def resume(
        self, ticket_id: str, binding: str, answer: Mapping[str, Any], *, client: Client, provider: str = "", signed: Signed | None = None
    ) -> Outcome:
        """Go on with a conversation. `provider` is the one whose callback was called, which must be the ticket's.

        AuthError `challenge_expired` for a ticket that is spent, too old, or bound to somebody else.
        """
        held = ticket.take(self.core, ticket_id, binding)
        if provider and provider != held.provider:
            raise AuthError("challenge_expired")
        return conversation.resume(self.core, held, binding, answer, client, signed)

    def pending(self, ticket_id: str, binding: str) -> Challenge | None:
        """What a waiting conversation asks for, to show it again."""
        try:
            return ticket.look(self.core, ticket_id, binding)
        except AuthError as error:
            if error.code != "challenge_expired":
                raise
            return None

    def signed_by_cookie(self, cookie: str) -> Signed | None:
        """Who holds this session cookie, in one trip; None for nobody."""
        return self.signed_behind(digest(cookie)) if cookie and len(cookie) <= 128 else None

    def signed_by_session(self, session_id: str) -> Signed | None:
        """Who is signed in by this session, whose token was verified."""
        session = self.core.store.session_by_id(session_id)
        if session is None or not session.is_open(self.core.clock.now()):
            return None
        user = self.core.store.user_by_id(session.user_id)
        return Signed(user, session) if user and user.status is Status.ACTIVE else None

    def user(self, user_id: str) -> User | None:
        return self.core.store.user_by_id(user_id)

    def require_open(self, session_id: str) -> None:
        """AuthError `token_revoked` for a session that has ended anywhere."""
        self.ended.require_open(session_id)

    def refresh(self, token: str, client: Client) -> SignedIn:
        """A new refresh token for an old one; AuthError `invalid_token` or `refresh_reused`, which ends the session."""
        try:
            return sessions.refresh(self.core, token, client)
        except AuthError:
            self.ended.look_again()
            raise

    def sign_out_others(self, signed: Signed, client: Client) -> int:
        """End all other sessions of this person; how many."""
        return self.end_sessions(signed.user, "ended_by_owner", client, keep=signed.session.id)

    def end_session(self, user: User, session_id: str, client: Client, *, by: str = "") -> None:
        """End one of this person's sessions; AuthError `not_found` for anybody else's."""
        session = self.core.store.session_by_id(session_id)
        if session is None or session.user_id != user.id or session.closed_at:
            raise AuthError("not_found")
        sessions.end(self.core, session, "ended_by_operator" if by else "ended_by_owner", client, by=by)
        self.ended.add(session.id)
        self.ended.look_again()  # with it goes what applications were given in it

    def sessions(self, user: User, *, ended: bool = False, after: str | None = None, limit: int = 50) -> Page[Session]:
        """Where somebody is signed in, newest first; or where she was."""
        return self.core.store.sessions_of(user.id, self.core.clock.now(), ended=ended, after=after, limit=limit)

    def events(self, user: User, *, after: str | None = None, limit: int = 50) -> Page[Event]:
        """What happened to an account, newest first."""
        return self.core.store.events_of(user.id, after=after, limit=limit)

    def allowed_return(self, url: str) -> str:
        """The URL if one may be sent there after signing in: a path of this service, or a listed origin; else empty.

        Nothing is repaired: what browsers might read in two ways is refused (ASVS 5.0 3.7.2).
        """
        if not url or len(url) > 2048 or not url.isascii() or any(char <= " " or char == "\\" for char in url):
            return ""
        if url.startswith("/"):
            return "" if url.startswith("//") or "/../" in url or url.endswith("/..") else url
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        listed = url.startswith((f"{origin}/", f"{origin}?")) or url == origin
        return url if listed and (origin in self.settings.return_origins or origin in self.origins()) else ""

    def csrf_key(self) -> bytes:
        return derive_key(self.core.secret, "csrf")

    def health(self) -> dict[str, str]:
        """AuthError `store_unavailable` if the database does not answer."""
        self.core.store.ping()
        self.keys.current()
        cache = getattr(self.core.store, "cache_answers", None)
        told = {} if cache is None else {"cache": "ok" if cache() else "away, the database serves meanwhile"}
        return {"store": "ok", "keys": "ok", **told}
