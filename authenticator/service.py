"""The facade: all that a transport may ask of the core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from authenticator.administration import Administration
from authenticator.crypto import derive_key, digest
from authenticator.errors import AuthError
from authenticator.events import Event
from authenticator.flows import (
    account,
    avatars,
    contacts,
    conversation,
    devices,
    exporting,
    factors,
    leaving,
    linking,
    passwords,
    recovery,
    sessions,
    ticket,
    usernames,
)
from authenticator.flows.factors import Overview
from authenticator.flows.keyring import KeyRing
from authenticator.flows.logins import VisitLogins
from authenticator.flows.outcomes import Begin, Challenge, Entry, Outcome, Signed, SignedIn
from authenticator.kinds.base import Ask, Visit
from authenticator.models import Avatar, Client, Contact, HeldKey, Intent, Page, Session, Status, User
from authenticator.settings import Settings


@dataclass(frozen=True)
class Service(Administration):
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
        if not cookie or len(cookie) > 128:
            return None
        found = self.core.store.session_by_cookie(digest(cookie), self.core.clock.now())
        return Signed(found[1], found[0]) if found and found[1].status is Status.ACTIVE else None

    def signed_by_session(self, session_id: str) -> Signed | None:
        """Who is signed in by this session, whose token was verified."""
        session = self.core.store.session_by_id(session_id)
        if session is None or session.closed_at or session.expires_at <= self.core.clock.now():
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

    def sign_out(self, session: Session, client: Client) -> None:
        """End a session, everywhere within a second and here at once."""
        sessions.end(self.core, session, "signed_out", client)
        self.ended.add(session.id)

    def sign_out_others(self, signed: Signed, client: Client) -> int:
        """End all other sessions of this person; how many."""
        return self.end_sessions(signed.user, "ended_by_owner", client, keep=signed.session.id)

    def end_sessions(self, user: User, reason: str, client: Client, *, by: str = "", keep: str | None = None) -> int:
        """End all sessions of somebody but `keep`; how many. `by` says who did it, if it was not the person herself."""
        ended = sessions.end_all(self.core, user, reason, client, by=by, keep=keep)
        self.ended.look_again()
        return ended

    def end_session(self, user: User, session_id: str, client: Client, *, by: str = "") -> None:
        """End one of this person's sessions; AuthError `not_found` for anybody else's."""
        session = self.core.store.session_by_id(session_id)
        if session is None or session.user_id != user.id or session.closed_at:
            raise AuthError("not_found")
        sessions.end(self.core, session, "ended_by_operator" if by else "ended_by_owner", client, by=by)
        self.ended.add(session.id)

    def sessions(self, user: User, *, ended: bool = False, after: str | None = None, limit: int = 50) -> Page[Session]:
        """Where somebody is signed in, newest first; or where she was."""
        return self.core.store.sessions_of(user.id, self.core.clock.now(), ended=ended, after=after, limit=limit)

    def events(self, user: User, *, after: str | None = None, limit: int = 50) -> Page[Event]:
        """What happened to an account, newest first."""
        return self.core.store.events_of(user.id, after=after, limit=limit)

    def identities(self, user: User) -> Sequence[HeldKey]:
        """The ways into this account."""
        return [key for key in self.core.store.keys_of(user.id) if key.way_in]

    def unlink(self, signed: Signed, key_id: str) -> None:
        """Take one's own way in away, after fresh proof."""
        self.require_fresh(signed)
        linking.unlink(self.core, signed.user, key_id)

    def factors(self, user: User) -> Overview:
        """The second steps of an account, and what belongs to them."""
        return factors.overview(self.core, user)

    def remove_factor(self, signed: Signed, name: str, client: Client) -> None:
        """Take one's own second step away, after fresh proof."""
        factors.remove(self.core, signed, name, client)

    def new_recovery_codes(self, signed: Signed, client: Client) -> tuple[str, ...]:
        """A new set of recovery codes, after fresh proof."""
        return factors.new_recovery_codes(self.core, signed, client)

    def forget_browsers(self, signed: Signed, client: Client) -> int:
        """Ask for the second step in every browser again; in how many it was not asked for."""
        return devices.forget(self.core, signed.user, client)

    def require_fresh(self, signed: Signed) -> None:
        sessions.require_fresh(self.core, signed.session)

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
        return url if listed and origin in self.settings.return_origins else ""

    def csrf_key(self) -> bytes:
        return derive_key(self.core.secret, "csrf")

    def health(self) -> dict[str, str]:
        """AuthError `store_unavailable` if the database does not answer."""
        self.core.store.ping()
        self.keys.current()
        cache = getattr(self.core.store, "cache_answers", None)
        told = {} if cache is None else {"cache": "ok" if cache() else "away, the database serves meanwhile"}
        return {"store": "ok", "keys": "ok", **told}

    def add_contact(self, signed: Signed, kind: contacts.ContactKind, text: str, client: Client) -> Contact:
        """Put an address or number on a person's list and send a code to it, after fresh proof; the others are warned."""
        return contacts.add(self.core, signed, kind, text, client)

    def send_contact_code(self, user: User, kind: contacts.ContactKind, contact_id: str, client: Client) -> None:
        """Send a new code to an address or number that is not proved."""
        contacts.send_again(self.core, user, kind, contact_id, client)

    def prove_contact(self, user: User, kind: contacts.ContactKind, contact_id: str, code: str, client: Client) -> Contact:
        """Prove an address or number by its code; AuthError `invalid_code`, `email_taken`, `phone_taken`."""
        return contacts.prove(self.core, user, kind, contact_id, code, client)

    def contact_behind(self, token: str, purpose: str = contacts.PROVE) -> tuple[User, Contact]:
        """Whose and which address a link is about, without spending it; AuthError `invalid_link`."""
        return contacts.behind_link(self.core, token, purpose)

    def prove_contact_by_link(self, token: str, signed: Signed | None, client: Client) -> Contact:
        """Prove an address by its link, for the account that asked; AuthError `forbidden` where somebody else is signed in."""
        return contacts.prove_by_link(self.core, token, signed, client)

    def make_contact_primary(self, signed: Signed, kind: contacts.ContactKind, contact_id: str, client: Client) -> Contact:
        """Let a proved address or number be the main one, after fresh proof."""
        return contacts.make_primary(self.core, signed, kind, contact_id, client)

    def remove_contact(self, signed: Signed, kind: contacts.ContactKind, contact_id: str, client: Client) -> None:
        """Take an address or number off, after fresh proof; AuthError `last_sign_in_method`."""
        contacts.remove(self.core, signed, kind, contact_id, client)

    def cancel_contact(self, token: str, signed: Signed | None, client: Client) -> None:
        """Undo the adding of an address, by the link of the warning; all other sessions end."""
        try:
            contacts.cancel(self.core, token, signed, client)
        finally:
            self.ended.look_again()

    def has_passwords(self) -> bool:
        return passwords.are_used(self.core)

    def has_password(self, user: User) -> bool:
        return passwords.login_of(self.core, passwords.provider_of(self.core), user) is not None

    def change_password(self, signed: Signed, current: str, new: str, client: Client, *, in_browser: bool) -> str:
        """Set a new password; all other sessions end. The new value of a browser's session cookie."""
        cookie = passwords.change(self.core, signed, current, new, client, in_browser=in_browser)
        self.ended.look_again()
        return cookie

    def forgot_password(self, text: str, client: Client, *, browser: str = "") -> None:
        recovery.ask(self.core, text, client, browser=browser)

    def forgot_before(self, browser: str) -> str:
        return recovery.asked(self.core, browser)

    def reset_behind(self, token: str) -> recovery.Way:
        """Whom a link to a new password is for, without spending it; AuthError `invalid_link`."""
        return recovery.look(self.core, token)

    def reset_password(self, new: str, client: Client, *, token: str = "", who: str = "", code: str = "") -> None:
        """Set a new password by a link, or by a code with what was typed to have it sent; all sessions end, and none begins."""
        recovery.reset(self.core, new, client, token=token, who=who, code=code)
        self.ended.look_again()

    def username_availability(self, text: str, client: Client) -> usernames.Availability:
        """Whether a user name is free; AuthError `rate_limited`."""
        return usernames.availability(self.core, text, client)

    def update_profile(self, signed: Signed, changes: Mapping[str, Any], client: Client) -> User:
        return account.update(self.core, signed, changes, client)

    def avatars(self, user: User) -> Sequence[Avatar]:
        return self.core.store.avatars_of(user.id)

    def avatar(self, avatar_id: str) -> Avatar | None:
        return avatars.found(self.core, avatar_id)

    def add_avatar(self, user: User, content: bytes, client: Client) -> Avatar:
        return avatars.add(self.core, user, content, client)

    def choose_avatar(self, user: User, avatar_id: str) -> User:
        return avatars.choose(self.core, user, avatar_id)

    def remove_avatar(self, user: User, avatar_id: str, client: Client) -> None:
        avatars.remove(self.core, user, avatar_id, client)

    def export(self, signed: Signed, client: Client) -> dict[str, Any]:
        return exporting.export(self.core, signed, client)

    def delete_account(self, signed: Signed, client: Client) -> datetime:
        """Begin to delete the account, after fresh proof; when it is erased. Its sessions end everywhere within a second."""
        try:
            return leaving.delete(self.core, signed, client)
        finally:
            self.ended.look_again()

    def leaving_account(self, token: str) -> User:
        return leaving.look(self.core, token)

    def keep_account(self, token: str, client: Client) -> User:
        return leaving.undo(self.core, token, client)
