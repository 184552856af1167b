"""What operators do with accounts: find, add, suspend, bring back."""

from __future__ import annotations

from authenticator.errors import AuthError
from authenticator.flows import admission
from authenticator.flows.core import Core
from authenticator.flows.ownership import email_key
from authenticator.kinds.base import Identity, Proof
from authenticator.models import NewKey, Status, StatusChange, User
from authenticator.storage.port import KeyTaken


def find(core: Core, who: str) -> User:
    """A user by id or by proved e-mail address; AuthError `not_found`."""
    user_id = who
    if "@" in who:
        key = email_key(who)
        user_id = core.store.owners([key]).get(key, "")
    user = core.store.user_by_id(user_id) if user_id else None
    if user is None:
        raise AuthError("not_found", "There is no such user. `authenticator users list` shows the ids.")
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
        keys = [NewKey(email_key(email), email, way_in=False)]
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


def change_status(core: Core, user: User, status: Status, *, why: str, by: str) -> None:
    """Set the status and keep who, when and why; AuthError `conflict` if somebody else just changed it."""
    if user.status is status:
        return
    change = StatusChange(user.status, status, why, by, core.clock.now())
    if not core.store.change_status(user.id, change):
        raise AuthError("conflict")
    core.history.record("status_changed", user_id=user.id, before=user.status, after=status, by=by)
