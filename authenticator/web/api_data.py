"""Taking one's data along and leaving, through the API."""

from __future__ import annotations

from flask import Response

from authenticator.http import guard
from authenticator.web import schemas_account
from authenticator.web.api_endpoints import Endpoint
from authenticator.web.api_shapes import answer, moment


def export_me() -> Response:
    """Read everything that is kept about oneself.

    Asks for a sign-in not older than a few minutes, and answers five times an hour.
    """
    return answer(guard.service().export(guard.require_bearer(), guard.client()))


def delete_me() -> Response:
    """Delete one's own account.

    Asks for a sign-in not older than a few minutes. All sessions end at once; a letter has a link by which the account can be kept until it
    is erased.
    """
    return answer({"erase_at": moment(guard.service().delete_account(guard.require_bearer(), guard.client()))}, 202)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/me/export",
        export_me,
        "Account",
        {200: schemas_account.Export},
        ("step_up_required", "rate_limited"),
        access="bearer",
        scope=guard.OWN_ONLY,
    ),
    Endpoint(
        "DELETE",
        "/me",
        delete_me,
        "Account",
        {202: schemas_account.Leaving},
        ("step_up_required", "conflict"),
        access="bearer",
        scope=guard.OWN_ONLY,
    ),
)
