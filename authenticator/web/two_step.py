"""The page of one's second steps: set up, take away, new recovery codes, and the browsers that are not asked."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from authenticator.errors import AuthError
from authenticator.flows.outcomes import Signed
from authenticator.http import csrf
from authenticator.http.errors_page import refused
from authenticator.http.guard import client
from authenticator.http.hygiene import one
from authenticator.http.texts import gettext as _
from authenticator.models import Intent
from authenticator.service import Service
from authenticator.web import moves
from authenticator.web.seated import for_signed

DONE = {
    "added": "It is set up. From now on it is asked for when you sign in.",
    "removed": "It was removed.",
    "forgotten": "Every browser asks for your second step again.",
}


def blueprint() -> Blueprint:
    """/account/two-step."""
    pages = Blueprint("two_step", __name__, url_prefix="/account/two-step")
    csrf.protect(pages)
    seated = for_signed(show, page="two_step.show")
    pages.add_url_rule("", "show", seated(show), methods=["GET"])
    pages.add_url_rule("/codes", "new_codes", seated(_new_codes), methods=["POST"])
    pages.add_url_rule("/forget", "forget", seated(_forget), methods=["POST"])
    pages.add_url_rule("/<name>", "set_up", seated(_set_up), methods=["POST"])
    pages.add_url_rule("/<name>/remove", "remove", seated(_remove), methods=["POST"])
    return pages


def show(auth: Service, signed: Signed, *, error: AuthError | None = None) -> Response:
    """The page: what is asked for, what could be, and what belongs to it."""
    found = auth.factors(signed.user)
    facts = {
        "held": found.held,
        "available": found.available,
        "codes_left": found.recovery_left,
        "trusted": found.trusted,
        "icons": {name: factor.icon for name, factor in auth.core.registry.factors.items()},
        "only_weak": bool(found.held) and all(one.weak for one in found.held),
        "stays": found.must_keep and len(found.held) == 1,
        "trusting": auth.settings.trusted_device_days > 0,
        "message": _(DONE.get(one(request.args, "done"), "")),
    }
    body = render_template("two_step.html", error=error, **facts)
    return refused(body, error) if error else make_response(body)


def _set_up(auth: Service, signed: Signed, name: str) -> Response:
    return moves.go(auth, moves.begin(auth, name, Intent.LINK, signed=signed, factor=True))


def _remove(auth: Service, signed: Signed, name: str) -> Response:
    auth.remove_factor(signed, name, client())
    return make_response(redirect(url_for("two_step.show", done="removed"), 303))


def _new_codes(auth: Service, signed: Signed) -> Response:
    return moves.recovery_codes(auth.new_recovery_codes(signed, client()), back=url_for("two_step.show"))


def _forget(auth: Service, signed: Signed) -> Response:
    auth.forget_browsers(signed, client())
    return make_response(redirect(url_for("two_step.show", done="forgotten"), 303))
