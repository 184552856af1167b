"""Permissions and roles that applications declare, and people who are given them: nobody gives more than he holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

from authenticator.applications import OWN, Application, Assignment, Permission, Role
from authenticator.crypto import digest
from authenticator.errors import AuthError
from authenticator.flows import permissions
from authenticator.flows.changes import TRIES
from authenticator.flows.changes import change as changed
from authenticator.flows.core import Core
from authenticator.flows.history import OWNER
from authenticator.flows.outcomes import Signed
from authenticator.limits import Limit
from authenticator.models import Client, User
from authenticator.words import Words

By = Signed | Literal["operator"]
Edit = Callable[[User], User]
NAME = re.compile(r"[a-z][a-z0-9_.-]*(:[a-z0-9_.*-]+)*", re.ASCII)
LONGEST_NAME, LONGEST_TEXT = 64, 200
FOR_EVER = datetime.max.replace(tzinfo=UTC)
MOST_DECLARED, MOST_ROLES, MOST_GIVEN = 200, 100, 200
CHANGES_BY_OWNER = 600  # an hour, in other people's rights and histories


def find(core: Core, application_id: str) -> Application:
    """An application by its id, this service included; AuthError `not_found`."""
    found = permissions.own(core) if application_id == OWN else core.store.application(application_id)
    if found is None:
        raise AuthError("not_found", "There is no such application.")
    return found


def declare(core: Core, by: By, application: Application, name: str, text: str = "", client: Client | None = None) -> Application:
    """Let an application know a permission, or change its words. AuthError `validation_failed`, `forbidden`."""
    _may_shape(core, by, application, client)
    _check_name(name, "name")
    if application.id == OWN and name in permissions.PERMISSIONS:
        raise AuthError("validation_failed", errors={"name": ("This service has this permission already.",)})
    words, now = _text(text), core.clock.now()

    def edit(found: Application) -> Application:
        before = next((item for item in found.permissions if item.name == name), None)
        others = tuple(item for item in found.permissions if item.name != name)
        _require_room(len(others), MOST_DECLARED)
        return replace(found, permissions=(*others, Permission(name, words, before.since if before else now)))

    return _save(core, by, application, edit, client, declared=name)


def withdraw(core: Core, by: By, application: Application, name: str, client: Client | None = None) -> Application:
    """Have a permission no more: whoever had it by whatever role has it no more. AuthError `not_found`."""
    _may_shape(core, by, application, client)
    _require_held(core, by, application, [name])

    def edit(found: Application) -> Application:
        if not any(item.name == name for item in found.permissions):
            raise AuthError("not_found", "There is no such permission, or it comes with the service.")
        kept = tuple(replace(role, permissions=tuple(one for one in role.permissions if one != name)) for role in found.roles)
        return replace(found, permissions=tuple(item for item in found.permissions if item.name != name), roles=kept)

    return _save(core, by, application, edit, client, withdrawn=name)


def put_role(
    core: Core, by: By, application: Application, role: Role, client: Client | None = None, *, only: Literal["new", "there", ""] = ""
) -> Application:
    """Make a role, or change what is in it, for all who have it at once.

    Whoever does it must hold all that is put in or taken out. AuthError `validation_failed`, `forbidden`; `conflict` for
    a `new` one that is there, `not_found` for one that is not.
    """
    _may_shape(core, by, application, client)
    _check_name(role.name, "name")
    if application.id == OWN and role.name == permissions.ADMINISTRATOR.name:
        raise AuthError("validation_failed", errors={"name": ("This service has this role already.",)})
    wanted = Role(role.name, _text(role.text), tuple(dict.fromkeys(role.permissions)), core.clock.now())

    def edit(found: Application) -> Application:
        before = next((item for item in found.roles if item.name == wanted.name), None)
        if (only == "new" and before) or (only == "there" and not before):
            raise AuthError("conflict" if before else "not_found", "There is this role already." if before else "There is no such role.")
        unknown = set(wanted.permissions) - set(permissions.declared(found))
        if unknown:
            raise AuthError("validation_failed", errors={"permissions": ("The application declares no such permission.",)})
        _require_held(core, by, found, set(wanted.permissions) ^ set(before.permissions if before else ()))
        if before is None:
            _require_room(len(found.roles), MOST_ROLES)
            return replace(found, roles=(*found.roles, wanted))
        changed_role = replace(wanted, since=before.since)
        return replace(found, roles=tuple(changed_role if item is before else item for item in found.roles))

    return _save(core, by, application, edit, client, role=role.name)


def remove_role(core: Core, by: By, application: Application, name: str, client: Client | None = None) -> Application:
    """Have a role no more: what it gave is gone at once. AuthError `not_found`, `forbidden`."""
    _may_shape(core, by, application, client)

    def edit(found: Application) -> Application:
        role = next((item for item in found.roles if item.name == name), None)
        if role is None:
            raise AuthError("not_found", "There is no such role, or it comes with the service.")
        _require_held(core, by, found, role.permissions)
        return replace(found, roles=tuple(item for item in found.roles if item.name != name))

    return _save(core, by, application, edit, client, removed=name)


def assign(core: Core, by: By, user: User, assignment: Assignment, client: Client | None = None) -> User:
    """Give somebody a role or one permission; the same given once more takes the new end date.

    AuthError `forbidden` for more than one holds oneself, `validation_failed`, `not_found`.
    """
    application, given = _checked(core, assignment)
    now = core.clock.now()
    if given.expires_at is not None and given.expires_at <= now:
        raise AuthError("validation_failed", errors={"expires_at": ("This is in the past.",)})
    given = replace(given, granted_at=now, granted_by=name_of(by))
    _may_give(core, by, application, given, client)
    if by != "operator" and by.user.id == user.id and not owns(by, application):
        raise AuthError("forbidden", "You can't give anything to yourself. Ask another administrator.")
    _count(core, by, application)

    def edit(found: User) -> User:
        before = next((item for item in found.assignments if item.same_as(given)), None)
        if before and before.expires_at == given.expires_at:
            return found
        others: Sequence[Assignment] = [item for item in found.assignments if not item.same_as(given) and permissions.alive(item, now)]
        if len(others) >= MOST_GIVEN:
            others = _with_room(core, application, others)
        return replace(found, assignments=(*others, given))

    done = _changed(core, by, application, user, edit, "given", given, client)
    try:
        _may_give(core, by, find(core, application.id), given, client)  # what was taken from the giver meanwhile is given by her no more
    except AuthError:
        _changed(core, by, application, user, lambda found: _without(found, given), "taken", given, client)
        raise
    return done


def unassign(core: Core, by: By, user: User, assignment: Assignment, client: Client | None = None) -> User:
    """Take a role or a permission back; AuthError `not_found` if she has none such, `forbidden` for one that one does not hold."""
    now = core.clock.now()
    wanted = replace(assignment, resource=permissions.canonical_resource(assignment.resource), granted_at=now)
    known = wanted.application == OWN or core.store.application(wanted.application) is not None
    application = (
        find(core, wanted.application) if known else Application(wanted.application, "", now, now)
    )  # it was removed: this stands for nothing
    _may_give(core, by, application, wanted, client, taking=True)
    _count(core, by, application)

    def edit(found: User) -> User:
        kept = tuple(item for item in found.assignments if not item.same_as(wanted))
        if len(kept) == len(found.assignments):
            raise AuthError("not_found", "The account was not given this.")
        return replace(found, assignments=kept)

    return _changed(core, by, application, user, edit, "taken", wanted, client)


def _count(core: Core, by: By, application: Application) -> None:
    """AuthError `rate_limited` for an owner who writes into her own and other people's histories without end."""
    if by != "operator" and owns(by, application):
        core.spend(Limit(f"gifts:{by.user.id}", CHANGES_BY_OWNER, 3600))


