"""What a signed-in person may see and end through the API: her account, her ways in, her sign-ins."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Response, request

from authenticator.errors import AuthError
from authenticator.models import Status, User
from authenticator.web import api_shapes, guard, schemas
from authenticator.web.api_endpoints import Endpoint, Query, page_size
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
    guard.service().unlink(guard.require_bearer(), id)
    return nothing()


def sessions() -> Response:
    """List one's own sign-ins that have not ended, newest first."""
    signed = guard.require()
    after = request.args.get("after") or None
    page = guard.service().sessions(signed.user, after=after, limit=page_size())
    response = answer([api_shapes.session(one, signed.session.id) for one in page.items])
    if page.next:
        wanted = urlencode({"after": page.next, "limit": page_size()})
        response.headers["Link"] = f'<{guard.service().settings.public_url}/api/v1/me/sessions?{wanted}>; rel="next"'
    return response


def end_session(id: str) -> Response:
    """End one of one's own sign-ins.

    A sign-in of somebody else is answered like one that never was.
    """
    guard.service().end_session(guard.require_bearer().user, id)
    return nothing()


def end_other_sessions() -> Response:
    """End all of one's other sign-ins; this one stays."""
    guard.service().sign_out_others(guard.require_bearer())
    return nothing()


def _person() -> User:
    """Who asks. A token's session is not read, only whether it has ended: that is a look-up in memory."""
    if not request.headers.get("Authorization"):
        return guard.require().user
    user = guard.service().user(guard.bearer().subject)
    if user is None or user.status is not Status.ACTIVE:
        raise AuthError("token_revoked")
    return user


_PAGE = (
    Query("after", "The cursor of the page before; the `Link` header has it."),
    Query("limit", "How many.", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}),
)

ENDPOINTS = (
    Endpoint("GET", "/me", me, "Account", {200: schemas.User}, access="session"),
    Endpoint("GET", "/me/identities", identities, "Account", {200: schemas.Identities}, access="session"),
    Endpoint(
        "DELETE",
        "/me/identities/{id}",
        remove_identity,
        "Account",
        {204: None},
        ("step_up_required", "not_found", "last_sign_in_method"),
        access="bearer",
    ),
    Endpoint("GET", "/me/sessions", sessions, "Sign-ins", {200: schemas.Sessions}, access="session", query=_PAGE),
    Endpoint("DELETE", "/me/sessions/{id}", end_session, "Sign-ins", {204: None}, ("not_found",), access="bearer"),
    Endpoint("DELETE", "/me/sessions", end_other_sessions, "Sign-ins", {204: None}, access="bearer"),
)
