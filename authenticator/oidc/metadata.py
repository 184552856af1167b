"""What others may read of the provider: OpenID Connect Discovery, RFC 8414, RFC 9728. Only what is there is told."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, current_app, jsonify, request

from authenticator.flows.assertions import ALGORITHMS as CLIENT_ALGORITHMS
from authenticator.flows.client_words import GRANTS, PUBLIC_SCOPES
from authenticator.flows.keyring import ALGORITHMS
from authenticator.flows.permissions import PERMISSIONS
from authenticator.flows.scopes import ACCOUNT, CLAIMS, READ_ACCOUNT
from authenticator.flows.sessions import ACR
from authenticator.http import texts
from authenticator.http.guard import service
from authenticator.oidc import client_auth
from authenticator.service import Service

KEPT: Final = "public, max-age=600"
ENDPOINTS: Final = {
    "authorization_endpoint": "/oauth/authorize",
    "token_endpoint": "/oauth/token",
    "userinfo_endpoint": "/oauth/userinfo",
    "jwks_uri": "/.well-known/jwks.json",
    "introspection_endpoint": "/oauth/introspect",
    "revocation_endpoint": "/oauth/revoke",
    "device_authorization_endpoint": "/oauth/device",
    "pushed_authorization_request_endpoint": "/oauth/par",
    "registration_endpoint": "/oauth/register",
    "end_session_endpoint": "/oauth/logout",
}
LOGOUT: Final = {
    "backchannel_logout_supported": True,
    "backchannel_logout_session_supported": True,
    "frontchannel_logout_supported": True,
    "frontchannel_logout_session_supported": True,
}


def blueprint() -> Blueprint:
    """The documents under /.well-known/, which anybody may read, from any page too: nothing in them is anybody's."""
    routes = Blueprint("oidc_metadata", __name__, url_prefix="/.well-known")
    routes.after_request(_to_any_page)
    routes.add_url_rule("/openid-configuration", "openid", lambda: _told(provider(service())), methods=["GET"])
    routes.add_url_rule("/oauth-authorization-server", "oauth", lambda: _told(provider(service())), methods=["GET"])
    routes.add_url_rule("/oauth-protected-resource", "resource", lambda: _told(resource(service())), methods=["GET"])
    return routes


def provider(auth: Service) -> dict[str, Any]:
    """The metadata of the authorization server (RFC 8414 §2, OpenID Connect Discovery §3)."""
    auth.keys.ready()
    issuer = auth.settings.public_url
    rules = {rule.rule for rule in current_app.url_map.iter_rules()}
    there = {name: f"{issuer}{path}" for name, path in ENDPOINTS.items() if path in rules}
    if auth.core.oidc.registration == "off":
        there.pop("registration_endpoint", None)
    methods = list(client_auth.METHODS)
    signing = list(CLIENT_ALGORITHMS)
    told: dict[str, Any] = {
        "issuer": issuer,
        **there,
        "scopes_supported": list(PUBLIC_SCOPES),  # some clients ask for all that is told here; those of the API are told as its own
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "grant_types_supported": list(GRANTS),
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": list(ALGORITHMS),
        "userinfo_signing_alg_values_supported": list(ALGORITHMS),
        "request_object_signing_alg_values_supported": signing,
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": signing,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": signing,
        "introspection_endpoint_auth_methods_supported": [name for name in methods if name != client_auth.NONE],
        "introspection_endpoint_auth_signing_alg_values_supported": signing,
        "dpop_signing_alg_values_supported": signing,
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account", "create"],
        "acr_values_supported": sorted(ACR),
        "claim_types_supported": ["normal"],
        "claims_supported": ["sub", "auth_time", "acr", "amr", *(claim for claims in CLAIMS.values() for claim in claims)],
        "claims_parameter_supported": True,
        "request_parameter_supported": True,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
        "client_id_metadata_document_supported": auth.core.oidc.documents,
        "ui_locales_supported": list(texts.languages()),
    }
    return told | (LOGOUT if "end_session_endpoint" in there else {})


def resource(auth: Service) -> dict[str, Any]:
    """The metadata of this service's own API as something that tokens are for (RFC 9728 §2)."""
    return {
        "resource": auth.settings.token_audience,
        "resource_name": auth.settings.service_name,
        "authorization_servers": [auth.settings.public_url],
        "jwks_uri": f"{auth.settings.public_url}/.well-known/jwks.json",
        "scopes_supported": [READ_ACCOUNT, ACCOUNT, *PERMISSIONS],
        "bearer_methods_supported": ["header"],
    }


def _told(document: dict[str, Any]) -> Response:
    answer = jsonify(document)
    answer.headers["Cache-Control"] = KEPT
    return answer


def _to_any_page(answer: Response) -> Response:
    """Read by pages of every origin, never with cookies; also where a program sends a header of its own, as those of MCP do."""
    answer.headers["Access-Control-Allow-Origin"] = "*"
    if request.method == "OPTIONS":
        answer.headers["Access-Control-Allow-Headers"] = "*"
        answer.headers["Access-Control-Max-Age"] = "600"
    return answer
