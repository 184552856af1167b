"""The administrators' pages about applications: register, change, shut out, remove, and secrets that are shown once."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, redirect, request, url_for

from authenticator.applications import Application
from authenticator.errors import AuthError
from authenticator.flows import applications, client_metadata
from authenticator.flows.client_words import CODE, DEVICE, EXCHANGE, ITSELF, REFRESH, RULES
from authenticator.flows.outcomes import Signed
from authenticator.http import csrf
from authenticator.http.guard import client
from authenticator.http.hygiene import one
from authenticator.kinds.base import Field
from authenticator.service import Service
from authenticator.web import admin_lists
from authenticator.web.admin_lists import id_behind
from authenticator.web.admin_seated import administrator, page
from authenticator.web.shown_once import once

DONE = {
    "changed": "The application was changed.",
    "enabled": "The application is enabled again.",
    "disabled": "The application is disabled, and all that it was given has ended.",
    "secret_removed": "The secret was removed. It no longer works.",
    "removed": "The application was removed.",
}
NAME = Field("client_name", "Name", max_length=100, help="Shown to people when they are asked for consent.")
SCOPE = Field(
    "scope", "Scopes", required=False, max_length=2000, help="What it may ask for, with spaces between; without any, the usual ones."
)
TOLD = Field(
    "backchannel_logout_uri",
    "Told of sign-outs at",
    required=False,
    max_length=2000,
    help="Its address for back-channel logout, if it has one.",
)
TRUSTED = Field("trusted", "It is our own: people are not asked for consent", "checkbox", required=False)
GRANTS = {  # by the name of its box: what it stands for, and that
    "people": (CODE, Field("people", "People sign in to it in a browser", "checkbox", required=False)),
    "stays": (REFRESH, Field("stays", "They stay signed in (refresh tokens)", "checkbox", required=False)),
    "device": (DEVICE, Field("device", "It has no browser, like a television or a terminal (device code)", "checkbox", required=False)),
    "itself": (ITSELF, Field("itself", "It acts for itself, for no person (client credentials)", "checkbox", required=False)),
    "exchange": (EXCHANGE, Field("exchange", "It passes on what it was given (token exchange)", "checkbox", required=False)),
}
FIELDS = (NAME, SCOPE, TOLD)
LISTS = ("redirect_uris", "post_logout_redirect_uris")
METHODS = {
    "client_secret_basic": "A secret, sent as HTTP Basic (usual for web servers)",
    "client_secret_post": "A secret, sent in the form",
    "private_key_jwt": "A key of its own (private_key_jwt)",
    "none": "Nothing: it runs in the browser or on a device",
}


def blueprint() -> Blueprint:
    """/admin/applications."""
    pages = Blueprint("admin_applications", __name__, url_prefix="/admin/applications")
    csrf.protect(pages)
    pages.add_url_rule("", "show", administrator("applications:read")(show), methods=["GET"])
    pages.add_url_rule("", "add", administrator("applications:write", show)(_add), methods=["POST"])
    pages.add_url_rule("/<id>", "application", administrator("applications:read")(application), methods=["GET"])
    for path, endpoint, view in (
        ("/<id>/change", "change", _change),
        ("/<id>/enable", "enable", _enable),
        ("/<id>/disable", "disable", _disable),
        ("/<id>/secrets", "add_secret", _add_secret),
        ("/<id>/secrets/remove", "remove_secret", _remove_secret),
        ("/<id>/remove", "remove", _remove),
    ):
        pages.add_url_rule(path, endpoint, administrator("applications:write", application)(view), methods=["POST"])
    return pages


def show(auth: Service, signed: Signed, *, error: AuthError | None = None) -> Response:
    """All applications, oldest first, or those that are looked for, and a form for a new one."""
    wanted = one(request.args, "q").strip()
    facts: dict[str, Any] = {
        "looked": admin_lists.applications(auth, wanted, one(request.args, "after") or None),
        "q": wanted,
        "key_of": admin_lists.key_of,
        "form": _form("operator"),
        "fields": FIELDS,
        "values": _sent() if error else {"token_endpoint_auth_method": "client_secret_basic", "people": "1", "stays": "1"},
    }
    return page("admin_applications.html", signed, error=error, done=DONE, **facts)


def application(auth: Service, signed: Signed, *, id: str, error: AuthError | None = None, secret: str = "", **_parts: str) -> Response:
    """One application; `secret` is a new one, shown in this one answer."""
    found = auth.application(id_behind(id))
    now = auth.core.clock.now()
    facts: dict[str, Any] = {
        "application": found,
        "key": admin_lists.key_of(found),
        "owner": auth.user(found.owner) if found.owner else None,
        "secret": secret,
        "secrets": [(applications.secret_name(item), item) for item in found.secrets if item.expires_at is None or item.expires_at > now],
        "by_secret": found.auth_method in applications.BY_SECRET,
        "form": _form(found.registration),
        "fields": FIELDS,
        "values": _sent() if error and NAME.name in request.form else _known(found),
        "issuer": auth.settings.public_url,
    }
    return page("admin_application.html", signed, error=error, done=DONE, **facts)


def _add(auth: Service, signed: Signed) -> Response:
    def register() -> dict[str, str]:
        made = auth.register_application(_metadata(), by=signed.user.id, client=client())
        return {"id": admin_lists.key_of(made.application), "secret": made.secret}

    shown = once(auth, signed, register)
    return application(auth, signed, id=shown["id"], secret=shown["secret"])


def _change(auth: Service, signed: Signed, *, id: str) -> Response:
    auth.change_application(auth.application(id_behind(id)), _metadata(), by=signed.user.id, client=client())
    return _to(id, "changed")


def _enable(auth: Service, signed: Signed, *, id: str) -> Response:
    auth.enable_application(auth.application(id_behind(id)), by=signed.user.id, client=client())
    return _to(id, "enabled")


def _disable(auth: Service, signed: Signed, *, id: str) -> Response:
    auth.disable_application(auth.application(id_behind(id)), by=signed.user.id, client=client())
    return _to(id, "disabled")


def _add_secret(auth: Service, signed: Signed, *, id: str) -> Response:
    found, who = auth.application(id_behind(id)), signed.user.id
    made = once(auth, signed, lambda: {"secret": auth.add_client_secret(found, by=who, client=client())[1]})
    return application(auth, signed, id=id, secret=made["secret"])


def _remove_secret(auth: Service, signed: Signed, *, id: str) -> Response:
    auth.remove_client_secret(auth.application(id_behind(id)), one(request.form, "name"), by=signed.user.id, client=client())
    return _to(id, "secret_removed")


def _remove(auth: Service, signed: Signed, *, id: str) -> Response:
    found = auth.application(id_behind(id))
    if one(request.form, "sure") != "1":
        raise AuthError("validation_failed", errors={"sure": ("Tick this to remove it.",)})
    auth.remove_application(found, by=signed.user.id, client=client())
    return make_response(redirect(url_for("admin_applications.show", done="removed"), 303))


def _form(registration: str) -> dict[str, Any]:
    """What the form offers to applications that came in this way."""
    rules = RULES[registration]
    boxes = [field for grant, field in GRANTS.values() if grant in rules.grants]
    return {"methods": METHODS, "grants": boxes, "name": NAME, "scope": SCOPE, "told": TOLD, "trusted": TRUSTED if rules.ours else None}


def _known(found: Application) -> dict[str, str]:
    """The form's fields as they are registered."""
    described = client_metadata.described(found)
    lists = {name: "\n".join(described.get(name, ())) for name in LISTS}
    boxes = {name: "1" for name, (grant, _field) in GRANTS.items() if grant in found.grants}
    texts = {name: str(described.get(name, "")) for name in ("token_endpoint_auth_method", SCOPE.name, TOLD.name)}
    return {NAME.name: found.name, TRUSTED.name: "1" if found.trusted else "", **texts, **lists, **boxes}


def _metadata() -> dict[str, Any]:
    """What the form says, in the words of RFC 7591."""
    sent = _sent()
    lists = {name: sent[name].split() for name in LISTS}
    grants = [grant for name, (grant, _field) in GRANTS.items() if sent[name]]
    native = any(not uri.startswith(("https:", "http:")) for uri in lists["redirect_uris"])
    return {
        "client_name": sent["client_name"].strip(),
        "token_endpoint_auth_method": sent["token_endpoint_auth_method"],
        "grant_types": grants,
        "response_types": ["code"] if CODE in grants else [],
        "scope": " ".join(sent["scope"].split()) or None,
        "backchannel_logout_uri": sent["backchannel_logout_uri"].strip(),
        "trusted": bool(sent["trusted"]),
        **({"application_type": "native"} if native else {}),
        **lists,
    }


def _sent() -> dict[str, str]:
    names = ("client_name", "token_endpoint_auth_method", "scope", "backchannel_logout_uri", "trusted", *LISTS, *GRANTS)
    return {name: one(request.form, name) for name in names}


def _to(key: str, done: str) -> Response:
    return make_response(redirect(url_for("admin_applications.application", id=key, done=done), 303))
