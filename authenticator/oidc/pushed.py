"""/oauth/par (RFC 9126): an application hands in its authorization request itself, and gets a name for a browser to bring."""

from __future__ import annotations

from typing import Final

from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from flask import Blueprint, Response, jsonify, request

from authenticator.errors import AuthError
from authenticator.flows.authorization_request import Refusal
from authenticator.flows.authorization_tickets import PUSHED_LIFE
from authenticator.http import cors
from authenticator.http.guard import client, service
from authenticator.oidc import client_auth, dpop, errors
from authenticator.oidc.server import FormRequest, server

CREDENTIALS: Final = frozenset({"client_secret", "client_assertion", "client_assertion_type"})


def blueprint() -> Blueprint:
    """POST /oauth/par."""
    routes = Blueprint("oauth_par", __name__)
    errors.install(routes)
    cors.install(routes)
    routes.add_url_rule("/oauth/par", "push", _push, methods=["POST"])
    return routes


def _push() -> Response:
    """201 with the name; the faults that a browser would have been told are told here (RFC 9126 §2.3)."""
    asked = FormRequest(request)
    asked.check()
    application = client_auth.authenticated(server(), asked)
    given = {name: values for name, values in asked.payload.datalist.items() if name not in CREDENTIALS}
    if "request_uri" in given or given.get("client_id", [application.id]) != [application.id]:
        raise InvalidRequestError("A pushed request has no request_uri, and no other client_id than that of who pushes it.")
    key = dpop.shown(application) if "DPoP" in request.headers else ""
    try:
        name = service().push_authorization(application, {**given, "client_id": [application.id]}, client(), jkt=key)
    except Refusal as refusal:
        raise OAuth2Error(refusal.description, error=refusal.error) from None
    except AuthError as error:
        if error.status >= 429:
            raise
        raise InvalidRequestError(error.detail) from None
    response = jsonify({"request_uri": name, "expires_in": int(PUSHED_LIFE.total_seconds())})
    response.status_code = 201
    response.headers["Cache-Control"] = "no-store"
    return response
