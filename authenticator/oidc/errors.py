"""Refusals at the endpoints for applications, in the words of their standards (RFC 6749 §5.2, RFC 6750 §3), and never kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from authlib.oauth2.base import OAuth2Error
from flask import Blueprint, Response
from werkzeug.exceptions import HTTPException

from authenticator.errors import AuthError
from authenticator.oidc.server import as_json

WORDS: Final[Mapping[str, str]] = {
    "store_unavailable": "temporarily_unavailable",
    "provider_unavailable": "temporarily_unavailable",
    "busy": "temporarily_unavailable",
    "rate_limited": "slow_down",
    "forbidden": "access_denied",
    "not_found": "invalid_request",
}


class BadToken(Exception):
    """A protected endpoint was called without a token that counts. `scheme` is how the asker tried; empty for not at all."""

    def __init__(self, scheme: str = "Bearer", error: str = "invalid_token", status: int = 401, scope: str = "") -> None:
        super().__init__(error)
        self.scheme, self.error, self.status, self.scope = scheme, error, status, scope


def install(blueprint: Blueprint) -> None:
    """Let every refusal on this blueprint be answered as JSON."""
    blueprint.register_error_handler(OAuth2Error, of_oauth)
    blueprint.register_error_handler(AuthError, of_refusal)
    blueprint.register_error_handler(BadToken, of_token)
    blueprint.register_error_handler(HTTPException, of_http)


def of_oauth(error: OAuth2Error) -> Response:
    """A refusal of Authlib's kind."""
    status, body, headers = error()
    return _answer(body, status, dict(headers))


def of_refusal(error: AuthError) -> Response:
    """A refusal of the core's."""
    name = WORDS.get(error.code, "invalid_request" if error.status < 500 else "server_error")
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
    return _answer({"error": name, "error_description": error.detail}, 400 if error.status == 404 else error.status, headers)


def of_token(error: BadToken) -> Response:
    """No token, a bad one, or one that may not do this (RFC 6750 §3.1, RFC 9449 §7.1); without any no error code is told."""
    if not error.scheme:
        return _answer({"error": "invalid_token", "error_description": "Send an access token."}, 401, {"WWW-Authenticate": "Bearer"})
    parts = [f'error="{error.error}"', *([f'scope="{error.scope}"'] if error.scope else [])]
    algorithms = ', algs="ES256 RS256 PS256 EdDSA"' if error.scheme == "DPoP" else ""
    return _answer({"error": error.error}, error.status, {"WWW-Authenticate": f"{error.scheme} {', '.join(parts)}{algorithms}"})


def of_http(error: HTTPException) -> Response:
    """A form that can't be read, and its like."""
    status = error.code or 500
    headers = {name: value for name, value in error.get_headers() if name.lower() in ("allow", "retry-after")}
    return _answer({"error": "invalid_request", "error_description": error.name}, status, headers)


def _answer(body: Mapping[str, Any], status: int, headers: Mapping[str, str]) -> Response:
    return as_json(body, status, {**headers, "Cache-Control": "no-store"})
