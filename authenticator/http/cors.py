"""Which pages of other origins may call the endpoints for applications: those that are listed exactly, and never with cookies."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, request

from authenticator.http.guard import service

EXPOSED: Final = "WWW-Authenticate, Retry-After"


def install(blueprint: Blueprint) -> None:
    """Answer them on this blueprint."""
    blueprint.after_request(_add)


def _add(response: Response) -> Response:
    response.vary.add("Origin")
    origin = request.headers.get("Origin")
    if not origin:
        return response
    auth = service()
    if origin not in auth.settings.return_origins and origin not in auth.origins():
        return response
    allow(response, origin, exposed=EXPOSED, sent="Authorization, Content-Type, DPoP")
    return response


def allow(response: Response, origin: str, *, exposed: str, sent: str) -> None:
    """Let a page of this origin read the answer, with the `exposed` headers; and `sent` are those that it may send."""
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = exposed
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        response.headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", "")
        response.headers["Access-Control-Allow-Headers"] = sent
        response.headers["Access-Control-Max-Age"] = "600"
