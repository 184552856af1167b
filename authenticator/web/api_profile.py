"""Changing one's own profile through the API."""

from __future__ import annotations

from flask import Response

from authenticator.http import guard
from authenticator.web import api_shapes, schemas
from authenticator.web.api_endpoints import Endpoint
from authenticator.web.api_shapes import answer
from authenticator.web.schemas_account import ProfileChange


def change_me(body: ProfileChange) -> Response:
    """Change one's own profile.

    Only what is named changes, and either all of it or nothing.
    """
    changes = body.model_dump(exclude_unset=True)
    return answer(api_shapes.user(guard.service().update_profile(guard.require_bearer(), changes, guard.client())))


ENDPOINTS = (
    Endpoint(
        "PATCH",
        "/me",
        change_me,
        "Account",
        {200: schemas.User},
        ("validation_failed", "username_taken", "step_up_required", "last_sign_in_method", "conflict", "rate_limited"),
        body=ProfileChange,
        access="bearer",
        example={"name": {"display": "Ada, Countess"}, "locale": "en-GB"},
    ),
)
