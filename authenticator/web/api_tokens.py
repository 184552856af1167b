"""Personal access tokens through the API: made, listed and deleted by their owner."""

from __future__ import annotations

from typing import Any

from flask import Response

from authenticator.http import guard
from authenticator.models import Session
from authenticator.web import schemas_tokens as schemas
from authenticator.web.api_endpoints import Endpoint
from authenticator.web.api_shapes import answer, end_of, moment, nothing

GROUP = "Applications"


def tokens() -> Response:
    """List one's own personal access tokens, newest first."""
    return answer([token(one) for one in guard.service().personal_tokens(guard.require().user)])


def make_token(body: schemas.NewToken) -> Response:
    """Make a personal access token for one's own programs.

    It is shown this once. It can do what its scopes say and nothing that needs proof that it is you. Asks for a sign-in not older
    than a few minutes.
    """
    signed, client = guard.require_bearer(), guard.client()
    made, text = guard.service().make_token(signed, name=body.name, scopes=body.scopes, expires_at=end_of(body.expires_at), client=client)
    return answer({**token(made), "token": text}, 201)


def remove_token(id: str) -> Response:
    """Delete one of one's own tokens; it stops working everywhere within a second."""
    guard.service().remove_token(guard.require_bearer().user, id, guard.client())
    return nothing()


def token(one: Session) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "scopes": list(one.scopes),
        "created_at": moment(one.created_at),
        "expires_at": moment(one.expires_at),
        **last_used(one),
    }


def last_used(one: Session) -> dict[str, str | None]:
    """When and from where something was last used, as far as it was."""
    at = max((at for at in (one.seen_at, one.rotated_at) if at), default=None)
    return {"last_used_at": moment(at) if at else None, "last_used_from": one.seen_from.address or None}


ENDPOINTS = (
    Endpoint("GET", "/me/tokens", tokens, GROUP, {200: schemas.Tokens}, access="session"),
    Endpoint(
        "POST",
        "/me/tokens",
        make_token,
        GROUP,
        {201: schemas.MadeToken},
        ("step_up_required", "validation_failed", "conflict"),
        schemas.NewToken,
        access="bearer",
        scope=guard.OWN_ONLY,
    ),
    Endpoint("DELETE", "/me/tokens/{id}", remove_token, GROUP, {204: None}, ("not_found",), access="bearer", scope=guard.OWN_ONLY),
)
