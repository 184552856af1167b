"""The page of the applications that hold something of one's account: what, since when, last read when; and to take it back."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from authenticator.applications import Application
from authenticator.errors import AuthError
from authenticator.flows.outcomes import Signed
from authenticator.http import csrf
from authenticator.http.errors_page import refused
from authenticator.http.guard import client
from authenticator.http.hygiene import one
from authenticator.http.texts import gettext as _
from authenticator.service import Service
from authenticator.web import devices
from authenticator.web.seated import for_signed

DONE = {
    "taken": "The application has no access any more.",
    "all": "No application has access any more.",
    "ended": "That sign-in was ended.",
}


def blueprint() -> Blueprint:
    """/account/applications."""
    pages = Blueprint("granted", __name__, url_prefix="/account/applications")
    csrf.protect(pages)
    seated = for_signed(show, page="granted.show")
    pages.add_url_rule("", "show", seated(show), methods=["GET"])
    pages.add_url_rule("/<session_id>/end", "end", seated(_end), methods=["POST"])
    pages.add_url_rule("/take-back", "take_back", seated(_take_back), methods=["POST"])
    return pages


def show(auth: Service, signed: Signed, *, error: AuthError | None = None) -> Response:
    """The page, with a refusal under its status."""
    facts = {
        "holders": auth.holders(signed.user),
        "place": devices.place,
        "host": _host,
        "message": _(DONE.get(one(request.args, "done"), "")),
    }
    body = render_template("granted.html", error=error, **facts)
    return refused(body, error) if error else make_response(body)


def _take_back(auth: Service, signed: Signed) -> Response:
    application = one(request.form, "application")
    if application:
        auth.take_back(signed.user, application, client())
    else:
        auth.take_back_all(signed.user, client())
    return make_response(redirect(url_for("granted.show", done="taken" if application else "all"), 303))


def _end(auth: Service, signed: Signed, session_id: str) -> Response:
    """One sign-in of an application ends; what it may have stays agreed to."""
    auth.end_session(signed.user, session_id, client())
    return make_response(redirect(url_for("granted.show", done="ended"), 303))


def _host(application: Application | None) -> str:
    """Where the application is answered; empty for a program on the person's own device."""
    parts = urlsplit(application.redirect_uris[0] if application and application.redirect_uris else "")
    return parts.netloc if parts.scheme == "https" else ""
