"""For operators: does the process live, and is it ready to serve."""

from __future__ import annotations

import logging
from typing import Any

from flask import Blueprint, Response, jsonify

from authenticator.errors import RETRY_SOON, AuthError
from authenticator.http.guard import service

_log = logging.getLogger("authenticator.web")


def blueprint() -> Blueprint:
    """GET /healthz and GET /readyz."""
    routes = Blueprint("operators", __name__)
    routes.add_url_rule("/healthz", "healthz", _healthz, methods=["GET"])
    routes.add_url_rule("/readyz", "readyz", _readyz, methods=["GET"])
    return routes


def _healthz() -> Response:
    """The process lives; nothing else is asked."""
    return jsonify(status="ok")


def _readyz() -> Response:
    """Database and keys answer; 503 with what fails."""
    try:
        return jsonify(status="ok", checks=service().health())
    except AuthError as error:
        return _unready({"failing": error.code, "detail": error.detail})
    except Exception as error:
        _log.error("the readiness check failed with %s", type(error).__name__)
        return _unready({"failing": "internal_error", "detail": "The readiness check itself failed; the log says with what."})


def _unready(facts: dict[str, Any]) -> Response:
    answer = jsonify(status="unavailable", **facts)
    answer.status_code = 503
    answer.headers["Retry-After"] = str(RETRY_SOON)
    return answer