def _with_room(core: Core, application: Application, given: Sequence[Assignment]) -> Sequence[Assignment]:
    """These without those of applications that are gone; AuthError `validation_failed` if no other one fits beside them.

    People's own applications take no room from the operator's.
    """
    known = {name: permissions.own(core) if name == OWN else core.store.application(name) for name in {item.application for item in given}}
    owners = [(item, found.owner) for item in given if (found := known[item.application])]
    _require_room(sum(1 for _, owner in owners if bool(owner) == bool(application.owner)), MOST_GIVEN)
    return [item for item, _ in owners]


def _without(user: User, given: Assignment) -> User:
    return replace(user, assignments=tuple(item for item in user.assignments if not item.same_as(given)))


def name_of(by: By) -> str:
    return by if by == "operator" else by.user.id


def owns(by: By, application: Application) -> bool:
    return by != "operator" and application.id != OWN and application.owner != "" and application.owner == by.user.id


def _checked(core: Core, assignment: Assignment) -> tuple[Application, Assignment]:
    """The application and the assignment in its canonical form; AuthError `not_found` for a role or permission that is none."""
    application = find(core, assignment.application)
    if bool(assignment.role) == bool(assignment.permission):
        raise AuthError("validation_failed", errors={"role": ("Give either a role or a permission.",)})
    if assignment.role and assignment.role not in permissions.roles(application):
        raise AuthError(
            "not_found",
            Words("There is no such role. There are: %(names)s.", names=", ".join(sorted(permissions.roles(application))) or "–"),
        )
    if assignment.permission:
        permissions.require_declared(application, assignment.permission)
    return application, replace(assignment, resource=permissions.canonical_resource(assignment.resource))


