"""Who may do what, in which application and for which of its things, and why: permissions, roles, and the rights of administrators."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote

from authenticator.applications import OWN, Application, Assignment, Role
from authenticator.errors import AuthError
from authenticator.flows.core import Core
from authenticator.flows.outcomes import Signed
from authenticator.limits import Limit
from authenticator.models import Client, Status, User
from authenticator.words import Words

PERMISSIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "users:read": "See accounts, their sign-ins and their history.",
        "users:write": "Make accounts, invite, change their status, end their sign-ins, require a new password.",
        "applications:read": "See the applications that sign people in here.",
        "applications:write": "Register applications, change and remove them, and make secrets for them.",
        "permissions:read": "See who may do what, here and in applications.",
        "permissions:write": "Give and take roles and permissions, as far as one holds them.",
    }
)
ADMINISTRATOR: Final = Role("administrator", "Administers this service: everything above.", tuple(PERMISSIONS))
ADMINISTRATORS_FACTORS_LAST = timedelta(hours=12)  # NIST SP 800-63B-4 §2.2.3
REFUSALS_NOTED = 60  # a minute and account; the rest is refused as well, but not written down
LONGEST_RESOURCE = 200


@dataclass(frozen=True, slots=True)
class Power:
    """One permission that somebody was given, for a resource, by which assignment; also where that has expired."""

    permission: str
    given: Assignment


@dataclass(frozen=True, slots=True)
class Held:
    """What somebody may do in an application with everything in it, and the roles she has for everything."""

    permissions: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether somebody may, and why, in a sentence."""

    allowed: bool
    reason: str


def own(core: Core) -> Application:
    """This service as an application: the one whose permissions administer it."""
    beginning = datetime.fromtimestamp(0, core.clock.now().tzinfo)
    return core.store.application(OWN) or Application(OWN, core.settings.service_name, beginning, beginning, redirect_uris=(), grants=())


def declared(application: Application) -> dict[str, str]:
    """The permissions that an application knows, with what each means; this service knows some of its own accord."""
    built_in = PERMISSIONS if application.id == OWN else {}
    return {**built_in, **{item.name: item.text for item in application.permissions if item.name not in built_in}}


def require_declared(application: Application, permission: str) -> None:
    """AuthError `not_found`, with those that there are, for a permission that the application does not know."""
    known = declared(application)
    if permission not in known:
        names = ", ".join(sorted(known)) or "–"
        raise AuthError("not_found", Words("There is no such permission. There are: %(names)s.", names=names))


def roles(application: Application) -> dict[str, Role]:
    """The roles of an application by name, with those permissions in them that it still declares."""
    known = declared(application)
    built_in = (ADMINISTRATOR,) if application.id == OWN else ()
    return {
        role.name: replace(role, permissions=tuple(name for name in role.permissions if name in known))
        for role in (*built_in, *(role for role in application.roles if not built_in or role.name != ADMINISTRATOR.name))
    }


def given_by(application: Application, assignment: Assignment) -> tuple[str, ...]:
    """The permissions that an assignment stands for now.

    None where the application no longer knows its role or permission, or knows another one that was made under its name since.
    """
    if assignment.role:
        role = roles(application).get(assignment.role)
        return role.permissions if role and _since(assignment, role.since) else ()
    built_in = application.id == OWN and assignment.permission in PERMISSIONS
    fits = (item.name == assignment.permission and _since(assignment, item.since) for item in application.permissions)
    return (assignment.permission,) if built_in or any(fits) else ()


def _since(assignment: Assignment, since: datetime | None) -> bool:
    return since is None or (assignment.granted_at is not None and assignment.granted_at >= since)


def powers(user: User, application: Application) -> Iterator[Power]:
    """All that somebody was given in an application, expired or not."""
    for item in user.assignments:
        if item.application == application.id:
            yield from (Power(name, item) for name in given_by(application, item))


def alive(assignment: Assignment, now: datetime) -> bool:
    return assignment.expires_at is None or assignment.expires_at > now


def held_in(user: User, application: Application, now: datetime) -> Held:
    """What somebody may do in an application with everything in it; for single things, ask `decide`."""
    everywhere = [item for item in user.assignments if item.application == application.id and not item.resource and alive(item, now)]
    known = roles(application)
    return Held(
        frozenset(name for item in everywhere for name in given_by(application, item)),
        frozenset(item.role for item in everywhere if item.role in known),
    )


def canonical_resource(text: str) -> str:
    """The one way to write a resource; AuthError `validation_failed` for what could be read in two ways.

    Empty means everything, and a star at its end all that begin so.
    """
    resource = "" if text == "*" else text
    odd = (
        len(resource) > LONGEST_RESOURCE
        or not resource.isprintable()
        or resource != resource.strip()
        or unicodedata.normalize("NFKC", resource) != resource
        or unquote(resource) != resource
        or "\\" in resource
        or "*" in resource[:-1]
        or (resource != "" and any(part in ("", ".", "..") for part in resource.removeprefix("/").split("/")[:-1]))
        or resource.rsplit("/", 1)[-1] in (".", "..")
    )
    if odd:
        told = "Write it plainly, like projects/7, with a star at the end for all that begin so: projects/*."
        raise AuthError("validation_failed", errors={"resource": (told,)})
    return resource


def covers(pattern: str, resource: str) -> bool:
    """Whether what is given for `pattern` holds for `resource`, which may itself be a pattern or, empty, everything."""
    if pattern == "" or pattern == resource:
        return True
    return pattern.endswith("*") and resource.startswith(pattern[:-1]) and resource != ""


