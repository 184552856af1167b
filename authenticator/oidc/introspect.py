"""/oauth/introspect (RFC 7662): what a token is good for now, told to those whom it concerns."""

from __future__ import annotations

from authlib.oauth2.rfc6749.errors import InvalidRequestError
from flask import Blueprint, Response, jsonify, request

from authenticator.http.guard import service
from authenticator.oidc import client_auth, errors
from authenticator.oidc.server import FormRequest, server


def blueprint() -> Blueprint:
    """POST /oauth/introspect."""
    routes = Blueprint("oauth_introspect", __name__)
    errors.install(routes)
    routes.add_url_rule("/oauth/introspect", "introspect", _introspect, methods=["POST"])
    return routes


def _introspect() -> Response:
    asked = FormRequest(request)
    asked.check()
    application = client_auth.authenticated(server(), asked, public=False)
    if not asked.value("token"):
        raise InvalidRequestError("token is missing.")
    return jsonify(service().introspect(application, asked.value("token")))
