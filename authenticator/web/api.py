"""The JSON API: its blueprint, from the tables of its endpoints."""

from __future__ import annotations

from flask import Blueprint

from authenticator.service import Service
from authenticator.web import api_activity, api_contacts, api_endpoints, api_factors, api_me, api_sign_in, openapi

ENDPOINTS = (*api_sign_in.ENDPOINTS, *api_me.ENDPOINTS, *api_factors.ENDPOINTS, *api_activity.ENDPOINTS, *api_contacts.ENDPOINTS)


def blueprint(service: Service) -> Blueprint:
    """Everything under /api/v1, the document about it included."""
    routes = Blueprint("api", __name__, url_prefix="/api/v1")
    api_endpoints.register(routes, ENDPOINTS)
    openapi.register(routes, ENDPOINTS, service.settings)
    return routes