def holds(user: User, application: Application, permission: str, resource: str, now: datetime, *, until: datetime | None = None) -> bool:
    """Whether somebody holds the permission now, for at least this resource; given `until`, for at least as long."""
    return any(
        power.permission == permission
        and covers(power.given.resource, resource)
        and alive(power.given, now)
        and (until is None or power.given.expires_at is None or power.given.expires_at >= until)
        for power in powers(user, application)
    )


def decide(core: Core, user: User, application: Application, permission: str, resource: str = "") -> Decision:
    """Whether somebody may do something in an application, and why; AuthError `validation_failed` for a resource that is none."""
    resource = canonical_resource(resource)
    if user.status is not Status.ACTIVE:
        return Decision(False, Words("The account is %(status)s.", status=Words(user.status.value)))
    if not application.enabled:
        return Decision(False, Words("The application %(name)s is disabled.", name=application.name))
    if permission not in declared(application):
        return Decision(
            False, Words("%(application)s declares no permission %(permission)s.", application=application.name, permission=permission)
        )
    now = core.clock.now()
    given = [power.given for power in powers(user, application) if power.permission == permission]
    fitting = [item for item in given if covers(item.resource, resource)]
    living = [item for item in fitting if alive(item, now)]
    if living:
        return Decision(True, _why(application, permission, _longest(living)))
    return Decision(False, _why_not(permission, resource, given, fitting, now))


def _longest(living: list[Assignment]) -> Assignment:
    return max(living, key=lambda item: (item.expires_at is None, item.expires_at.timestamp() if item.expires_at else 0.0))


def _why(application: Application, permission: str, given: Assignment) -> str:
    facts = {
        "source": Words(
            "The role %(role)s of %(application)s" if given.role else "A permission of its own in %(application)s",
            role=given.role,
            application=application.name,
        ),
        "permission": permission,
        "resource": given.resource or Words("everything"),
    }
    if given.expires_at:
        return Words("%(source)s gives %(permission)s for %(resource)s, until %(day)s.", **facts, day=_day(given.expires_at))
    return Words("%(source)s gives %(permission)s for %(resource)s.", **facts)


def _why_not(permission: str, resource: str, given: list[Assignment], fitting: list[Assignment], now: datetime) -> str:
    expired = [item.expires_at for item in fitting if item.expires_at]
    if expired:
        return Words("%(permission)s was given, and expired on %(day)s.", permission=permission, day=_day(max(expired)))
    elsewhere = sorted({item.resource for item in given if alive(item, now)})
    facts = {"permission": permission, "resource": resource or Words("everything")}
    if elsewhere:
        names = ", ".join(elsewhere[:5]) + (", …" if len(elsewhere) > 5 else "")
        return Words("%(permission)s is given for %(names)s, not for %(resource)s.", names=names, **facts)
    return Words("Nobody gave %(permission)s for %(resource)s.", **facts)


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def here(core: Core, user: User) -> Application:
    """This service as an application, as far as this user's rights need it looked up."""
    mine = [item for item in user.assignments if item.application == OWN]
    if all(item.permission in PERMISSIONS or item.role == ADMINISTRATOR.name for item in mine):
        long_ago = user.created_at
        return Application(OWN, core.settings.service_name, long_ago, long_ago)
    return own(core)


def held_here(core: Core, user: User) -> Held:
    """What somebody may do in this service."""
    return held_in(user, here(core, user), core.clock.now())


def require(core: Core, signed: Signed, permission: str, client: Client | None = None) -> None:
    """AuthError `forbidden` without the permission; in production `step_up_required` without two factors, shown today (ASVS 5.0 6.3.3)."""
    bounds = bounds_of(signed)
    if permission not in held_here(core, signed.user).permissions or (bounds is not None and permission not in bounds):
        note_refusal(core, signed, permission, client)
        raise AuthError("forbidden")
    require_two_factors(core, signed)


def bounds_of(signed: Signed) -> frozenset[str] | None:
    """The scopes beyond which what somebody shows may not be used, whatever she holds herself; None for her sign-in as such.

    A sign-in has scopes where it is known by a token that has them.
    """
    session = signed.session
    return None if session.kind == "sign_in" and not session.scopes else frozenset(session.scopes)


def require_two_factors(core: Core, signed: Signed) -> None:
    """AuthError `step_up_required` for an administrator in production whose two factors were not shown today (ASVS 5.0 6.3.3).

    For a personal access token they were shown when it was made.
    """
    if core.settings.development or signed.session.kind == "token":
        return
    shown = signed.session.mfa_at
    if shown is None or core.clock.now() - shown > ADMINISTRATORS_FACTORS_LAST:
        raise AuthError("step_up_required", "Administrators need two factors: set up a second step, and sign in with it.")


def note_refusal(core: Core, signed: Signed, permission: str, client: Client | None = None) -> None:
    """Write down that somebody tried what she may not; a flood of tries fills no history."""
    if core.store.count_attempts([Limit(f"refused:{signed.user.id}", REFUSALS_NOTED, 60)], core.clock.now()) == 0:
        core.history.record("permission_refused", user_id=signed.user.id, client=client or signed.session.client, permission=permission)


def require_over(core: Core, signed: Signed, user: User) -> None:
    """AuthError `forbidden` for acting on oneself, or on somebody who holds more than oneself (ASVS 5.0 8.2.1)."""
    if user.id == signed.user.id:
        raise AuthError("forbidden", "You can't do this to your own account. Ask another administrator, or use the account pages.")
    now, application = core.clock.now(), own(core)
    hers = [power for power in powers(user, application) if alive(power.given, now)]
    if not all(holds(signed.user, application, power.permission, power.given.resource, now) for power in hers):
        raise AuthError("forbidden", "This account may do more here than yours.")
