"""/oauth/logout: where applications send browsers to sign out (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from authenticator.flows.end_session import Farewell
from authenticator.http import csrf, farewell, headers, texts
from authenticator.http.guard import by_cookie, client, service
from authenticator.http.hygiene import one

ASKED: Final = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state")
FURTHER: Final = ("logout_hint", "ui_locales")
LONGEST: Final = 2048  # characters of anything but the hint


def blueprint() -> Blueprint:
    """The endpoint, which others may post to, and the answer to what it asks."""
    pages = Blueprint("logout", __name__, url_prefix="/oauth/logout")
    csrf.protect(pages, exempt=frozenset({"logout.ask"}))
    pages.add_url_rule("", "ask", _ask, methods=["GET", "POST"])
    pages.add_url_rule("/confirm", "confirm", _confirm, methods=["POST"])
    return pages


def _ask() -> Response:
    """An application's wish. What was posted comes again as GET, with the browser's Lax cookies."""
    if request.method == "HEAD":  # nobody signs out by looking
        return Response()
    given = request.form if request.method == "POST" else request.args
    said = {name: one(given, name) for name in (*ASKED, *FURTHER) if given.get(name)}
    if request.method == "POST":
        return make_response(redirect(f"{url_for('logout.ask')}?{urlencode(said)}", 303))
    wish, signed = _understood(said), by_cookie()
    if signed is not None and not wish.sure:
        headers.allow_form_to(wish.redirect_uri)
        return make_response(
            render_template("logout_ask.html", wish=wish, user=signed.user, ui_locales=texts.first_of(said.get("ui_locales", "").split()))
        )
    return _sign_out(wish)


def _confirm() -> Response:
    """The person's answer, by our own form."""
    return _sign_out(_understood({name: one(request.form, name) for name in ASKED[1:] if request.form.get(name)}))


def _understood(said: dict[str, str]) -> Farewell:
    """Whatever is too long is nobody's registered address and no application's id."""
    usual = {name: value for name, value in said.items() if name in ASKED and (name == "id_token_hint" or len(value) <= LONGEST)}
    return service().farewell(usual, by_cookie())


def _sign_out(wish: Farewell) -> Response:
    auth, signed = service(), by_cookie()
    frames = auth.sign_out(signed.session, client()) if signed else []
    return farewell.show(frames, wish.onward, wish.application.name if wish.application else "")
