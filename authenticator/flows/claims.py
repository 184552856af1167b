"""Claims to proved addresses, numbers and user names: taken by one account, given up, and never the last name of a password."""

from __future__ import annotations

from authenticator.errors import AuthError
from authenticator.flows.core import Core
from authenticator.kinds.base import SecretProvider
from authenticator.models import HeldKey, LoginKey, NewKey, User
from authenticator.storage.port import KeyTaken, LastWayIn


def claim(core: Core, user: User, key: LoginKey, label: str) -> None:
    """Make it hers; AuthError `email_taken`, `phone_taken` or `username_taken` if it is another's. Claiming one's own again is fine.

    It is a way in where a provider of that very name signs people in by it.
    """
    new = NewKey(key, label, way_in=key.provider in core.registry.providers)
    try:
        core.store.add_login_key(user.id, new, core.clock.now())
    except KeyTaken:
        raise AuthError(f"{key.provider}_taken") from None


def release(core: Core, user: User, key: LoginKey) -> None:
    """Give it up, if it is hers; AuthError `last_sign_in_method` if it is the only way into the account."""
    try:
        core.store.remove_login_key(user.id, key)
    except LastWayIn:
        raise AuthError("last_sign_in_method") from None


def is_anothers(core: Core, user: User, key: LoginKey) -> bool:
    """Whether somebody else holds it."""
    return core.store.owners([key]).get(key, user.id) != user.id


def is_listed(core: Core, user: User, held: HeldKey) -> bool:
    """Whether this key of hers is the claim to an address or number on her list; one that a crash left alone is not."""
    mine = (LoginKey(contact.kind, contact.value) for contact in user.contacts if contact.kind == held.provider and contact.proved_at)
    return any(login.key.id == held.id for key in mine if (login := core.store.find_login(key)))


def require_name(core: Core, user: User) -> None:
    """AuthError `last_sign_in_method` if this user has a password, and no address, number or user name is left to type beside it."""
    if user.username or any(contact.proved_at for contact in user.contacts):
        return
    secrets = {name for name, provider in core.registry.providers.items() if isinstance(provider, SecretProvider)}
    if any(key.provider in secrets for key in core.store.keys_of(user.id)):
        raise AuthError("last_sign_in_method", "You sign in with this and your password. Add another address, number or user name first.")
