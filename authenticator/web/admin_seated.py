"""Who may see the administrators' pages, and what the others see instead."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from flask import Response, make_response, redirect, render_template, request, url_for

from authenticator.errors import AuthError
from authenticator.flows.outcomes import Signed
from authenticator.http.errors_page import refused
from authenticator.http.errors_page import show as show_refusal
from authenticator.http.guard import by_cookie, client, service
from authenticator.http.hygiene import one
from authenticator.http.texts import gettext as _
from authenticator.service import Service
from authenticator.web.seated import View, ask_for_proof

AREAS = (  # endpoint, label, the permission it asks for, and what is there
    ("admin_users.show", "Users", "users:read", "Find accounts, see where they are signed in, suspend and invite."),
    ("admin_applications.show", "Applications", "applications:read", "What signs people in here, with its addresses and secrets."),
    ("admin_permissions.show", "Permissions", "permissions:read", "Roles of this service, and who may do what."),
    ("admin.providers", "Providers", "applications:read", "Which ways to sign in there are, and what each still needs."),
    ("admin.history", "History", "users:read", "What happened to all accounts, newest first."),
)


def administrator(permission: str, show: Callable[..., Response] | None = None) -> Callable[[View], View]:
    """Hand the service and the signed-in person to a view, if she holds the permission; empty, any of this service will do.

    Strangers are sent to sign in, and others are refused. A refusal by the view itself is told by `show`.
    """

    def wrap(view: View) -> View:
        @functools.wraps(view)
        def seated(**parts: str) -> Response:
            auth, signed = service(), by_cookie()
            if signed is None:
                back = request.full_path.rstrip("?") if request.method == "GET" else url_for("admin.show")
                return make_response(redirect(url_for("pages.sign_in", return_to=request.script_root + back), 303))
            try:
                require(auth, signed, permission)
                return view(auth, signed, **parts)
            except AuthError as error:
                return _refused(auth, signed, error, show, parts)

        return seated

    return wrap


def require(auth: Service, signed: Signed, permission: str) -> None:
    """AuthError `forbidden` or `step_up_required`."""
    mine = auth.permissions_of(signed.user)
    auth.require_permission(signed, permission or next(iter(mine), "users:read"), client())
    auth.enter_administration(signed)


def may(signed: Signed, permission: str) -> bool:
    """Whether to show what this permission lets do."""
    return permission in service().permissions_of(signed.user)


def _refused(auth: Service, signed: Signed, error: AuthError, show: Callable[..., Response] | None, parts: dict[str, str]) -> Response:
    if error.code == "step_up_required" and signed.user.factors:
        back = request.full_path.rstrip("?") if request.method == "GET" else url_for("admin.show")
        return ask_for_proof(auth, signed, error, back=request.script_root + back)
    if show is None or error.code == "not_found" or (error.code in ("forbidden", "step_up_required") and request.method == "GET"):
        return show_refusal(error)
    if not may(signed, _reading()):  # the page around a refused form is read, too
        return show_refusal(error)
    try:
        return show(auth, signed, error=error, **parts)
    except AuthError:  # nothing of the page may be seen either
        return show_refusal(error)


def _reading() -> str:
    """The permission to read the pages of this request's area."""
    return next((permission for endpoint, _label, permission, _text in AREAS if endpoint.partition(".")[0] == request.blueprint), "")


def page(template: str, signed: Signed, *, error: AuthError | None = None, done: dict[str, str] | None = None, **facts: Any) -> Response:
    """A page of the area, with its navigation; `done` has the sentences for `?done=`."""
    facts.setdefault("message", _((done or {}).get(one(request.args, "done"), "")))
    held = service().permissions_of(signed.user)
    areas = [
        {"url": url_for(name), "label": label, "text": text, "current": name in (request.endpoint, f"{request.blueprint}.show")}
        for name, label, permission, text in AREAS
        if permission in held
    ]
    body = render_template(template, error=error, areas=areas, held=held, signed=signed, **facts)
    return refused(body, error) if error else make_response(body)
