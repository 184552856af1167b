"""The administrators' page of this service's permissions and roles, who holds them, and those of each application."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, redirect, request, url_for

from authenticator.applications import OWN, Application, Role
from authenticator.errors import AuthError
from authenticator.flows import permissions
from authenticator.flows.outcomes import Signed
from authenticator.http import csrf
from authenticator.http.guard import client
from authenticator.http.hygiene import one
from authenticator.kinds.base import Field
from authenticator.models import User
from authenticator.service import Service
from authenticator.web.admin_seated import administrator, page

DONE = {
    "declared": "The permission was added.",
    "withdrawn": "The permission was removed. Whoever had it has it no more.",
    "role": "The role was saved.",
    "role_removed": "The role was removed. Whoever had it has it no more.",
}
PERMISSION = (
    Field("name", "Permission", max_length=64, help="Like reports:read."),
    Field("text", "What it means", required=False, max_length=200),
)
LOOKED_AT = 1000  # accounts an answer


def blueprint() -> Blueprint:
    """/admin/permissions."""
    pages = Blueprint("admin_permissions", __name__, url_prefix="/admin/permissions")
    csrf.protect(pages)
    pages.add_url_rule("", "show", administrator("permissions:read")(show), methods=["GET"])
    pages.add_url_rule("/of/<id>", "of", administrator("permissions:read")(of), methods=["GET"])
    for path, endpoint, view in (
        ("/of/<id>/declare", "declare", _declare),
        ("/of/<id>/withdraw", "withdraw", _withdraw),
        ("/of/<id>/role", "save_role", _save_role),
        ("/of/<id>/role/remove", "remove_role", _remove_role),
    ):
        pages.add_url_rule(path, endpoint, administrator("permissions:write", of)(view), methods=["POST"])
    return pages


def show(auth: Service, signed: Signed, *, error: AuthError | None = None) -> Response:
    """This service's own, and whoever holds one of them."""
    return of(auth, signed, id=OWN, error=error)


def of(auth: Service, signed: Signed, *, id: str, error: AuthError | None = None) -> Response:
    """What an application lets people do; with `?permission=`, who may do that."""
    application = auth.application_with_roles(id)
    wanted, resource = one(request.args, "permission"), one(request.args, "resource").strip()
    looked = _holders(auth, application, wanted, resource, one(request.args, "after") or None) if wanted else ([], 0, None)
    chosen = next((role for role in application.roles if role.name == one(request.args, "role")), None)
    failed = error is not None
    facts: dict[str, Any] = {
        "application": application,
        "own": application.id == OWN,
        "declared": permissions.declared(application),
        "built_in": permissions.PERMISSIONS if application.id == OWN else {},
        "roles": permissions.roles(application).values(),
        "changeable": {role.name for role in application.roles},
        "others": [item for item in auth.applications(limit=200).items if item.id != OWN] if application.id == OWN else [],
        "wanted": wanted,
        "resource": resource,
        "holders": looked[0],
        "looked_at": looked[1],
        "further": looked[2],
        "chosen": chosen,
        "put_in": request.form.getlist("permissions") if failed else (chosen.permissions if chosen else ()),
        "fields": PERMISSION,
        "values": {name: one(request.form, name) for name in ("name", "text")} if failed else {},
        "for_role": failed and request.endpoint == "admin_permissions.save_role",
    }
    return page("admin_permissions.html", signed, error=error, done=DONE, **facts)


def _holders(
    auth: Service, application: Application, permission: str, resource: str, after: str | None
) -> tuple[list[tuple[User, str]], int, str | None]:
    """Those among the next thousand accounts who may, with the reason; how many were looked at, and where to go on."""
    found: list[tuple[User, str]] = []
    seen = 0
    while seen < LOOKED_AT:
        listed = auth.users(after=after, limit=200)
        seen += len(listed.items)
        for user in listed.items:
            decision = auth.decide(user, application, permission, resource) if user.assignments else None
            if decision and decision.allowed:
                found.append((user, decision.reason))
        after = listed.next
        if after is None:
            break
    return found, seen, after


def _declare(auth: Service, signed: Signed, *, id: str) -> Response:
    auth.declare_permission(signed, auth.application_with_roles(id), one(request.form, "name").strip(), one(request.form, "text"), client())
    return _to(id, "declared")


def _withdraw(auth: Service, signed: Signed, *, id: str) -> Response:
    auth.withdraw_permission(signed, auth.application_with_roles(id), one(request.form, "name"), client())
    return _to(id, "withdrawn")


def _save_role(auth: Service, signed: Signed, *, id: str) -> Response:
    role = Role(
        one(request.form, "name").strip(), one(request.form, "text"), tuple(" ".join(request.form.getlist("permissions")).split()[:200])
    )
    auth.put_role(signed, auth.application_with_roles(id), role, client())
    return _to(id, "role")


def _remove_role(auth: Service, signed: Signed, *, id: str) -> Response:
    auth.remove_role(signed, auth.application_with_roles(id), one(request.form, "name"), client())
    return _to(id, "role_removed")


def _to(application_id: str, done: str) -> Response:
    here = (
        url_for("admin_permissions.show", done=done)
        if application_id == OWN
        else url_for("admin_permissions.of", id=application_id, done=done)
    )
    return make_response(redirect(here, 303))
