"""/oauth/revoke (RFC 7009): an application gives up what it was given."""

from __future__ import annotations

from authlib.oauth2.rfc6749.errors import InvalidRequestError
from flask import Blueprint, Response, jsonify, request

from authenticator.http import cors
from authenticator.http.guard import client, service
from authenticator.oidc import client_auth, errors
from authenticator.oidc.server import FormRequest, server


def blueprint() -> Blueprint:
    """POST /oauth/revoke."""
    routes = Blueprint("oauth_revoke", __name__)
    errors.install(routes)
    cors.install(routes)
    routes.add_url_rule("/oauth/revoke", "revoke", _revoke, methods=["POST"])
    return routes


def _revoke() -> Response:
    """200 for whatever token it is: there is nothing to learn here (RFC 7009 §2.2)."""
    asked = FormRequest(request)
    asked.check()
    application = client_auth.authenticated(server(), asked)
    if not asked.value("token"):
        raise InvalidRequestError("token is missing.")
    service().revoke_for(application, asked.value("token"), client())
    return jsonify({})
