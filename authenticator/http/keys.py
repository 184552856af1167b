"""The public keys, by which anybody checks what this service signed (RFC 7517 §5)."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from authenticator.http import cors
from authenticator.http.guard import service


def blueprint() -> Blueprint:
    """GET /.well-known/jwks.json; pages of listed origins may read it, so that an app in the browser can verify its ID token."""
    routes = Blueprint("keys", __name__)
    cors.install(routes)

    @routes.get("/.well-known/jwks.json")
    def jwks() -> Response:
        answer = jsonify(service().keys.jwks())
        answer.headers["Cache-Control"] = "public, max-age=600"
        return answer

    return routes
