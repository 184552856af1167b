"""The page on which a signed-in person proves once more that it is she, because an application asks for that."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from authenticator.http.guard import by_cookie, service
from authenticator.web import moves
from authenticator.web.seated import ways_to_confirm


def blueprint() -> Blueprint:
    """/confirm."""
    pages = Blueprint("confirm", __name__)
    pages.add_url_rule("/confirm", "show", _show, methods=["GET"])
    return pages


def _show() -> Response:
    """The ways that she has to prove it; each leads to `return_to`."""
    auth, signed = service(), by_cookie()
    back = moves.wanted(auth)
    if signed is None:
        return make_response(
            redirect(url_for("pages.sign_in", **moves.carried(back or request.script_root + url_for("account.show"))), 303)
        )
    facts = {"ways": ways_to_confirm(auth, signed), "back": back or url_for("account.show"), "asked": True, "user": signed.user}
    return make_response(render_template("confirm.html", **facts))
