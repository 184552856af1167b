"""Refusals as answers: RFC 9457 problem documents for programs, pages for people."""

from __future__ import annotations

import json
import logging
import re
import traceback
from typing import Any, Final

from flask import Flask, Response, g, request
from werkzeug.exceptions import BadHost, HTTPException

from authenticator.crypto import random_token
from authenticator.errors import CODES, AuthError
from authenticator.http import errors_page
from authenticator.settings import Settings

MEDIA_TYPE: Final = "application/problem+json"
INTERNAL: Final = "internal_error"
OAUTH: Final = tuple(f"/oauth/{name}" for name in ("token", "userinfo", "introspect", "revoke", "device", "par", "register"))
PROGRAM_PATHS: Final = ("/api/", "/.well-known/", "/healthz", "/readyz", "/metrics", *OAUTH)
BAD_TOKEN: Final = frozenset({"invalid_token", "token_expired", "token_revoked"})
BY_STATUS: Final = {
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
    431: "headers_too_large",
}
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}(\.[A-Za-z_][A-Za-z0-9_-]{0,63})?")
_log = logging.getLogger("authenticator.web")


class Problems:
    """Translates whatever a view raises. Nothing that was sent comes back in it, and nothing of the inside."""

    def __init__(self, settings: Settings) -> None:
        self._types = f"{settings.public_url}/api/v1/docs#"
        self._fresh_seconds = settings.fresh_seconds
        here = settings.public_url  # RFC 9728 §3.3: the metadata are of the address that was called
        self._metadata = f"{here}/.well-known/oauth-protected-resource" if settings.token_audience == here else ""
        self._tell_all = settings.development

    def of_refusal(self, error: AuthError) -> Response:
        """The answer to a refusal."""
        response = self._problem(error) if for_program() else errors_page.show(error)
        return self._with_headers(response, error)

    def of_http(self, error: HTTPException) -> Response:
        """The answer to what Flask and Werkzeug refuse: an unknown address, a wrong method, a broken body."""
        status = error.code or 500
        if status >= 500:
            return self.of_fault(error)
        response = self.of_refusal(AuthError(BY_STATUS.get(status, "invalid_request")))
        for name, value in error.get_headers():
            if name in ("Allow", "Retry-After"):
                response.headers[name] = value
        return response

    def of_fault(self, error: Exception) -> Response:
        """The answer to a fault of ours: an id, under which the log has the rest."""
        reference = random_token(72)
        self._record(reference, error)
        if not for_program():
            return errors_page.broken(reference)
        facts = {"title": "Internal error", "status": 500, "detail": errors_page.FAULT, "code": INTERNAL, "reference": reference}
        return _answer({"type": self._types + INTERNAL, **facts}, 500)

    def _problem(self, error: AuthError) -> Response:
        facts: dict[str, Any] = {
            "type": self._types + error.code,
            "title": title(error.code),
            "status": error.status,
            "detail": error.detail,
            "code": error.code,
        }
        if error.errors:
            facts["errors"] = {_named(name): list(faults) for name, faults in error.errors.items()}
        if error.reference:
            facts["reference"] = error.reference
        return _answer(facts, error.status)

    def _with_headers(self, response: Response, error: AuthError) -> Response:
        if error.retry_after:
            response.headers["Retry-After"] = str(error.retry_after)
        if error.status == 401 and request.path.startswith("/api/"):
            response.headers["WWW-Authenticate"] = _bearer(error.code, self._metadata)
        if error.code == "forbidden" and g.get("auth_scope"):  # RFC 6750 §3.1
            response.headers["WWW-Authenticate"] = f'Bearer error="insufficient_scope", scope="{g.auth_scope}"'
        if error.code == "step_up_required":  # RFC 9470 §3
            challenge = f'Bearer error="insufficient_user_authentication", max_age="{self._fresh_seconds}"'
            response.headers["WWW-Authenticate"] = challenge
        return response

    def _record(self, reference: str, error: Exception) -> None:
        """In production without the exception's own words, which may hold what somebody typed."""
        where = f"{request.method} {request.url_rule or 'an unknown address'}"
        if self._tell_all:
            _log.error("%s failed, reference %s", where, reference, exc_info=error)
            return
        frames = "".join(traceback.format_tb(error.__traceback__))
        _log.error("%s failed with %s, reference %s\n%s", where, type(error).__name__, reference, frames)


def install(app: Flask, settings: Settings) -> None:
    """Let every refusal and fault of this app be answered here."""
    problems = Problems(settings)
    app.register_error_handler(AuthError, problems.of_refusal)
    app.register_error_handler(HTTPException, problems.of_http)
    app.register_error_handler(Exception, problems.of_fault)


def for_program() -> bool:
    """Whether the asker is a program: by the path, else by what it would rather read. Without a true Host no page can be built."""
    if isinstance(request.routing_exception, BadHost) or request.path.startswith(PROGRAM_PATHS):
        return True
    accepted = request.accept_mimetypes
    wished = accepted.best_match(("text/html", "application/json", MEDIA_TYPE), "text/html")
    return wished != "text/html"


def title(code: str) -> str:
    """The code as words."""
    return code.replace("_", " ").capitalize()


def codes() -> dict[str, tuple[int, str]]:
    """Every code that an answer may carry, with its status and usual sentence."""
    return {**CODES, INTERNAL: (500, errors_page.FAULT)}


def _named(field: str) -> str:
    """The name of a field at fault, unless it can't be one: then it is something that was sent."""
    return field if _NAME.fullmatch(field) else "body"


def _bearer(code: str, metadata: str) -> str:
    """RFC 6750 §3: no error code for who showed no token. And where it is told who gives tokens (RFC 9728 §5.1)."""
    bad = code in BAD_TOKEN and request.headers.get("Authorization")
    parts = [*(['error="invalid_token"'] if bad else []), *([f'resource_metadata="{metadata}"'] if metadata else [])]
    return f"Bearer {', '.join(parts)}".rstrip()


def _answer(facts: dict[str, Any], status: int) -> Response:
    return Response(json.dumps(facts), status, content_type=MEDIA_TYPE)
