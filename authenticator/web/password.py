"""The page of one's password: set it for the first time, or change it."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from authenticator.errors import AuthError
from authenticator.flows.outcomes import Signed
from authenticator.flows.passwords import CURRENT, NEW
from authenticator.http import csrf
from authenticator.http.errors_page import refused
from authenticator.http.guard import client, cookies
from authenticator.http.hygiene import one
from authenticator.http.texts import gettext as _
from authenticator.kinds.base import Field
from authenticator.service import Service
from authenticator.web.recovery import NEW_PASSWORD
from authenticator.web.seated import for_signed

CURRENT_PASSWORD = Field(CURRENT, "Current password", "password", autocomplete="current-password")
DONE = {"changed": "Your password is set. Other sign-ins were ended."}


def blueprint() -> Blueprint:
    """/account/password."""
    pages = Blueprint("password", __name__, url_prefix="/account/password")
    csrf.protect(pages)
    seated = for_signed(show, page="password.show")
    pages.add_url_rule("", "show", seated(show), methods=["GET"])
    pages.add_url_rule("", "change", seated(_change), methods=["POST"])
    return pages


def show(auth: Service, signed: Signed, *, error: AuthError | None = None) -> Response:
    """The page; who has no password yet is asked for a new one only."""
    has = auth.has_password(signed.user)
    facts = {
        "has": has,
        "fields": (CURRENT_PASSWORD, NEW_PASSWORD) if has else (NEW_PASSWORD,),
        "focus": next((name for name in (CURRENT, NEW) if error and name in error.errors), ""),
        "message": _(DONE.get(one(request.args, "done"), "")),
    }
    body = render_template("password.html", error=error, user=signed.user, **facts)
    return refused(body, error) if error else make_response(body)


def _change(auth: Service, signed: Signed) -> Response:
    current, new = one(request.form, CURRENT), one(request.form, NEW)
    cookie = auth.change_password(signed, current, new, client(), in_browser=True)
    response = make_response(redirect(url_for("password.show", done="changed"), 303))
    cookies().set_session(response, cookie)
    return response
