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
from authenticator.web import admin_lists
from authenticator.web.admin_lists import Looked, id_behind
from authenticator.web.admin_seated import administrator, may, page

Holders = Looked[tuple[User, str]]  # those who may, each with the reason

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
ROLE = (
    Field("name", "Name", max_length=64, help="Like editor."),
    Field("text", "What it means", required=False, max_length=200),
    Field("permissions", "What it gives", required=False, max_length=20_000, help="Names of permissions, separated by spaces."),
)
BOXES = 12  # permissions that are ticked; more of them are written


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
    """What an application lets people do; with `?permission=`, who may do that; with `?role=`, a form to change that one."""
    application = auth.application_with_roles(id_behind(id))
    own = application.id == OWN
    wanted, resource = one(request.args, "permission"), one(request.args, "resource").strip()
    chosen = next((role for role in application.roles if role.name == one(request.args, "role")), None)
    failed, for_role = error is not None, error is not None and request.endpoint == "admin_permissions.save_role"
    q = one(request.args, "q").strip()
    looked: Holders = Looked([])
    if wanted and may(signed, "users:read"):
        try:
            looked = _holders(auth, application, wanted, resource, one(request.args, "after") or None)
        except AuthError as fault:
            if fault.code != "validation_failed":
                raise
            error = error or fault
    facts: dict[str, Any] = {
        "application": application,
        "key": admin_lists.key_of(application),
        "key_of": admin_lists.key_of,
        "own": own,
        "declared": permissions.declared(application),
        "built_in": permissions.PERMISSIONS if own else {},
        "roles": permissions.roles(application).values(),
        "changeable": {role.name for role in application.roles},
        "others": admin_lists.applications(auth, q, one(request.args, "others") or None) if own else None,
        "q": q,
        "wanted": wanted,
        "resource": resource,
        "looked": looked,
        "chosen": chosen,
        "fields": ROLE if for_role else PERMISSION,
        "permission_fields": PERMISSION,
        "values": {name: one(request.form, name) for name in ("name", "text")} if failed and not for_role else {},
        "role_fields": [field for field in ROLE if not (chosen and field.name == "name")],
        "role_values": _sent_role() if for_role else _role_values(chosen),
        "boxes": len(permissions.declared(application)) <= BOXES,
        "for_role": for_role,
    }
    return page("admin_permissions.html", signed, error=error, done=DONE, **facts)


def _holders(auth: Service, application: Application, permission: str, resource: str, after: str | None) -> Holders:
    """Those among the next thousand accounts who may."""

    def may_it(user: User) -> tuple[User, str] | None:
        decision = auth.decide(user, application, permission, resource) if user.assignments else None
        return (user, decision.reason) if decision and decision.allowed else None

    return admin_lists.look_through(lambda start: auth.users(after=start, limit=200), may_it, after)


def _declare(auth: Service, signed: Signed, *, id: str) -> Response:
    auth.declare_permission(
        signed, auth.application_with_roles(id_behind(id)), one(request.form, "name").strip(), one(request.form, "text"), client()
    )
    return _to(id, "declared")


def _withdraw(auth: Service, signed: Signed, *, id: str) -> Response:
    if one(request.form, "sure") != "1":
        return _ask(signed, id)
    auth.withdraw_permission(signed, auth.application_with_roles(id_behind(id)), one(request.form, "name"), client())
    return _to(id, "withdrawn")


def _save_role(auth: Service, signed: Signed, *, id: str) -> Response:
    """The role of `?role=` as the form says, or a new one."""
    sent, known = _sent_role(), one(request.args, "role")
    role = Role(known or sent["name"].strip(), sent["text"], tuple(sent["permissions"].split()[:200]))
    auth.put_role(signed, auth.application_with_roles(id_behind(id)), role, client(), only="there" if known else "new")
    return _to(id, "role")


def _sent_role() -> dict[str, str]:
    written = {name: one(request.form, name) for name in ("name", "text")}
    return {**written, "permissions": " ".join(request.form.getlist("permissions"))}


def _role_values(role: Role | None) -> dict[str, str]:
    return {"name": role.name, "text": role.text, "permissions": " ".join(role.permissions)} if role else {}


def _remove_role(auth: Service, signed: Signed, *, id: str) -> Response:
    if one(request.form, "sure") != "1":
        return _ask(signed, id)
    auth.remove_role(signed, auth.application_with_roles(id_behind(id)), one(request.form, "name"), client())
    return _to(id, "role_removed")


def _ask(signed: Signed, key: str) -> Response:
    """Whether it is meant: what is removed is gone for all who have it. The same request says yes."""
    return page("admin_sure.html", signed, key=key, name=one(request.form, "name"), back=_address(key))


def _address(key: str, done: str | None = None) -> str:
    return url_for("admin_permissions.show", done=done) if key == OWN else url_for("admin_permissions.of", id=key, done=done)


def _to(key: str, done: str) -> Response:
    return make_response(redirect(_address(key, done), 303))
