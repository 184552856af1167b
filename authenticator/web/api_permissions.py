"""Permissions by program: what applications declare, roles, who is given what."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Response, request

from authenticator.applications import OWN, Application, Assignment, Role
from authenticator.errors import AuthError
from authenticator.flows import permissions, roles
from authenticator.flows.outcomes import Signed
from authenticator.http import guard
from authenticator.http.hygiene import one
from authenticator.models import User
from authenticator.web import schemas_permissions as schemas
from authenticator.web.api_endpoints import Endpoint, Query
from authenticator.web.api_shapes import answer, end_of, moment, nothing

GROUP = "Permissions"
READ, WRITE = "permissions:read", "permissions:write"


def application_permissions(id: str) -> Response:
    """List the permissions that an application declares."""
    return answer([_declared(known, *item) for known in [_application(id, READ)] for item in permissions.declared(known).items()])


def declare_permission(id: str, body: schemas.NewPermission) -> Response:
    """Declare a permission, or change its words."""
    changed = guard.service().declare_permission(_signed(), _application(id, WRITE), body.name, body.text, guard.client())
    return answer(_declared(changed, body.name, permissions.declared(changed)[body.name]), 201)


def withdraw_permission(id: str, name: str) -> Response:
    """Have a permission no more: who had it, has it no more."""
    guard.service().withdraw_permission(_signed(), _application(id, WRITE), name, guard.client())
    return nothing()


def list_roles() -> Response:
    """List the roles of an application, or without one, of this service."""
    application = _application(_asked_for(), READ)
    return answer([_role(application, role) for role in permissions.roles(application).values()])


def add_role(body: schemas.NewRole) -> Response:
    """Make a role of permissions that one holds oneself."""
    application = _application(body.application, WRITE)
    role = Role(body.name, body.text, tuple(body.permissions))
    changed = guard.service().put_role(_signed(), application, role, guard.client(), only="new")
    return answer(_role(changed, permissions.roles(changed)[role.name]), 201)


def change_role(name: str, body: schemas.RoleChange) -> Response:
    """Change what is in a role, for all who have it at once."""
    application = _application(_asked_for(), WRITE)
    found = next((role for role in application.roles if role.name == name), None)
    if found is None:
        raise AuthError("not_found")
    wanted = found.permissions if body.permissions is None else tuple(body.permissions)
    role = replace(found, text=found.text if body.text is None else body.text, permissions=wanted)
    changed = guard.service().put_role(_signed(), application, role, guard.client(), only="there")
    return answer(_role(changed, permissions.roles(changed)[name]))


def remove_role(name: str) -> Response:
    """Have a role no more: what it gave is gone at once."""
    guard.service().remove_role(_signed(), _application(_asked_for(), WRITE), name, guard.client())
    return nothing()


def user_permissions(id: str) -> Response:
    """List what somebody was given; the owner of an application names that, and sees what belongs to it."""
    _application(wanted := one(request.args, "application") or OWN, READ)
    of_one = wanted if "application" in request.args else ""
    return answer([_given(item) for item in roles.assigned(_user(id), of_one)])


def give_permission(id: str, body: schemas.NewAssignment) -> Response:
    """Give somebody a role or a permission, as far as one holds it oneself."""
    _application(body.application, WRITE)
    until = end_of(body.expires_at) if body.expires_at else None
    given = Assignment(body.application, body.role, body.permission, body.resource, expires_at=until)
    user = guard.service().assign(_signed(), _user(id), given, guard.client())
    return answer(_given(next(item for item in user.assignments if item.same_as(_plain(given)))), 201)


def take_permission(id: str, assignment_id: str) -> Response:
    """Take a role or a permission back."""
    signed = _signed()
    if "application" in request.args:
        _application(one(request.args, "application") or OWN, WRITE)
    else:
        guard.service().require_permission(signed, WRITE, guard.client())
    user = _user(id)
    found = next((item for item in roles.assigned(user, one(request.args, "application")) if roles.id_of(item) == assignment_id), None)
    if found is None:
        raise AuthError("not_found")
    guard.service().unassign(signed, user, found, guard.client())
    return nothing()


def _signed() -> Signed:
    return guard.require_bearer()


def _asked_for() -> str:
    return one(request.args, "application") or OWN


def _application(application_id: str, permission: str) -> Application:
    """An application that the caller owns, or any for who holds the permission; to others all of them are alike, there or not."""
    signed, auth = _signed(), guard.service()
    try:
        found = auth.application_with_roles(application_id)
    except AuthError:
        auth.require_permission(signed, permission, guard.client())
        raise
    if not roles.owns(signed, found):
        auth.require_permission(signed, permission, guard.client())
    return found


def _user(user_id: str) -> User:
    found = guard.service().user(user_id)
    if found is None:
        raise AuthError("not_found")
    return found


def _plain(given: Assignment) -> Assignment:
    return replace(given, resource=permissions.canonical_resource(given.resource))


def _declared(application: Application, name: str, text: str) -> dict[str, Any]:
    return {"name": name, "text": text, "built_in": application.id == OWN and name in permissions.PERMISSIONS}


def _role(application: Application, role: Role) -> dict[str, Any]:
    built_in = application.id == OWN and role.name == permissions.ADMINISTRATOR.name
    facts = {"application": application.id, "name": role.name, "text": role.text, "permissions": list(role.permissions)}
    return facts | {"built_in": built_in}


def _given(item: Assignment) -> dict[str, Any]:
    return {
        "id": roles.id_of(item),
        "application": item.application,
        "role": item.role or None,
        "permission": item.permission or None,
        "resource": item.resource,
        "granted_at": moment(item.granted_at) if item.granted_at else None,
        "granted_by": item.granted_by or None,
        "expires_at": moment(item.expires_at) if item.expires_at else None,
        "expired": not permissions.alive(item, guard.service().core.clock.now()),
    }


ADMIN = ("forbidden", "step_up_required", "not_found")
MAKING = (*ADMIN, "conflict")
OF = (Query("application", "An application's client id; without it, this service."),)
_EXAMPLE = {"application": OWN, "role": "administrator", "expires_at": "2030-01-01T00:00:00Z"}
_ALL = (
    Endpoint("GET", "/applications/{id}/permissions", application_permissions, GROUP, {200: schemas.DeclaredPermissions}, ADMIN),
    Endpoint(
        "POST",
        "/applications/{id}/permissions",
        declare_permission,
        GROUP,
        {201: schemas.DeclaredPermission},
        MAKING,
        schemas.NewPermission,
        example={"name": "reports:read", "text": "Read reports."},
        idempotent=True,
    ),
    Endpoint("DELETE", "/applications/{id}/permissions/{name}", withdraw_permission, GROUP, {204: None}, MAKING),
    Endpoint("GET", "/roles", list_roles, GROUP, {200: schemas.Roles}, ADMIN, query=OF),
    Endpoint(
        "POST",
        "/roles",
        add_role,
        GROUP,
        {201: schemas.KnownRole},
        MAKING,
        schemas.NewRole,
        example={"name": "helpdesk", "text": "Looks after accounts.", "permissions": ["users:read"]},
        idempotent=True,
    ),
    Endpoint("PATCH", "/roles/{name}", change_role, GROUP, {200: schemas.KnownRole}, MAKING, schemas.RoleChange, query=OF),
    Endpoint("DELETE", "/roles/{name}", remove_role, GROUP, {204: None}, MAKING, query=OF),
    Endpoint("GET", "/users/{id}/permissions", user_permissions, GROUP, {200: schemas.Assignments}, ADMIN, query=OF),
    Endpoint(
        "POST",
        "/users/{id}/permissions",
        give_permission,
        GROUP,
        {201: schemas.Given},
        MAKING,
        schemas.NewAssignment,
        example=_EXAMPLE,
        idempotent=True,
    ),
    Endpoint("DELETE", "/users/{id}/permissions/{assignment_id}", take_permission, GROUP, {204: None}, MAKING, query=OF),
)
ENDPOINTS = tuple(replace(item, access="bearer", scope=READ if item.method == "GET" else WRITE) for item in _ALL)
