"""Devices without a browser: /oauth/device, where they begin (RFC 8628 §3.1), and /device, where a person lets them in."""

from __future__ import annotations

from authlib.oauth2.rfc6749.errors import UnauthorizedClientError
from flask import Blueprint, Response, jsonify, make_response, redirect, render_template, request, url_for

from authenticator.errors import AuthError
from authenticator.flows.client_words import DEVICE
from authenticator.flows.outcomes import Signed
from authenticator.http import csrf
from authenticator.http.errors_page import refused
from authenticator.http.guard import base_url, by_cookie, client, service
from authenticator.http.hygiene import one
from authenticator.oidc import client_auth, errors
from authenticator.oidc.consent import is_strangers, words
from authenticator.oidc.server import FormRequest, server


def blueprint() -> Blueprint:
    """Both: what a device calls, and the person's page."""
    routes = Blueprint("oauth_device", __name__)
    begin = Blueprint("begin", __name__)
    errors.install(begin)
    begin.add_url_rule("/oauth/device", "begin", _begin, methods=["POST"])
    pages = Blueprint("pages", __name__)
    csrf.protect(pages)
    pages.add_url_rule("/device", "show", _show, methods=["GET"])
    pages.add_url_rule("/device", "look", _look, methods=["POST"])
    pages.add_url_rule("/device/decide", "decide", _decide, methods=["POST"])
    routes.register_blueprint(begin)
    routes.register_blueprint(pages)
    return routes


def _begin() -> Response:
    asked = FormRequest(request)
    asked.check()
    application = client_auth.authenticated(server(), asked)
    if DEVICE not in application.grants:
        raise UnauthorizedClientError("The client is not registered for this grant.")
    begun = service().begin_device(application, scope=asked.wish, resources=asked.values("resource"), client=client())
    address = f"{base_url()}/device"
    return jsonify(
        {
            "device_code": begun.device_code,
            "user_code": begun.user_code,
            "verification_uri": address,
            "verification_uri_complete": f"{address}?user_code={begun.user_code}",
            "expires_in": begun.expires_in,
            "interval": begun.interval,
        }
    )


def _show() -> Response:
    """The field for the code; one in the address fills it in, and still she has to say that she sees the same on her device."""
    signed, code = by_cookie(), one(request.args, "user_code")[:20]
    if signed is None:
        return _to_sign_in(code)
    done = one(request.args, "done")
    return make_response(render_template("device.html", user=signed.user, code=code, done=done if done in ("allowed", "refused") else ""))


def _look() -> Response:
    signed, code = by_cookie(), one(request.form, "user_code")
    if signed is None:
        return _to_sign_in("")
    try:
        asked = service().device_asked(signed, code, client())
    except AuthError as error:
        return _again(signed, error)
    wanted = words(asked.application, asked.scopes, asked.resources)
    facts = {
        "application": asked.application,
        "wanted": wanted,
        "unproven": is_strangers(asked.application),
        "asked": asked,
        "user": signed.user,
    }
    return make_response(render_template("device_ask.html", **facts))


def _decide() -> Response:
    signed, allow = by_cookie(), one(request.form, "decision") == "allow"
    if signed is None:
        return _to_sign_in("")
    try:
        service().device_decided(signed, one(request.form, "user_code"), one(request.form, "seal"), client(), allow=allow)
    except AuthError as error:
        return _again(signed, error)
    return make_response(redirect(url_for("oauth_device.pages.show", done="allowed" if allow else "refused"), 303))


def _again(signed: Signed, error: AuthError) -> Response:
    if error.code not in ("invalid_code", "rate_limited"):
        raise error
    return refused(render_template("device.html", user=signed.user, code="", error=error), error)


def _to_sign_in(code: str) -> Response:
    back = url_for("oauth_device.pages.show", user_code=code or None)
    return make_response(redirect(url_for("pages.sign_in", return_to=back), 303))
