"""One's own password, and the way back without it, through the API."""

from __future__ import annotations

from flask import Response

from authenticator.http import guard
from authenticator.web import schemas_password as schemas
from authenticator.web.api_endpoints import Endpoint
from authenticator.web.api_shapes import answer, nothing


def change_password(body: schemas.PasswordChange) -> Response:
    """Set a new password.

    Who has one sends it too; who has none needs a sign-in not older than a few minutes, as does whoever has a second step. All
    other sign-ins end.
    """
    signed = guard.require_bearer()
    guard.service().change_password(signed, body.current_password, body.new_password, guard.client(), in_browser=False)
    return nothing()


def forgot_password(body: schemas.ForgottenPassword) -> Response:
    """Have a link and a code sent, by which a new password is chosen.

    The answer is the same whether or not there is such an account.
    """
    guard.service().forgot_password(body.email, guard.client())
    return answer({}, 202)


def reset_password(body: schemas.PasswordReset) -> Response:
    """Set a new password by the token of the link, or by the code.

    It signs nobody in: all sign-ins end, and a second step stays.
    """
    guard.service().reset_password(body.new_password, guard.client(), token=body.token, who=body.email, code=body.code)
    return nothing()


_CHANGE = ("invalid_credentials", "step_up_required", "validation_failed", "unknown_provider", "conflict", "rate_limited", "busy")
_RESET = ("invalid_link", "invalid_code", "validation_failed", "unknown_provider", "email_taken", "phone_taken", "rate_limited", "busy")

ENDPOINTS = (
    Endpoint(
        "POST",
        "/me/password",
        change_password,
        "Passwords",
        {204: None},
        _CHANGE,
        body=schemas.PasswordChange,
        access="bearer",
        scope=guard.OWN_ONLY,
    ),
    Endpoint(
        "POST",
        "/password/forgot",
        forgot_password,
        "Passwords",
        {202: schemas.MessageSent},
        ("validation_failed", "unknown_provider", "rate_limited"),
        body=schemas.ForgottenPassword,
    ),
    Endpoint("POST", "/password/reset", reset_password, "Passwords", {204: None}, _RESET, body=schemas.PasswordReset),
)
