"""The outbox of development: every message that would have been sent, as a page and as JSON."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, make_response, render_template, request

from authenticator.errors import AuthError
from authenticator.http.guard import service
from authenticator.outbox import Outbox
from authenticator.service import Service

PATIENCE = 1.0  # seconds to wait for messages that were accepted but not yet written
# Mail has its styles in itself. It comes from templates that an operator may change, so it runs nothing and loads nothing here.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox allow-top-navigation"


def blueprint() -> Blueprint:
    """GET /dev/outbox, and each message as mail programs show it; in production there is nothing."""
    pages = Blueprint("dev", __name__, url_prefix="/dev")
    pages.add_url_rule("/outbox", "outbox", _outbox, methods=["GET"])
    pages.add_url_rule("/outbox/<message>.html", "dressed", _dressed, methods=["GET"])
    return pages


def _outbox() -> Response:
    sender = _sender(service())
    messages = sender.messages()
    if request.accept_mimetypes.best_match(("text/html", "application/json"), "text/html") == "application/json":
        return jsonify(messages)
    return make_response(render_template("outbox.html", messages=messages, dressed=sender.dressed()))


def _dressed(message: str) -> Response:
    html = _sender(service()).dressed().get(message)
    if html is None:
        raise AuthError("not_found")
    return Response(html, headers={"Content-Security-Policy": POLICY})


def _sender(auth: Service) -> Outbox:
    """The outbox with everything that was accepted; AuthError `not_found` where messages leave for real."""
    sender = auth.core.registry.senders.get("outbox")
    if not auth.settings.development or not isinstance(sender, Outbox):
        raise AuthError("not_found")
    auth.core.messages.flush(PATIENCE)
    return sender
