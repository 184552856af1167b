"""An assistant that knows only an address: refused, told where to read, registered by itself, let in, and answered (RFC 9728, 8414, 7591)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask

from authenticator.testing.oauth import OAuthApp
from authenticator.testing.people import AsUser


@pytest.fixture
def auth_settings() -> dict[str, Any]:
    return {"OIDC_REGISTRATION": "open"}


def test_an_assistant_finds_its_way_from_a_refusal_to_an_answer(auth_app: Flask, as_user: AsUser) -> None:
    ada, program = as_user(), auth_app.test_client(use_cookies=False)
    here = auth_app.extensions["authenticator"].settings.public_url

    def get(url: str) -> Any:
        assert url.startswith(here)
        return program.get(urlsplit(url).path, base_url=here).json

    refused = program.get("/api/v1/me", base_url=here)
    resource = get(refused.headers["WWW-Authenticate"].partition('resource_metadata="')[2].partition('"')[0])
    provider = get(f"{resource['authorization_servers'][0]}/.well-known/oauth-authorization-server")
    assert provider["code_challenge_methods_supported"] == ["S256"]
    facts = {"client_name": "Assistant", "redirect_uris": ["http://127.0.0.1:4711/cb"], "token_endpoint_auth_method": "none"}
    made: Any = program.post(urlsplit(provider["registration_endpoint"]).path, base_url=here, json=facts)
    assert made.status_code == 201, made.text
    app = OAuthApp(auth_app, auth_app.extensions["authenticator"].core.store.application(made.json["client_id"]))
    with_resource, _ = app.authorize(ada.browser(), resource=resource["resource"], scope="openid")
    assert with_resource["error"] == "invalid_target", "the operator says which resources strangers may name"
    app.change(resources=(resource["resource"],))
    tokens = app.tokens(ada.browser(), resource=resource["resource"], scope="openid profile")
    assert tokens["token_type"] == "Bearer"
    issued = app.auth.believed(tokens["access_token"])
    assert issued is not None
    assert issued.audience == (resource["resource"],)
    answer = app.call("GET", "/api/v1/me", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert answer.status_code == 403, "believed, but its scopes are for what a stranger may ever ask"
    assert 'scope="account:read"' in answer.headers["WWW-Authenticate"]
    told: Any = app.userinfo(tokens["access_token"]).json
    assert told["sub"] == ada.id
