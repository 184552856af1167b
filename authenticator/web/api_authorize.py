"""POST /authorize: whether somebody may, asked by an application, an administrator, or herself."""

from __future__ import annotations

from flask import Response, g, request

from authenticator.applications import OWN, Application
from authenticator.errors import AuthError
from authenticator.flows import asking
from authenticator.http import guard
from authenticator.http.basic import credentials
from authenticator.web import schemas_permissions as schemas
from authenticator.web.api_endpoints import Endpoint
from authenticator.web.api_shapes import answer


def authorize(body: schemas.Question) -> Response:
    """Say whether somebody may do something, and why.

    An application proves who it is by its client id and secret (HTTP Basic), or by an access token that it got for itself, and asks about
    its own permissions. A person asks about herself; with `permissions:read`, about anybody and any `application`.
    """
    auth, application = guard.service(), asking_application()
    if application:
        if body.application not in ("", application.id):
            raise AuthError("forbidden", "An application asks about its own permissions.")
        decision = asking.answer_application(auth.core, application, body.user_id, body.permission, body.resource)
    else:
        signed = guard.require_bearer()
        wanted = body.application or OWN
        decision = asking.answer_person(auth.core, signed, body.user_id, wanted, body.permission, body.resource, guard.client())
    return answer({"allowed": decision.allowed, "reason": decision.reason})


def asking_application() -> Application | None:
    """The application that asks, looked up once a request; None if a person does."""
    if "auth_application" not in g:
        g.auth_application = _application()
    found: Application | None = g.auth_application
    return found


def check_asker() -> None:
    """AuthError `invalid_token` unless an application or a person asks, before anything else is looked at."""
    if asking_application() is None:
        guard.bearer()
        guard.require_scope("permissions:read")


def _application() -> Application | None:
    auth, token = guard.service(), guard.bearer_token()
    if token:
        return asking.by_token(auth.core, auth.keys, token)
    header = request.headers.get("Authorization", "")
    if header.partition(" ")[0].lower() != "basic":
        return None
    client_id, secret = credentials(header)
    if not (client_id and secret):
        raise AuthError("invalid_token")
    return asking.by_secret(auth.core, client_id, secret)


ENDPOINTS = (
    Endpoint(
        "POST",
        "/authorize",
        authorize,
        "Permissions",
        {200: schemas.Answer},
        ("forbidden", "step_up_required", "not_found"),
        schemas.Question,
        access="application",
        asker=check_asker,
        scope="permissions:read",
        example={"user_id": "530164720181280769", "permission": "reports:write", "resource": "projects/7"},
    ),
)
