"""A person's e-mail addresses and phone numbers: added, proved by code or link, made primary, removed, and taken back in time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final, Literal

from authenticator.errors import AuthError
from authenticator.flows import claims, onetime, ownership, sessions
from authenticator.flows.changes import change
from authenticator.flows.contact_letters import LINK_SECONDS, ask_to_prove, tell, told_taken, warn
from authenticator.flows.core import Core
from authenticator.flows.outcomes import Signed
from authenticator.identifiers import canonical_email, canonical_phone
from authenticator.kinds import codes
from authenticator.kinds.base import Field, checked
from authenticator.limits import Limit
from authenticator.models import Client, Contact, LoginKey, Status, User

ContactKind = Literal["email", "phone"]
PROVE: Final = "contact"
CANCEL: Final = "cancel"
MOST: Final = 10  # of one kind
CANCEL_SECONDS: Final = 7 * 86_400
TRIES_AN_HOUR: Final = 20  # of codes, for all addresses of one person (ASVS 5.0 6.6.3)
CONFIRM_FIRST: Final = "Confirm it first, with the code that was sent to it."
NEW_PRIMARY: Final = "Another address or number is now the main one of your account."
TAKEN_BACK: Final = "An address or number that was being added was removed, and other sign-ins were ended."
FIELDS: Final[Mapping[ContactKind, Field]] = {
    "email": Field("email", "E-mail address", "email", autocomplete="email", max_length=254),
    "phone": Field(
        "phone_number", "Phone number", "tel", autocomplete="tel", max_length=40, help="With its country code, such as +44 7400 123456."
    ),
}


def add(core: Core, signed: Signed, kind: ContactKind, text: str, client: Client) -> Contact:
    """Put an address on a person's list, unproved, and send a code and a link to it; after fresh proof of hers.

    The answer is the same where it is somebody else's: its owner is told, and nothing will prove it (ASVS 5.0 6.3.8). All
    that she has proved before is warned, with a link that takes it back. AuthError `validation_failed`, `rate_limited`.
    """
    sessions.require_fresh(core, signed.session)
    wanted = _wanted(core, kind, text, client)
    known = _same(signed.user, wanted)
    if known and known.proved_at:
        raise _refused(kind, "This is yours already.")
    core.spend(*ownership.message_limits(core, wanted.value, client))
    contact = known or _listed(core, signed.user, wanted, client)
    _send_proof(core, signed.user, contact, client)
    return contact


def _listed(core: Core, user: User, wanted: Contact, client: Client) -> Contact:
    """Warn first, so that a crash leaves no address that nobody was warned of; then put it on the list."""
    _fitting(user, wanted)
    taking_back = onetime.issue(core, CANCEL, _subject(user, wanted), _facts(user, wanted), CANCEL_SECONDS)
    warn(core, user, wanted, taking_back.link_token)
    user = change(core, user, lambda found: found if _same(found, wanted) else _with(found, _fitting(found, wanted)))
    core.history.record("contact_added", user_id=user.id, client=client, contact=wanted.kind)
    return _same(user, wanted) or wanted


def send_again(core: Core, user: User, kind: ContactKind, contact_id: str, client: Client) -> None:
    """Send a new code and link to an address that is not proved; the ones before no longer work."""
    contact = _contact(user, kind, contact_id)
    if not contact.proved_at:
        core.spend(*ownership.message_limits(core, contact.value, client))
        _send_proof(core, user, contact, client)


def prove(core: Core, user: User, kind: ContactKind, contact_id: str, code: str, client: Client) -> Contact:
    """Prove an address by the code that went to it; AuthError `invalid_code`, `email_taken`, `phone_taken`."""
    contact = _contact(user, kind, contact_id)
    if contact.proved_at:
        return contact
    given = checked((codes.CODE,), {"code": code})["code"]
    core.spend(Limit(f"contact-codes:{user.id}", TRIES_AN_HOUR, 3600))
    facts = onetime.redeem_code(core, PROVE, _subject(user, contact), given)
    if facts["taken"] or facts["value"] != contact.value:
        raise codes.wrong()
    return _proved(core, user, contact, client)


def behind_link(core: Core, token: str, purpose: str = PROVE) -> tuple[User, Contact]:
    """Whose and which address a link is about; AuthError `invalid_link`. Nothing is spent."""
    return _behind(core, onetime.look(core, purpose, token))


def prove_by_link(core: Core, token: str, signed: Signed | None, client: Client) -> Contact:
    """Prove an address by the link that went to it, for the account that asked.

    AuthError `invalid_link`, `forbidden` where somebody else is signed in, `email_taken`.
    """
    user, contact = behind_link(core, token)
    if signed and signed.user.id != user.id:
        raise AuthError("forbidden", "You are signed in as somebody else here. Sign out first, then open the link again.")
    facts = onetime.redeem_link(core, PROVE, token)
    if facts["taken"] or contact.proved_at:
        raise AuthError("invalid_link")
    return _proved(core, user, contact, client)


def make_primary(core: Core, signed: Signed, kind: ContactKind, contact_id: str, client: Client) -> Contact:
    """Let a proved address be the one that she is known by; after fresh proof. The one before is told."""
    sessions.require_fresh(core, signed.session)
    before = signed.user

    def promote(found: User) -> User:
        nonlocal before
        before = found
        contact = _contact(found, kind, contact_id)
        if not contact.proved_at:
            raise AuthError("validation_failed", CONFIRM_FIRST, errors={"primary": (CONFIRM_FIRST,)})
        return found if contact.primary else _with(found, replace(contact, primary=True))

    user = change(core, signed.user, promote)
    if user is not before:
        core.history.record("contact_made_primary", user_id=user.id, client=client, contact=kind)
        tell(core, user, before.contact(kind), "Your main address was changed", NEW_PRIMARY)
    return _contact(user, kind, contact_id)


def remove(core: Core, signed: Signed, kind: ContactKind, contact_id: str, client: Client) -> None:
    """Take an address off; after fresh proof. It is free for others then, and told.

    AuthError `last_sign_in_method` where nothing would be left to sign in with, `conflict` where a second step sends its codes there.
    """
    sessions.require_fresh(core, signed.session)
    contact = _contact(signed.user, kind, contact_id)
    _require_no_second_step(core, signed.user, contact)
    user, gone = _take_away(core, signed.user, contact, careful=True)
    core.history.record("contact_removed", user_id=user.id, client=client, contact=kind)
    if gone.proved_at:
        tell(core, user, gone, "An address was removed", "An address or number was removed from your account.")


def _require_no_second_step(core: Core, user: User, contact: Contact) -> None:
    """A second step keeps the number that its codes go to; the owner must not believe that it has gone with the contact."""
    kept = (login.secret for name in user.factors for login in core.store.logins_of(user.id, name))
    if contact.value in kept:
        raise AuthError("conflict", "The codes of your second step go there. Remove that second step first.")


def cancel(core: Core, token: str, signed: Signed | None, client: Client) -> None:
    """Undo what a warning was about: the added address goes, proved meanwhile or not, and every other session ends.

    AuthError `invalid_link`. The link is spent last, so that a failure half-way leaves it good.
    """
    user, contact = behind_link(core, token, CANCEL)
    keep = signed.session.id if signed and signed.user.id == user.id else None
    sessions.end_all(core, user, "contact_cancelled", client, keep=keep)
    left, _ = _take_away(core, user, contact, careful=False)
    onetime.redeem_link(core, CANCEL, token)
    core.history.record("contact_removed", user_id=user.id, client=client, contact=contact.kind, why="cancelled")
    tell(core, left, None, "An added address was removed", TAKEN_BACK)


def _send_proof(core: Core, user: User, contact: Contact, client: Client) -> None:
    taken = claims.is_anothers(core, user, _key(contact))
    facts = {**_facts(user, contact), "taken": taken}
    write, locale = (told_taken, client.locale) if taken else (ask_to_prove, user.locale or client.locale)
    onetime.issue(core, PROVE, _subject(user, contact), facts, LINK_SECONDS, letter=partial(write, core, contact, locale))


def _proved(core: Core, user: User, contact: Contact, client: Client) -> Contact:
    """Claim the address, then mark it. A crash in between leaves a claim of hers that the next proof finds."""
    claims.claim(core, user, _key(contact), contact.shown)
    now = core.clock.now()

    def mark(found: User) -> User:
        known = _contact(found, contact.kind, contact.id)
        first = not any(other.primary for other in found.contacts if other.kind == contact.kind)
        return found if known.proved_at else _with(found, replace(known, proved_at=now, primary=first))

    try:
        user = change(core, user, mark)
    except AuthError as error:
        if error.code == "not_found":  # removed at this very moment
            claims.release(core, user, _key(contact))
        raise
    core.history.record("contact_proved", user_id=user.id, client=client, contact=contact.kind)
    return _contact(user, contact.kind, contact.id)


def _take_away(core: Core, user: User, contact: Contact, *, careful: bool) -> tuple[User, Contact]:
    """Mark the address as unproved, free its claim, then forget it: a crash on the way leaves it on the list, to be removed again.

    `careful` keeps the last name that a password is used with. The user without it, and what was taken away as it was.
    """
    gone = contact

    def unmark(found: User) -> User:
        nonlocal gone
        gone = _contact(found, contact.kind, contact.id)
        if not gone.proved_at:
            return found
        left = _with(found, replace(gone, proved_at=None, primary=False))
        if careful:
            claims.require_name(core, left)
        heir = next((other for other in left.contacts if other.kind == gone.kind and other.proved_at), None)
        return _with(left, replace(heir, primary=True)) if gone.primary and heir else left

    user = change(core, user, unmark)
    try:
        claims.release(core, user, _key(gone))
    except AuthError:
        change(core, user, lambda found: _with(found, gone))
        raise
    return change(core, user, lambda found: replace(found, contacts=tuple(one for one in found.contacts if one.id != gone.id))), gone


def _wanted(core: Core, kind: ContactKind, text: str, client: Client) -> Contact:
    shown = checked((FIELDS[kind],), {FIELDS[kind].name: text})[FIELDS[kind].name]
    if kind == "email":
        return Contact(core.ids.new(), kind, canonical_email(shown), shown)
    if not core.messages.carries("sms"):
        raise _refused(kind, "Phone numbers can't be confirmed here: nothing carries text messages.")
    return Contact(core.ids.new(), kind, canonical_phone(shown, client.country), shown)


def _same(user: User, wanted: Contact) -> Contact | None:
    return next((one for one in user.contacts if (one.kind, one.value) == (wanted.kind, wanted.value)), None)


def _fitting(user: User, wanted: Contact) -> Contact:
    if sum(one.kind == wanted.kind for one in user.contacts) >= MOST:
        raise _refused(wanted.kind, "You have too many already. Remove one first.")
    return wanted


def _refused(kind: ContactKind, reason: str) -> AuthError:
    return AuthError("validation_failed", errors={FIELDS[kind].name: (reason,)})


def _contact(user: User, kind: ContactKind, contact_id: str) -> Contact:
    found = next((one for one in user.contacts if one.kind == kind and one.id == contact_id), None)
    if found is None:
        raise AuthError("not_found")
    return found


def _with(user: User, contact: Contact) -> User:
    """The user with this contact in the place of the one of its id, or at the end; there is one primary of a kind."""
    others = tuple(
        replace(one, primary=False) if contact.primary and one.kind == contact.kind else one
        for one in user.contacts
        if one.id != contact.id
    )
    place = next((index for index, one in enumerate(user.contacts) if one.id == contact.id), len(others))
    return replace(user, contacts=(*others[:place], contact, *others[place:]))


def _behind(core: Core, facts: Mapping[str, Any]) -> tuple[User, Contact]:
    user = core.store.user_by_id(str(facts["user_id"]))
    contact = next((one for one in user.contacts if one.id == facts["contact_id"]), None) if user else None
    if user is None or contact is None or user.status is not Status.ACTIVE or contact.value != facts["value"]:
        raise AuthError("invalid_link")
    return user, contact


def _facts(user: User, contact: Contact) -> dict[str, Any]:
    return {"user_id": user.id, "contact_id": contact.id, "value": contact.value}


def _subject(user: User, contact: Contact) -> str:
    return f"{user.id}:{contact.id}"


def _key(contact: Contact) -> LoginKey:
    return LoginKey(contact.kind, contact.value)
