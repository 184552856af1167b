"""What the provider tells of itself: all of it is there, and nothing is told that is not; and which pages of others may ask."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask

from authenticator.flows.scopes import CLAIMS
from authenticator.testing.oauth import CALLBACK, OAuthApp
from authenticator.testing.people import AsUser

ORIGIN = "https://shop.example"
DOCUMENTS = ("openid-configuration", "oauth-authorization-server")


@pytest.fixture
def shop(auth_app: Flask) -> OAuthApp:
    return OAuthApp.register(auth_app)


def read(shop: OAuthApp, name: str) -> Any:
    answer = shop.call("GET", f"/.well-known/{name}")
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, "*")
    return answer.json


@pytest.mark.parametrize("name", [*DOCUMENTS, "oauth-protected-resource"])
def test_programs_in_browsers_read_it_with_headers_of_their_own(shop: OAuthApp, name: str) -> None:
    """As those of MCP do, which send the version they speak: the browser asks first whether they may."""
    asks = {
        "Origin": "https://inspector.example",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "mcp-protocol-version",
    }
    answer = shop.call("OPTIONS", f"/.well-known/{name}", headers=asks)
    assert answer.status_code == 200
    assert {key: answer.headers.get(f"Access-Control-Allow-{key}") for key in ("Origin", "Headers", "Credentials")} == {
        "Origin": "*",
        "Headers": "*",
        "Credentials": None,
    }


def test_every_endpoint_that_is_told_answers(shop: OAuthApp) -> None:
    told = read(shop, DOCUMENTS[0])
    assert read(shop, DOCUMENTS[1]) == told
    here = shop.auth.settings.public_url
    assert told["issuer"] == here
    endpoints = {name: address for name, address in told.items() if name.endswith(("_endpoint", "_uri"))}
    assert len(endpoints) == 9
    for name, address in endpoints.items():
        assert address.startswith(f"{here}/")
        path = urlsplit(address).path
        statuses = {shop.call(method, path).status_code for method in ("GET", "POST")}
        assert statuses - {405}, name
        assert 404 not in statuses, name
        assert not [status for status in statuses if status >= 500], name
    assert "registration_endpoint" not in told, "nobody registers herself here"
    assert shop.call("POST", "/oauth/register", json={}).status_code == 404


PROGRAMS = ("token", "userinfo", "introspect", "revoke", "device", "par", "register/app_x")


@pytest.mark.parametrize("path", PROGRAMS)
def test_what_programs_call_answers_them_with_no_page(shop: OAuthApp, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("a fault of ours")

    wrong = shop.call("PATCH", f"/oauth/{path}")
    assert (wrong.status_code, wrong.is_json) == (405, True)
    monkeypatch.setattr(shop.app, "testing", False)
    monkeypatch.setattr(type(shop.auth), "find_application", broken)
    monkeypatch.setattr(type(shop.auth), "believed", broken)
    method, headers = ("GET", {"Authorization": "Bearer x"}) if path in ("userinfo", "register/app_x") else ("POST", {})
    fault = shop.call(method, f"/oauth/{path}", headers=headers, data={"client_id": shop.id, "grant_type": "refresh_token"})
    assert (fault.status_code, fault.is_json, bool(fault.json["reference"])) == (500, True, True)


def test_who_shows_no_secret_is_told_how_to(shop: OAuthApp) -> None:
    answer = shop.post("/oauth/token", alone=True, grant_type="refresh_token", client_id=shop.id)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Basic realm="applications", error="invalid_client"')


def test_every_word_that_is_told_is_understood(shop: OAuthApp, as_user: AsUser) -> None:
    told = read(shop, DOCUMENTS[0])
    browser = as_user().browser()
    page = OAuthApp.register(shop.app, client_name="Page", token_endpoint_auth_method="none")
    for mode in set(told["response_modes_supported"]) - {"form_post"}:
        assert "code" in page.authorize(browser, response_mode=mode)[0], mode
    for grant in told["grant_types_supported"]:
        assert shop.token(grant).json != {"error": "unsupported_grant_type"}, grant
    for grant in ("password", "urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:saml2-bearer"):
        assert grant not in told["grant_types_supported"]
    algorithms = {key["alg"] for key in shop.auth.keys.jwks()["keys"]}
    assert set(told["id_token_signing_alg_values_supported"]) <= algorithms, "a key for each is published"
    assert "none" not in told["id_token_signing_alg_values_supported"]
    assert {claim for claims in CLAIMS.values() for claim in claims} <= set(told["claims_supported"])
    for method in told["token_endpoint_auth_methods_supported"]:
        facts = {"jwks_uri": f"{ORIGIN}/jwks.json"} if method == "private_key_jwt" else {}
        assert OAuthApp.register(shop.app, client_name=method, token_endpoint_auth_method=method, **facts).application.auth_method == method
    for subject in told["subject_types_supported"]:
        assert OAuthApp.register(shop.app, client_name=subject, subject_type=subject).application.subject_type == subject
    for absent in ("check_session_iframe", "backchannel_authentication_endpoint", "tls_client_certificate_bound_access_tokens"):
        assert absent not in told


def test_a_program_that_asks_for_every_scope_that_is_told_gets_them(shop: OAuthApp, as_user: AsUser) -> None:
    """Clients of MCP do that where the resource names no scopes; nobody has vouched for them."""
    told = read(shop, DOCUMENTS[1])["scopes_supported"]
    said = {"redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none", "scope": " ".join(told)}
    stranger = OAuthApp(shop.app, shop.auth.register_application(said, registration="dynamic").application)
    assert set(stranger.tokens(as_user().browser(), scope=" ".join(told))["scope"].split()) == set(told)


def test_the_api_says_who_gives_tokens_for_it(shop: OAuthApp) -> None:
    """RFC 9728 §5: from a refusal to the metadata of the resource, and from there to those of the provider."""
    answer = shop.call("GET", "/api/v1/me")
    assert answer.status_code == 401
    address = answer.headers["WWW-Authenticate"].partition('resource_metadata="')[2].rstrip('"')
    resource = read(shop, urlsplit(address).path.removeprefix("/.well-known/"))
    assert (resource["resource"], resource["bearer_methods_supported"]) == (shop.auth.settings.token_audience, ["header"])
    assert resource["authorization_servers"] == [read(shop, DOCUMENTS[1])["issuer"]]
    assert {"account", "account:read"} <= set(resource["scopes_supported"])


def test_with_the_audience_that_the_api_names_a_token_opens_it(shop: OAuthApp, as_user: AsUser) -> None:
    """All of the way: told where, registered for it, agreed to, and called."""
    ada, resource = as_user(), read(shop, "oauth-protected-resource")["resource"]
    app = OAuthApp.register(shop.app, client_name="Assistant", token_endpoint_auth_method="none", scope="openid account:read")
    app.change(resources=(resource,))
    tokens = app.tokens(ada.browser(), resource=resource, scope="account:read")
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    answer = app.call("GET", "/api/v1/me", headers=bearer)
    assert answer.status_code == 200, answer.text
    assert app.call("DELETE", "/api/v1/me/sessions", headers=bearer).status_code == 403


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/userinfo", "/oauth/revoke", "/oauth/par"])
def test_wb_03_only_pages_of_listed_origins_may_ask(shop: OAuthApp, path: str) -> None:
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization, dpop"}
    assert CALLBACK.startswith(ORIGIN)
    answer = shop.call("OPTIONS", path, headers={"Origin": ORIGIN, **asks})
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert {"Authorization", "DPoP"} <= set(answer.headers["Access-Control-Allow-Headers"].split(", "))
    for origin in (
        "https://evil.example",
        "null",
        f"{ORIGIN}.evil.example",
        "http://shop.example",
        f"{ORIGIN}:444",
        "https://SHOP.example",
        "*",
    ):
        for method, headers in (("OPTIONS", asks), ("POST", {})):
            answer = shop.call(method, path, headers={"Origin": origin, **headers})
            assert "Access-Control-Allow-Origin" not in answer.headers, origin
            assert "Access-Control-Allow-Credentials" not in answer.headers
            assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize("path", ["/oauth/authorize", "/oauth/introspect", "/oauth/device", "/device"])
def test_wb_03_what_no_page_asks_is_open_to_none(shop: OAuthApp, path: str) -> None:
    for method in ("OPTIONS", "POST"):
        answer = shop.call(method, path, headers={"Origin": ORIGIN, "Access-Control-Request-Method": "POST"})
        assert "Access-Control-Allow-Origin" not in answer.headers
