"""Where mailed links about addresses lead: to prove an address, or to take the adding of one back. A GET shows, a POST does."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from authenticator.errors import AuthError
from authenticator.flows import contacts
from authenticator.http import csrf
from authenticator.http.errors_page import refused
from authenticator.http.guard import by_cookie, client, service
from authenticator.http.hygiene import one
from authenticator.models import Contact, User


def blueprint() -> Blueprint:
    """/verify-email and /cancel-change. They belong to whoever holds the link, signed in or not."""
    pages = Blueprint("verify_email", __name__)
    csrf.protect(pages)
    pages.add_url_rule("/verify-email", "show", _show, methods=["GET"])
    pages.add_url_rule("/verify-email", "prove", _prove, methods=["POST"])
    pages.add_url_rule("/cancel-change", "show_cancel", _show_cancel, methods=["GET"])
    pages.add_url_rule("/cancel-change", "cancel", _cancel, methods=["POST"])
    return pages


def _show() -> Response:
    if one(request.args, "done"):
        return make_response(render_template("verify_email.html", done=True, signed=by_cookie()))
    token = one(request.args, "token")
    user, contact = service().contact_behind(token)
    return make_response(_page("verify_email.html", user, contact, token))


def _prove() -> Response:
    token = one(request.form, "token")
    user, contact = service().contact_behind(token)
    try:
        service().prove_contact_by_link(token, by_cookie(), client())
    except AuthError as error:
        return refused(_page("verify_email.html", user, contact, token, error), error)
    return make_response(redirect(url_for("verify_email.show", done="1"), 303))


def _show_cancel() -> Response:
    if one(request.args, "done"):
        return make_response(render_template("cancel_change.html", done=True, signed=by_cookie()))
    token = one(request.args, "token")
    user, contact = service().contact_behind(token, contacts.CANCEL)
    return make_response(_page("cancel_change.html", user, contact, token))


def _cancel() -> Response:
    token = one(request.form, "token")
    user, contact = service().contact_behind(token, contacts.CANCEL)
    try:
        service().cancel_contact(token, by_cookie(), client())
    except AuthError as error:
        return refused(_page("cancel_change.html", user, contact, token, error), error)
    return make_response(redirect(url_for("verify_email.show_cancel", done="1"), 303))


def _page(template: str, user: User, contact: Contact, token: str, error: AuthError | None = None) -> str:
    """The page with its one button. It names the account, so that nobody proves her address for a stranger unawares."""
    signed = by_cookie()
    stranger = signed is not None and signed.user.id != user.id
    facts = {"contact": contact, "owner": user.name.shown or user.username, "token": token, "stranger": stranger}
    return render_template(template, done=False, signed=signed, error=error, **facts)