def _may_shape(core: Core, by: By, application: Application, client: Client | None) -> None:
    """AuthError `forbidden` for who may not decide what this application declares: its owner, an administrator, or the operator."""
    if by != "operator" and not owns(by, application):
        permissions.require(core, by, "permissions:write", client)


def _may_give(core: Core, by: By, application: Application, given: Assignment, client: Client | None, *, taking: bool = False) -> None:
    """AuthError `forbidden` for giving what one does not hold, for more, or for longer than one holds it (ASVS 5.0 8.2.1)."""
    if by == "operator" or owns(by, application):
        return
    permissions.require(core, by, "permissions:write", client)
    until = None if taking else given.expires_at or FOR_EVER
    _require_held(core, by, application, permissions.given_by(application, given), given.resource, until)


def _require_held(
    core: Core, by: By, application: Application, names: Iterable[str], resource: str = "", until: datetime | None = FOR_EVER
) -> None:
    """The same for these permissions; without `until` it is enough to hold them now. A token gives nothing here that is not among its scopes."""
    if by == "operator" or owns(by, application):
        return
    names, bounds = frozenset(names), permissions.bounds_of(by) if application.id == OWN else None
    if bounds is not None and not names <= bounds:
        raise AuthError("forbidden", "A token can give or take only what it may be used for itself.")
    user, now = core.store.user_by_id(by.user.id), core.clock.now()  # as she is now, not as she was when her token was read
    if user is None or not all(permissions.holds(user, application, name, resource, now, until=until) for name in names):
        raise AuthError("forbidden", "You can give or take only what you hold yourself, and for no longer.")


def _check_name(name: str, field: str) -> None:
    if len(name) > LONGEST_NAME or not NAME.fullmatch(name):
        told = "Small letters, digits and .-_ with colons between, like reports:read."
        raise AuthError("validation_failed", errors={field: (told,)})


def _text(text: str) -> str:
    cleaned = text.strip()
    if len(cleaned) > LONGEST_TEXT or not cleaned.isprintable():
        raise AuthError("validation_failed", errors={"text": ("One line, and no more than 200 characters.",)})
    return cleaned


def _require_room(count: int, most: int) -> None:
    if count >= most:
        raise AuthError("validation_failed", Words("There may be %(number)s of these. Remove some first.", number=most))


def _changed(
    core: Core, by: By, application: Application, user: User, edit: Edit, verb: str, given: Assignment, client: Client | None
) -> User:
    before = user.version
    done = changed(core, user, edit)
    if done.version != before:
        whose = {"as": OWNER} if owns(by, application) else {}  # anybody may be one, and must not pass for an administrator
        facts = {verb: given.role or given.permission, "application": given.application, "resource": given.resource, **whose}
        core.history.record("permissions_changed", user_id=user.id, client=client, by=name_of(by), **facts)
    return done


def _save(
    core: Core, by: By, application: Application, edit: Callable[[Application], Application], client: Client | None, **facts: str
) -> Application:
    """Save what `edit` makes of the application, anew if somebody was faster. This service is stored when it is first changed."""
    _count(core, by, application)
    for _ in range(TRIES):
        stored = core.store.application(application.id)
        if stored is None and application.id != OWN:
            raise AuthError("not_found")
        now = core.clock.now()
        new = replace(edit(stored or permissions.own(core)), updated_at=now)
        if core.store.save_application(new) if stored else core.store.add_application(replace(new, created_at=now)):
            owner = application.owner or None
            core.history.record("roles_changed", user_id=owner, client=client, by=name_of(by), application=application.id, **facts)
            return replace(new, version=new.version + 1) if stored else new
    raise AuthError("conflict")


def assigned(user: User, application_id: str = "") -> Sequence[Assignment]:
    """What somebody was given, of one application if one is named."""
    return [item for item in user.assignments if not application_id or item.application == application_id]


def id_of(assignment: Assignment) -> str:
    """What an assignment is called in addresses: the same whoever gave it and until when."""
    return digest("\n".join((assignment.application, assignment.role, assignment.permission, assignment.resource)))[:24]
