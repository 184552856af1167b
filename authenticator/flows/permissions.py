"""Who may do what to other people's accounts here: permissions that a user holds, and two factors to use them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

from authenticator.errors import AuthError
from authenticator.flows.core import Core
from authenticator.flows.outcomes import Signed
from authenticator.models import User

PERMISSIONS = MappingProxyType(
    {
        "users:read": "See accounts, their sign-ins and their history.",
        "users:write": "Make accounts, invite, change their status, end their sign-ins, require a new password.",
    }
)
TWO_FACTORS_LAST = timedelta(hours=12)  # for administrators (SECURITY.md 47)
TRIES = 5


def require(core: Core, signed: Signed, permission: str) -> None:
    """AuthError `forbidden` without the permission; in production `step_up_required` without two factors, shown today (ASVS 5.0 6.3.3)."""
    if permission not in signed.user.permissions:
        raise AuthError("forbidden")
    shown = signed.session.mfa_at
    if not core.settings.development and (shown is None or core.clock.now() - shown > TWO_FACTORS_LAST):
        raise AuthError("step_up_required", "Administrators need two factors: set up a second step, and sign in with it.")


def require_over(signed: Signed, user: User) -> None:
    """AuthError `forbidden` for acting on oneself, or on somebody who holds more than oneself (ASVS 5.0 8.2.1)."""
    if user.id == signed.user.id:
        raise AuthError("forbidden", "Nobody does this to her own account. Ask another administrator, or use the account pages.")
    if not set(user.permissions) <= set(signed.user.permissions):
        raise AuthError("forbidden", "This account may do more here than yours.")


def grant(core: Core, user: User, permission: str, *, by: str) -> User:
    """Let somebody do something; AuthError `not_found` for a permission that is none."""
    if permission not in PERMISSIONS:
        raise AuthError("not_found", f"There is no such permission. There are {', '.join(PERMISSIONS)}.")
    return _changed(core, user, {*user.permissions, permission}, by)


def revoke(core: Core, user: User, permission: str, *, by: str) -> User:
    """Take it back."""
    return _changed(core, user, set(user.permissions) - {permission}, by)


def _changed(core: Core, user: User, wanted: set[str], by: str) -> User:
    found: User | None = user
    for _ in range(TRIES):
        if found is None:
            raise AuthError("not_found")
        new = replace(found, permissions=tuple(sorted(wanted)), updated_at=core.clock.now())
        if set(found.permissions) == wanted:
            return found
        if core.store.save_user(new):
            core.history.record("permissions_changed", user_id=user.id, by=by, after=" ".join(new.permissions))
            return new
        found = core.store.user_by_id(user.id)
    raise AuthError("conflict")
