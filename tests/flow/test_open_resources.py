"""What strangers may ask for: the audiences that the operator opened to applications which nobody here has vouched for (RFC 8707)."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from authenticator.testing.oauth import OAuthApp
from authenticator.testing.people import AsUser

TOOLS = "https://mcp.example.com"


@pytest.fixture
def auth_settings() -> dict[str, Any]:
    return {"OIDC_REGISTRATION": "open", "OIDC_RESOURCES": TOOLS}


def stranger(auth_app: Flask, **more: Any) -> OAuthApp:
    facts = {"client_name": "Assistant", "redirect_uris": ["http://127.0.0.1:4711/cb"], **more}
    made: Any = auth_app.test_client().post("/oauth/register", json=facts)
    assert made.status_code == 201, made.text
    return OAuthApp(auth_app, auth_app.extensions["authenticator"].core.store.application(made.json["client_id"]))


def test_a_stranger_gets_tokens_for_an_opened_audience_only_when_it_asks(auth_app: Flask, as_user: AsUser) -> None:
    ada, app = as_user(), stranger(auth_app, token_endpoint_auth_method="none")
    for wish, audience in (({"resource": TOOLS}, TOOLS), ({}, app.application.id)):
        issued = app.auth.believed(app.tokens(ada.browser(), scope="openid", **wish)["access_token"])
        assert issued is not None
        assert issued.audience == (audience,)
    answer, _ = app.authorize(ada.browser(), resource=f"{TOOLS}/other", scope="openid")
    assert answer["error"] == "invalid_target"


def test_an_opened_audience_makes_no_stranger_its_resource_server(auth_app: Flask, as_user: AsUser) -> None:
    """Who may ask for tokens for somebody else's API must not look into the tokens that others have for it."""
    ada = as_user()
    ours = OAuthApp.register(auth_app, resources=[TOOLS])
    token = ours.tokens(ada.browser(), resource=TOOLS, scope="openid")["access_token"]
    app = stranger(auth_app)
    assert app.application.open_resources == ()
    asking = OAuthApp(auth_app, app.application)
    auth = auth_app.extensions["authenticator"]
    known = auth.find_application(asking.application.id)
    assert known.open_resources == (TOOLS,)
    assert auth.introspect(known, token) == {"active": False}
    assert auth.introspect(ours.application, token)["active"] is True


def test_the_operators_own_applications_ask_for_what_they_registered(auth_app: Flask, as_user: AsUser) -> None:
    answer, _ = OAuthApp.register(auth_app).authorize(as_user().browser(), resource=TOOLS, scope="openid")
    assert answer["error"] == "invalid_target"
