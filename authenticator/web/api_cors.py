"""Which other origins may call the API from a browser: those that are listed, and never with cookies."""

from __future__ import annotations

from typing import Final

from flask import Flask, Response, request

from authenticator.http import cors
from authenticator.settings import Settings

PREFIX: Final = "/api/v1/"
_EXPOSED: Final = "Link, Retry-After, WWW-Authenticate"


def install(app: Flask, settings: Settings) -> None:
    """Without listed origins there is nothing to add, and no header is sent (ASVS 5.0 3.4.2)."""
    listed = frozenset(settings.return_origins)
    if not listed:
        return

    def add(response: Response) -> Response:
        if not request.path.startswith(PREFIX):
            return response
        response.vary.add("Origin")
        origin = request.headers.get("Origin")
        if origin in listed:
            cors.allow(response, origin, exposed=_EXPOSED, sent="Authorization, Content-Type")
        return response

    app.after_request(add)
