"""What operators do with accounts: find, make, suspend, bring back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

from authenticator.errors import AuthError
from authenticator.flows import account, admission, logout
from authenticator.flows.core import Core
from authenticator.flows.ownership import email_key
from authenticator.identifiers import canonical_email, canonical_phone, canonical_username
from authenticator.kinds.base import Field, Identity, Proof, checked
from authenticator.models import Client, Contact, LoginKey, Name, NewKey, Status, StatusChange, User
from authenticator.storage.port import KeyTaken

REASON: Final = Field("reason", "Reason", required=False, max_length=500)


@dataclass(frozen=True, slots=True)
class NewPerson:
    """An account to be made by an administrator. What is verified is so by his word; the rest its owner proves."""

    email: str = ""
    email_verified: bool = False
    phone: str = ""
    phone_verified: bool = False
    name: Name = Name()
    salutation: str = ""
    locale: str = ""


def find(core: Core, who: str) -> User:
    """A user by id, e-mail address, phone number (`+44…`) or user name (`@ada`); AuthError `not_found`."""
    user = core.store.user_by_id(who) if who.isdigit() else None
    if user is None and "@" in who[1:]:
        user = holder(core, "email", who)
    elif user is None and who.startswith("+"):
        user = holder(core, "phone", who)
    elif user is None and who.startswith("@"):
        user = holder(core, "username", who[1:])
    elif user is None:
        user = core.store.user_by_id(who)
    if user is None:
        raise AuthError("not_found", "There is no such user. `authenticator users list` shows the ids.")
    return user


def holder(core: Core, kind: str, text: str) -> User | None:
    """Whoever holds exactly this address (`email`), number (`phone`) or user name (`username`)."""
    canonical = {"email": canonical_email, "phone": canonical_phone, "username": canonical_username}[kind]
    key = LoginKey(kind, canonical(text))
    user_id = core.store.owners([key]).get(key)
    return core.store.user_by_id(user_id) if user_id else None


def create(core: Core, person: NewPerson, *, by: str, client: Client | None = None) -> User:
    """Make an account without any way in; an invitation, or its addresses, lead to one.

    AuthError `email_taken` or `phone_taken`; `validation_failed` without any address, or for what its owner could not write either.
    """
    said = {"name": asdict(person.name), "salutation": person.salutation, "locale": person.locale}
    fields = account.checked_fields(said)
    if not person.email and not person.phone:
        raise AuthError("validation_failed", errors={"email": ("Give an e-mail address or a phone number.",)})
    now, contacts = core.clock.now(), []
    keys: list[NewKey] = []
    for kind, text, verified in (("email", person.email, person.email_verified), ("phone", person.phone, person.phone_verified)):
        if text:
            value = canonical_email(text) if kind == "email" else canonical_phone(text)
            contacts.append(Contact(core.ids.new(), kind, value, text, now if verified else None, primary=True))  # type: ignore[arg-type]
            keys.append(NewKey(LoginKey(kind, value), text, way_in=kind in core.registry.providers))
    name = Name(fields["name.given"], fields["name.family"], fields["name.display"])
    user = User(core.ids.new(), now, now, name=name, salutation=fields["salutation"], locale=fields["locale"], contacts=tuple(contacts))
    try:
        core.store.create_user(user, keys)
    except KeyTaken as taken:
        raise AuthError(f"{taken.key.provider}_taken") from None
    core.history.record("user_created", user_id=user.id, client=client, by=by)
    return user


def add(core: Core, email: str, *, given: str, family: str, provider: str, secret: str) -> User:
    """Make an account whose address the operator vouches for; with a provider and a secret, also a way in.

    AuthError `email_taken` if the address has an account.
    """
    identity = Identity(email=email, email_proven=True, given_name=given, family_name=family)
    proof = Proof(subject=email_key(email).subject, identity=identity)
    if provider:
        vouched = _provider_proof(core, provider, email, secret)
        proof = Proof(vouched.subject, identity, secret=vouched.secret, label=vouched.label)
    user, keys = admission.new_user(core, provider or "email", proof)
    if not provider:
        keys = [NewKey(email_key(email), email, way_in="email" in core.registry.providers)]
    try:
        core.store.create_user(user, keys)
    except KeyTaken:
        raise AuthError("email_taken") from None
    core.history.record("user_created", user_id=user.id, by="operator")
    return user


def _provider_proof(core: Core, name: str, email: str, secret: str) -> Proof:
    provider = core.registry.providers.get(name)
    if provider is None:
        raise AuthError("unknown_provider")
    return provider.vouched(email, secret)


def change_status(core: Core, user: User, status: Status, *, why: str, by: str, client: Client | None = None) -> None:
    """Set the status and keep who, when and why; AuthError `conflict` if somebody else just changed it."""
    if user.status is status:
        return
    why = checked((REASON,), {REASON.name: why})[REASON.name]
    change = StatusChange(user.status, status, why, by, core.clock.now())
    with logout.ending(core, () if status is Status.ACTIVE else logout.given_by(core, user.id)):
        if not core.store.change_status(user.id, change):
            raise AuthError("conflict")
    core.history.record("status_changed", user_id=user.id, client=client, before=user.status, after=status, by=by)
