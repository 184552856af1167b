"""The page of one's personal access tokens: make one, see when each was last used, delete it."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from authenticator.errors import AuthError
from authenticator.flows.outcomes import Signed
from authenticator.http import csrf
from authenticator.http.errors_page import refused
from authenticator.http.guard import client
from authenticator.http.hygiene import one
from authenticator.http.texts import gettext as _
from authenticator.kinds.base import Field
from authenticator.service import Service
from authenticator.web import devices
from authenticator.web.scope_words import words_of
from authenticator.web.seated import for_signed
from authenticator.web.shown_once import once

DONE = {"deleted": "The token was deleted. It no longer works."}
USUAL_DAYS = 90
NAME = Field("name", "Name", max_length=60, help="Where you use it, so that you know it again.")
ENDS = Field("expires_at", "Last day", help="Within a year, as in 2027-01-31.")


def blueprint() -> Blueprint:
    """/account/tokens."""
    pages = Blueprint("personal_tokens", __name__, url_prefix="/account/tokens")
    csrf.protect(pages)
    seated = for_signed(show, page="personal_tokens.show")
    pages.add_url_rule("", "show", seated(show), methods=["GET"])
    pages.add_url_rule("", "make", seated(_make), methods=["POST"])
    pages.add_url_rule("/<token_id>/delete", "delete", seated(_delete), methods=["POST"])
    return pages


def show(auth: Service, signed: Signed, *, error: AuthError | None = None, made: str = "") -> Response:
    """The page; `made` is the text of a new token, shown in this one answer."""
    usual = f"{auth.core.clock.now() + timedelta(days=USUAL_DAYS):%Y-%m-%d}"
    failed = error is not None
    facts = {
        "tokens": auth.personal_tokens(signed.user),
        "scopes": [(scope, words_of(auth, scope)) for scope in auth.personal_scopes(signed.user)],
        "place": devices.place,
        "made": made,
        "named": NAME,
        "ends": ENDS,
        "values": {"name": one(request.form, "name"), "expires_at": one(request.form, "expires_at")} if failed else {"expires_at": usual},
        "chosen": request.form.getlist("scope") if failed else [],
        "message": _(DONE.get(one(request.args, "done"), "")),
    }
    body = render_template("tokens.html", error=error, **facts)
    return refused(body, error) if error else make_response(body)


def _make(auth: Service, signed: Signed) -> Response:
    name, scopes, ends = one(request.form, "name"), request.form.getlist("scope"), _end_of(one(request.form, "expires_at"))
    made = once(auth, signed, lambda: {"text": auth.make_token(signed, name=name, scopes=scopes, expires_at=ends, client=client())[1]})
    return show(auth, signed, made=made["text"])


def _delete(auth: Service, signed: Signed, token_id: str) -> Response:
    auth.remove_token(signed.user, token_id, client())
    return make_response(redirect(url_for("personal_tokens.show", done="deleted"), 303))


def _end_of(day: str) -> datetime:
    """The end of a day in UTC; AuthError `validation_failed` for what is none."""
    try:
        found = datetime.strptime(day, "%Y-%m-%d").date()  # noqa: DTZ007 (a day has no zone)
    except ValueError:
        raise AuthError("validation_failed", errors={"expires_at": ("Choose a day within a year from now.",)}) from None
    return datetime.combine(found, time(23, 59, 59), UTC)
