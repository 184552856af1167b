"""Tokens that come back: what they are good for now, and how an application gives them up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from authenticator.applications import Application
from authenticator.clock import LEEWAY
from authenticator.crypto import digest, same
from authenticator.flows import access, applications, granting, permissions, released
from authenticator.flows.access import Issued
from authenticator.flows.core import Core
from authenticator.flows.keyring import KeyRing
from authenticator.models import Client, Session, Status, User
from authenticator.settings import LONGEST_TOKEN

INACTIVE: Final[Mapping[str, Any]] = {"active": False}
REASON: Final = "revoked_by_application"


def userinfo(core: Core, issued: Issued) -> tuple[Application, dict[str, Any]] | None:
    """What the token's application may know of the person behind it; None if the token is worth nothing any more."""
    found = behind(core, issued)
    if found is None or found[1] is None:
        return None
    application, (user, family) = found[0], found[1]
    single = issued.client == family.application
    asked = released.singly(application, family.terms.get("claims") or {}, "userinfo") if single else {}
    claims = released.claims_for(core, user, issued.scopes, asked)
    released.note_read(core, user, application, issued.scopes)
    return application, {"sub": released.subject(core, user, application), **claims}


def introspect(core: Core, keys: KeyRing, application: Application, token: str) -> dict[str, Any]:
    """What a token says, with the permissions of its person as they are now; only to whom it was given, and whom it is for.

    For all else just that it is not active (RFC 7662 §2.2).
    """
    issued = access.believed(core, keys, token)
    if issued is None:
        return _introspect_refresh(core, application, token)
    concerned = issued.client == application.id or {application.id, *application.resources} & set(issued.audience)
    found = behind(core, issued) if concerned else None
    if found is None or issued.claims["exp"] <= core.clock.now().timestamp():  # who asks us allows for no other clock than ours
        return dict(INACTIVE)
    told = {name: value for name, value in issued.claims.items() if name not in ("permissions", "roles", "sid")}
    answer = {"active": True, "token_type": "DPoP" if issued.jkt else "Bearer", **told}
    if found[1] is not None and access.are_its_own(found[0], issued.audience):
        held = permissions.held_in(found[1][0], found[0], core.clock.now())
        answer |= {"permissions": sorted(held.permissions), "roles": sorted(held.roles)}
    return answer


def revoke(core: Core, keys: KeyRing, application: Application, token: str, client: Client) -> bool:
    """Take back a token that was given to this application; whether something has ended.

    With an access token the family goes that it is of; one that was exchanged for, or has no session, goes alone.
    """
    issued = access.believed(core, keys, token)
    if issued is None:
        return _end(core, granting.own_family(core, application, token), client)
    if issued.client != application.id:
        return False
    family = core.store.session_by_id(issued.session) if issued.session else None
    if family is not None and family.application == application.id:
        return _end(core, family, client)
    end = core.clock.now() + timedelta(seconds=LONGEST_TOKEN + 2 * LEEWAY)
    core.store.issue_ticket(access.REVOKED, digest(str(issued.claims["jti"])), {}, end)
    return False


def _end(core: Core, family: Session | None, client: Client) -> bool:
    if family is None or not core.store.close_session(family.id, REASON, core.clock.now()):
        return False
    detail = {"session": family.id, "application": family.application, "reason": REASON}
    core.history.record("session_ended", user_id=family.user_id, client=client, **detail)
    return True


def behind(core: Core, issued: Issued) -> tuple[Application, tuple[User, Session] | None] | None:
    """The application of a token, and the person and family; None if one of them stands no more."""
    application = applications.find(core, issued.client)
    if application is None or not application.enabled:
        return None
    if not issued.session:
        return None if access.is_revoked(core, issued) else (application, None)
    family = core.store.session_by_id(issued.session)
    if family is None or not family.is_open(core.clock.now()):
        return None
    if family.application != application.id and access.is_revoked(core, issued):
        return None
    user = core.store.user_by_id(family.user_id)
    return (application, (user, family)) if user is not None and user.status is Status.ACTIVE else None


def _introspect_refresh(core: Core, application: Application, token: str) -> dict[str, Any]:
    """A refresh token is nobody's business but its application's."""
    family = granting.own_family(core, application, token)
    current = family is not None and family.refresh is not None and same(family.refresh, digest(token))
    if family is None or not current or not family.is_open(core.clock.now()):
        return dict(INACTIVE)
    user = core.store.user_by_id(family.user_id)
    if user is None or user.status is not Status.ACTIVE:
        return dict(INACTIVE)
    return {
        "active": True,
        "token_type": "refresh_token",
        "client_id": application.id,
        "scope": " ".join(family.scopes),
        "sub": released.subject(core, user, application),
        "iss": core.settings.public_url,
        "iat": int(family.created_at.timestamp()),
        "exp": int(family.expires_at.timestamp()),
    }
