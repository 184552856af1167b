"""The outbox of development: every message that would have been sent, as a page and as JSON."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, make_response, render_template, request

from authenticator.errors import AuthError
from authenticator.outbox import Outbox
from authenticator.service import Service
from authenticator.web.guard import service

PATIENCE = 1.0  # seconds to wait for messages that were accepted but not yet written


def blueprint() -> Blueprint:
    """GET /dev/outbox; in production there is nothing."""
    pages = Blueprint("dev", __name__, url_prefix="/dev")
    pages.add_url_rule("/outbox", "outbox", _outbox, methods=["GET"])
    return pages


def _outbox() -> Response:
    messages = _messages(service())
    if request.accept_mimetypes.best_match(("text/html", "application/json"), "text/html") == "application/json":
        return jsonify(messages)
    return make_response(render_template("outbox.html", messages=messages))


def _messages(auth: Service) -> list[dict[str, Any]]:
    """Newest first; AuthError `not_found` where messages leave for real."""
    sender = auth.core.registry.senders.get("outbox")
    if not auth.settings.development or not isinstance(sender, Outbox):
        raise AuthError("not_found")
    auth.core.messages.flush(PATIENCE)
    return sender.messages()
