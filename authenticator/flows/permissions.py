"""Who may do what to other people's accounts here: permissions that a user holds, and two factors to use them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from authenticator.applications import OWN, Assignment
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


def held(user: User, now: datetime) -> set[str]:
    """What somebody may do here now."""
    return {item.permission for item in user.assignments if item.application == OWN and (item.expires_at is None or item.expires_at > now)}


def require(core: Core, signed: Signed, permission: str) -> None:
    """AuthError `forbidden` without the permission; in production `step_up_required` without two factors, shown today (ASVS 5.0 6.3.3)."""
    session = signed.session
    if permission not in held(signed.user, core.clock.now()) or (session.kind != "sign_in" and permission not in session.scopes):
        raise AuthError("forbidden")
    if session.kind == "token":
        return  # two factors were shown when it was made
    shown = session.mfa_at
    if not core.settings.development and (shown is None or core.clock.now() - shown > TWO_FACTORS_LAST):
        raise AuthError("step_up_required", "Administrators need two factors: set up a second step, and sign in with it.")


def require_over(core: Core, signed: Signed, user: User) -> None:
    """AuthError `forbidden` for acting on oneself, or on somebody who holds more than oneself (ASVS 5.0 8.2.1)."""
    if user.id == signed.user.id:
        raise AuthError("forbidden", "Nobody does this to her own account. Ask another administrator, or use the account pages.")
    now = core.clock.now()
    if not held(user, now) <= held(signed.user, now):
        raise AuthError("forbidden", "This account may do more here than yours.")


def grant(core: Core, user: User, permission: str, *, by: str) -> User:
    """Let somebody do something; AuthError `not_found` for a permission that is none."""
    if permission not in PERMISSIONS:
        raise AuthError("not_found", f"There is no such permission. There are {', '.join(PERMISSIONS)}.")
    return _changed(core, user, held(user, core.clock.now()) | {permission}, by)


def revoke(core: Core, user: User, permission: str, *, by: str) -> User:
    """Take it back."""
    return _changed(core, user, held(user, core.clock.now()) - {permission}, by)


def _changed(core: Core, user: User, wanted: set[str], by: str) -> User:
    found: User | None = user
    for _ in range(TRIES):
        if found is None:
            raise AuthError("not_found")
        others = tuple(item for item in found.assignments if item.application != OWN)
        given = tuple(Assignment(OWN, permission=name, granted_at=core.clock.now(), granted_by=by) for name in sorted(wanted))
        new = replace(found, assignments=(*others, *given), updated_at=core.clock.now())
        if held(found, core.clock.now()) == wanted:
            return found
        if core.store.save_user(new):
            core.history.record("permissions_changed", user_id=user.id, by=by, after=" ".join(sorted(wanted)))
            return new
        found = core.store.user_by_id(user.id)
    raise AuthError("conflict")
