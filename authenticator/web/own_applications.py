"""The pages of the applications that one has registered oneself: make one, change it, its secrets, remove it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from authenticator.applications import Application
from authenticator.errors import AuthError
from authenticator.flows.applications import BY_SECRET, OWNED, SECRETS, secret_name
from authenticator.flows.outcomes import Signed
from authenticator.http import csrf
from authenticator.http.errors_page import refused
from authenticator.http.guard import client
from authenticator.http.hygiene import one
from authenticator.http.texts import gettext as _
from authenticator.kinds.base import Field
from authenticator.service import Service
from authenticator.web.seated import for_signed
from authenticator.web.shown_once import once

DONE = {
    "changed": "Your changes were saved.",
    "removed": "The application was removed.",
    "secret_removed": "The secret was removed. It no longer works.",
}
NAME = Field("client_name", "Name", max_length=60, help="Shown to people when they are asked for consent.")
URIS = Field("redirect_uris", "Redirect addresses", max_length=20_000, help="Where browsers come back to after signing in, one a line.")
SITE = Field("client_uri", "Home page", required=False, max_length=2000, help="An https address that people can look at.")
PUBLIC = Field("public", "It can keep no secret", "checkbox", required=False, help="An app on a phone, or a page without a server.")
FIELDS = (NAME, URIS, SITE, PUBLIC)
SURE = Field("sure", "Remove it for good, with all that people agreed to", "checkbox")


def blueprint() -> Blueprint:
    """/account/own-applications."""
    pages = Blueprint("own_applications", __name__, url_prefix="/account/own-applications")
    csrf.protect(pages)
    seated = for_signed(show, page="own_applications.show")
    for path, name, view, method in (
        ("", "show", _show, "GET"),
        ("", "add", _add, "POST"),
        ("/<id>", "application", _show, "GET"),
        ("/<id>", "change", _change, "POST"),
        ("/<id>/secrets", "add_secret", _add_secret, "POST"),
        ("/<id>/secrets/<secret_id>/remove", "remove_secret", _remove_secret, "POST"),
        ("/<id>/remove", "remove", _remove, "POST"),
    ):
        pages.add_url_rule(path, name, seated(view), methods=[method])
    return pages


def show(
    auth: Service, signed: Signed, *, error: AuthError | None = None, secret: str = "", found: Application | None = None, made: bool = False
) -> Response:
    """The list, or the page of one application; `secret` is a new one, shown in this one answer.

    What was typed stays after a refusal. An application that is not hers is none.
    """
    found = found or _asked_for(auth, signed)
    if found is None and "id" in (request.view_args or {}):
        error = error or AuthError("not_found")
    facts: dict[str, Any] = {
        "secret": secret,
        "found": found,
        "fields": FIELDS[:3] if found else FIELDS,
        "values": request.form if error and NAME.name in request.form else _values(found),
        "message": _(DONE.get(one(request.args, "done"), "")) if request.method == "GET" else "",
        "issuer": auth.settings.public_url,
        "made": made,
    }
    if found is None:
        mine = auth.applications(owner=signed.user.id, limit=OWNED).items
        body = render_template("own_applications.html", error=error, applications=mine, full=len(mine) >= OWNED, **facts)
    else:
        more = found.auth_method in BY_SECRET and len(found.secrets) < SECRETS
        body = render_template("own_application.html", error=error, secret_name=secret_name, more=more, sure=SURE, **facts)
    return refused(body, error) if error else make_response(body)


def _show(auth: Service, signed: Signed, **_: str) -> Response:
    return show(auth, signed)


def _add(auth: Service, signed: Signed) -> Response:
    method = "none" if one(request.form, "public") else "client_secret_basic"
    metadata = {**_said(), "token_endpoint_auth_method": method}
    if method == "none" and any(not uri.startswith(("https:", "http:")) for uri in metadata["redirect_uris"]):
        metadata["application_type"] = "native"

    def register() -> dict[str, str]:
        made = auth.register_application(metadata, owner=signed.user, by=signed.user.id, client=client())
        return {"id": made.application.id, "secret": made.secret}

    made = once(auth, signed, register)
    return show(auth, signed, secret=made["secret"], found=_mine(auth, signed, made["id"]), made=True)


def _change(auth: Service, signed: Signed, id: str) -> Response:
    auth.change_application(_mine(auth, signed, id), _said(), by=signed.user.id, client=client())
    return _done("changed", "own_applications.application", id=id)


def _add_secret(auth: Service, signed: Signed, id: str) -> Response:
    found, who = _mine(auth, signed, id), signed.user.id
    made = once(auth, signed, lambda: {"secret": auth.add_client_secret(found, by=who, client=client())[1]})
    return show(auth, signed, secret=made["secret"])


def _remove_secret(auth: Service, signed: Signed, id: str, secret_id: str) -> Response:
    auth.remove_client_secret(_mine(auth, signed, id), secret_id, by=signed.user.id, client=client())
    return _done("secret_removed", "own_applications.application", id=id)


def _remove(auth: Service, signed: Signed, id: str) -> Response:
    found = _mine(auth, signed, id)
    if one(request.form, "sure") != "1":
        raise AuthError("validation_failed", errors={"sure": ("Tick this to remove it.",)})
    auth.remove_application(found, by=signed.user.id, client=client())
    return _done("removed", "own_applications.show")


def _said() -> dict[str, Any]:
    """What the form says; lines that are empty are none."""
    lines = [line.strip() for line in one(request.form, URIS.name).splitlines()]
    return {
        "client_name": one(request.form, NAME.name),
        "redirect_uris": [line for line in lines if line],
        "client_uri": one(request.form, SITE.name).strip(),
    }


def _values(found: Application | None) -> dict[str, str]:
    if found is None:
        return {}
    return {"client_name": found.name, "redirect_uris": "\n".join(found.redirect_uris), "client_uri": found.client_uri}


def _mine(auth: Service, signed: Signed, client_id: str) -> Application:
    return auth.application(client_id, owner=signed.user.id)


def _asked_for(auth: Service, signed: Signed) -> Application | None:
    """The application that this request is about, if it is hers and still there."""
    try:
        return _mine(auth, signed, (request.view_args or {})["id"])
    except (AuthError, KeyError):
        return None


def _done(what: str, endpoint: str, **parts: Any) -> Response:
    return make_response(redirect(url_for(endpoint, done=what, **parts), 303))
