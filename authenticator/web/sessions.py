"""The page of one's sign-ins: on which devices one is signed in, which ended and why, and a button to end each."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from authenticator.errors import AuthError
from authenticator.flows.outcomes import Signed
from authenticator.http import csrf
from authenticator.http.errors_page import refused
from authenticator.http.guard import client
from authenticator.http.hygiene import one
from authenticator.http.texts import gettext as _
from authenticator.service import Service
from authenticator.web import devices, moves
from authenticator.web.seated import for_signed

DONE = {"ended": "That sign-in was ended.", "others": "All other sign-ins were ended."}
REASONS = {
    "signed_out": "signed out",
    "ended_by_owner": "ended by you",
    "ended_by_operator": "ended by an administrator",
    "password_changed": "the password was changed",
    "password_reset": "the password was reset",
    "reset_required": "a new password was asked for",
    "refresh_reused": "an old key was used again",
    "too_many": "there were too many sign-ins",
    "contact_cancelled": "a change of address was undone",
    "suspended": "the account was suspended",
    "leaving": "the account was deleted",
    "closed": "the account was closed",
    "": "expired",
}


def blueprint() -> Blueprint:
    """/account/sessions."""
    pages = Blueprint("sessions", __name__, url_prefix="/account/sessions")
    csrf.protect(pages)
    seated = for_signed(show, page="sessions.show")
    pages.add_url_rule("", "show", seated(show), methods=["GET"])
    pages.add_url_rule("/end-others", "end_others", seated(_end_others), methods=["POST"])
    pages.add_url_rule("/<session_id>/end", "end", seated(_end), methods=["POST"])
    return pages


def show(auth: Service, signed: Signed, *, error: AuthError | None = None) -> Response:
    """The page: this sign-in first, the others by time, and those that ended, a page at a time."""
    after = None if error else one(request.args, "after") or None
    past = None if error else one(request.args, "past") or None
    current = auth.sessions(signed.user, after=after, limit=20)
    ended = auth.sessions(signed.user, ended=True, after=past, limit=10)
    facts = {
        "current": sorted(current.items, key=lambda one: one.id != signed.session.id),
        "more": current.next,
        "ended": ended.items,
        "older": ended.next,
        "mine": signed.session.id,
        "reasons": REASONS,
        "device": devices.device,
        "kind": devices.kind,
        "place": devices.place,
        "provider": lambda name: moves.label(auth, name) or name,
        "message": _(DONE.get(one(request.args, "done"), "")),
    }
    body = render_template("sessions.html", error=error, **facts)
    return refused(body, error) if error else make_response(body)


def _end(auth: Service, signed: Signed, session_id: str) -> Response:
    auth.end_session(signed.user, session_id, client())
    return make_response(redirect(url_for("sessions.show", done="ended"), 303))


def _end_others(auth: Service, signed: Signed) -> Response:
    auth.sign_out_others(signed, client())
    return make_response(redirect(url_for("sessions.show", done="others"), 303))
