"""What a signed-in person may see and end through the API: her account and her ways in."""

from __future__ import annotations

from flask import Response, request

from authenticator.errors import AuthError
from authenticator.http import guard
from authenticator.models import Status, User
from authenticator.web import api_shapes, schemas
from authenticator.web.api_endpoints import Endpoint
from authenticator.web.api_shapes import answer, nothing


def me() -> Response:
    """Read one's own account."""
    return answer(api_shapes.user(_person()))


def identities() -> Response:
    """List the ways into one's account."""
    return answer([api_shapes.identity(key) for key in guard.service().identities(_person())])


def remove_identity(id: str) -> Response:
    """Take a way into one's account away.

    Asks for a sign-in not older than a few minutes. The last way in stays.
    """
    guard.service().unlink(guard.require_bearer(), id, guard.client())
    return nothing()


def _person() -> User:
    """Who asks. A token's session is not read, only whether it has ended: that is a look-up in memory."""
    if not request.headers.get("Authorization"):
        return guard.require().user
    claims = guard.bearer()
    if claims.scopes is not None:
        return guard.require().user  # an application may know her by another name
    user = guard.service().user(claims.subject)
    if user is None or user.status is not Status.ACTIVE:
        raise AuthError("token_revoked")
    return user


ENDPOINTS = (
    Endpoint("GET", "/me", me, "Account", {200: schemas.User}, access="session"),
    Endpoint("GET", "/me/identities", identities, "Account", {200: schemas.Identities}, access="session"),
    Endpoint(
        "DELETE",
        "/me/identities/{id}",
        remove_identity,
        "Account",
        {204: None},
        ("step_up_required", "not_found", "last_sign_in_method", "conflict"),
        access="bearer",
        scope=guard.OWN_ONLY,
    ),
)
