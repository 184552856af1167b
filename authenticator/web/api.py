"""The JSON API: its blueprint, from the tables of its endpoints."""

from __future__ import annotations

from flask import Blueprint

from authenticator.service import Service
from authenticator.web import (
    api_activity,
    api_applications,
    api_authorize,
    api_avatars,
    api_contacts,
    api_data,
    api_endpoints,
    api_factors,
    api_grants,
    api_me,
    api_password,
    api_permissions,
    api_profile,
    api_sign_in,
    api_tokens,
    api_users,
    openapi,
)

AREAS = (
    api_sign_in,
    api_me,
    api_profile,
    api_avatars,
    api_data,
    api_factors,
    api_activity,
    api_contacts,
    api_password,
    api_users,
    api_applications,
    api_permissions,
    api_authorize,
    api_tokens,
    api_grants,
)
ENDPOINTS = tuple(endpoint for area in AREAS for endpoint in area.ENDPOINTS)


def blueprint(service: Service) -> Blueprint:
    """Everything under /api/v1, the document about it included."""
    routes = Blueprint("api", __name__, url_prefix="/api/v1")
    api_endpoints.register(routes, ENDPOINTS)
    openapi.register(routes, ENDPOINTS, service.settings)
    return routes
