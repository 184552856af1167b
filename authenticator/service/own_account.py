"""The part of the facade that serves a person about her own account: ways in, second steps, addresses, profile, export, deletion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from authenticator.events import Event
from authenticator.flows import (
    account,
    avatars,
    contacts,
    devices,
    exporting,
    factors,
    leaving,
    linking,
    passwords,
    recovery,
    usernames,
)
from authenticator.flows.factors import Overview
from authenticator.flows.history import as_told_to
from authenticator.flows.outcomes import Signed
from authenticator.models import Avatar, Client, Contact, HeldKey, Page, User
from authenticator.service.facade import Facade


class OwnAccount(Facade):
    """What a person may do to her own account."""

    def own_events(self, user: User, *, after: str | None = None, limit: int = 50) -> Page[Event]:
        """What happened to a person's account, newest first, as she may read it: without where an administrator sat."""
        page = self.core.store.events_of(user.id, after=after, limit=limit)
        return Page(tuple(as_told_to(event, user.id) for event in page.items), page.next)

    def identities(self, user: User) -> Sequence[HeldKey]:
        """The ways into this account."""
        return [key for key in self.core.store.keys_of(user.id) if key.way_in]

    def unlink(self, signed: Signed, key_id: str, client: Client) -> None:
        """Take one's own way in away, after fresh proof."""
        self.require_fresh(signed)
        linking.unlink(self.core, signed.user, key_id, client)

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
