"""Who may shape an application: nobody who could do less here than it could."""

from __future__ import annotations

from collections.abc import Collection

from authenticator.applications import Application
from authenticator.errors import AuthError
from authenticator.flows import permissions
from authenticator.flows.core import Core
from authenticator.flows.scopes import ACCOUNT, READ_ACCOUNT, covers


def entrusted(core: Core, by: str, bounds: Collection[str] | None, before: Application, after: Application) -> Application:
    """The application after a change, if whoever changes it could do as much here as it could before and can now."""
    require_held(core, by, bounds, before)
    require_held(core, by, bounds, after)
    return after


def require_let_in(core: Core, by: str, application: Application) -> None:
    """AuthError `forbidden` for its owner where somebody else has shut it out, unless she looks after all applications."""
    if by != application.owner or by == application.disabled_by:
        return
    user = core.store.user_by_id(by)
    if user is None or "applications:write" not in permissions.held_here(core, user).permissions:
        raise AuthError("forbidden", "The operator has disabled it.")


def require_held(core: Core, by: str, bounds: Collection[str] | None, application: Application) -> None:
    """AuthError `forbidden` for an administrator without the rights here that the application may ask for (ASVS 5.0 8.2.1).

    A trusted one would use them in the name of everybody who follows a link to it.
    """
    rights = _rights(core, application) if by not in ("operator", "application") else set()
    user = core.store.user_by_id(by) if rights else None
    held = permissions.held_here(core, user).permissions if user else frozenset()
    if not rights <= (held if bounds is None else held & frozenset(bounds)):
        raise AuthError("forbidden", "This application may ask for rights here that you do not hold.")


def _rights(core: Core, application: Application) -> set[str]:
    """The permissions here that its scopes stand for, or come near: what reads and changes any account that lets it in."""
    known, scopes = permissions.declared(permissions.own(core)), application.scopes
    accounts = {right for scope, right in ((READ_ACCOUNT, "users:read"), (ACCOUNT, "users:write")) if covers(scopes, scope)}
    return {scope for scope in scopes if scope in known} | accounts
