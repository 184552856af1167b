"""The way back: who has forgotten her password asks for a link and a code, and chooses a new one by either."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from authenticator.errors import AuthError
from authenticator.flows import recovery
from authenticator.http import csrf
from authenticator.http.errors_page import refused
from authenticator.http.guard import client, service
from authenticator.http.hygiene import one
from authenticator.kinds import codes
from authenticator.kinds.base import Field

NEW_PASSWORD = Field(
    "new_password", "New password", "password", autocomplete="new-password", help="The longer the better: a few words in a row are good."
)
BY_CODE = (recovery.WHO, codes.CODE, NEW_PASSWORD)
BY_LINK = (NEW_PASSWORD,)


def blueprint() -> Blueprint:
    """/forgot-password and /reset-password, for people who are not signed in."""
    pages = Blueprint("recovery", __name__)
    pages.before_request(_require_passwords)
    csrf.protect(pages)
    pages.add_url_rule("/forgot-password", "forgot", _forgot, methods=["GET"])
    pages.add_url_rule("/forgot-password", "ask", _ask, methods=["POST"])
    pages.add_url_rule("/reset-password", "show", _show, methods=["GET"])
    pages.add_url_rule("/reset-password", "reset", _reset, methods=["POST"])
    return pages


def _require_passwords() -> None:
    if not service().has_passwords():
        raise AuthError("not_found")


def _forgot() -> Response:
    return _asking(who=one(request.args, "login_hint")[: recovery.WHO.max_length])


def _ask() -> Response:
    who = one(request.form, recovery.WHO.name)
    try:
        service().forgot_password(who, client(), browser=csrf.browser())
    except AuthError as error:
        return _asking(who=who, error=error)
    return make_response(redirect(url_for("recovery.show", sent="1"), 303))


def _show() -> Response:
    """From the mailed link the new password only; otherwise also the code. A GET spends nothing, however often a scanner comes."""
    if one(request.args, "done"):
        return make_response(render_template("reset_password.html", done=True))
    token = one(request.args, "token")
    if not token:
        who = service().forgot_before(csrf.browser()) if one(request.args, "sent") else ""
        return _by_code(who, sent=bool(who))
    try:
        return _by_link(token)
    except AuthError as error:
        return _asking(error=error)


def _reset() -> Response:
    token, new = one(request.form, "token"), one(request.form, NEW_PASSWORD.name)
    who, code = one(request.form, recovery.WHO.name), one(request.form, codes.CODE.name)
    try:
        service().reset_password(new, client(), token=token, who=who, code=code)
    except AuthError as error:
        if error.code == "invalid_link":
            return _asking(error=error)
        return _by_link(token, error) if token else _by_code(who, error)
    return make_response(redirect(url_for("recovery.show", done="1"), 303))


def _asking(*, who: str = "", error: AuthError | None = None) -> Response:
    body = render_template("forgot_password.html", field=recovery.WHO, who=who, error=error)
    return refused(body, error) if error else make_response(body)


def _by_code(who: str, error: AuthError | None = None, *, sent: bool = False) -> Response:
    body = render_template("reset_password.html", fields=BY_CODE, values={recovery.WHO.name: who}, sent=sent, error=error)
    return refused(body, error) if error else make_response(body)


def _by_link(token: str, error: AuthError | None = None) -> Response:
    """The form of a link. It shows the address that the link went to, so that a password manager keeps the two together."""
    way = service().reset_behind(token)
    body = render_template("reset_password.html", fields=BY_LINK, values={}, token=token, way=way, error=error)
    return refused(body, error) if error else make_response(body)
