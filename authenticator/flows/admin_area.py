"""How long an administrator may stay in the administrators' pages without showing two factors again (NIST SP 800-63B-4 §2.2.3)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from authenticator.crypto import digest
from authenticator.errors import AuthError
from authenticator.flows import permissions
from authenticator.flows.core import Core
from authenticator.flows.outcomes import Signed

KIND: Final = "admin_area"
IDLE: Final = timedelta(minutes=15)
NOTED_EVERY: Final = timedelta(minutes=1)


def enter(core: Core, signed: Signed) -> None:
    """Note that somebody is in the area; AuthError `step_up_required` in production after 12 hours, or 15 minutes away from it.

    Whoever comes anew has just shown two factors. Being elsewhere on the account's pages does not count as being here.
    """
    permissions.require_two_factors(core, signed)
    if core.settings.development:
        return
    now, shown = core.clock.now(), signed.session.mfa_at
    place = digest(f"{signed.session.id}:{shown.isoformat() if shown else ''}")
    known = core.store.read_ticket(KIND, place, now)
    if known is None and (shown is None or now - shown > IDLE):
        raise AuthError("step_up_required", "You have been away from administration for a while. Confirm once more with both steps.")
    if known is None or now - datetime.fromisoformat(known["at"]) > NOTED_EVERY:
        core.store.issue_ticket(KIND, place, {"at": now.isoformat()}, now + IDLE)
