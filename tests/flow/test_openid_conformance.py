"""What the OpenID Foundation's conformance plans ask for and no other test here does; docs/openid.md says where the rest is."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
from flask import Flask
from joserfc.jwk import ECKey
from joserfc.jwt import encode

from authenticator.clock import SetClock
from authenticator.testing.asking import answer
from authenticator.testing.client import Browser
from authenticator.testing.oauth import CALLBACK, OAuthApp
from authenticator.testing.people import AsUser

BYE = "https://shop.example/bye"


@pytest.fixture
def shop(auth_app: Flask) -> OAuthApp:
    return OAuthApp.register(auth_app, post_logout_redirect_uris=[BYE])


def header(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.get_unverified_header(token)
    return found


def read(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def test_userinfo_takes_its_token_in_either_header_and_in_a_body(shop: OAuthApp, as_user: AsUser) -> None:
    token = shop.tokens(as_user().browser())["access_token"]
    sent = {"Authorization": f"Bearer {token}"}
    answers = [
        shop.call("GET", "/oauth/userinfo", headers=sent),
        shop.call("POST", "/oauth/userinfo", headers=sent),
        shop.call("POST", "/oauth/userinfo", data={"access_token": token}),
    ]
    assert [item.status_code for item in answers] == [200, 200, 200]
    assert len({item.text for item in answers}) == 1


def test_the_order_of_scopes_does_not_matter(shop: OAuthApp, as_user: AsUser) -> None:
    given = shop.tokens(as_user().browser(), scope="email profile openid")
    assert set(given["scope"].split()) == {"email", "profile", "openid"}
    assert read(given["id_token"])["aud"] == shop.id


def test_a_client_may_show_its_secret_in_the_body(auth_app: Flask, as_user: AsUser) -> None:
    shop = OAuthApp.register(auth_app, token_endpoint_auth_method="client_secret_post")
    assert shop.tokens(as_user().browser())["id_token"]


def test_a_fresh_sign_in_shows_in_auth_time_and_an_old_one_as_it_was(shop: OAuthApp, as_user: AsUser, clock: SetClock) -> None:
    ada = as_user()
    browser = ada.browser()
    first = read(shop.tokens(browser)["id_token"])["auth_time"]
    clock.advance(minutes=5)
    assert read(shop.tokens(browser, max_age="10000")["id_token"])["auth_time"] == first
    assert read(shop.tokens(browser, prompt="none")["id_token"])["auth_time"] == first


def test_essential_claims_are_told_where_they_are_asked_for(shop: OAuthApp, as_user: AsUser) -> None:
    token = shop.tokens(as_user().browser(), scope="openid", claims='{"userinfo": {"name": {"essential": true}}}')["access_token"]
    assert shop.userinfo(token).json["name"] == "Ada Lovelace"


def test_refusals_come_by_post_too_where_that_is_asked_for(client: Browser, auth_app: Flask) -> None:
    shop = OAuthApp.register(auth_app, require_pkce=False)
    asked = {"client_id": shop.id, "response_type": "code", "redirect_uri": CALLBACK, "scope": "openid", "state": "s", "nonce": "n"}
    page = client.get("/oauth/authorize", query_string={**asked, "prompt": "none", "response_mode": "form_post"})
    told = answer("", page.html)
    assert (page.status, told["action"], told["error"], told["state"]) == (200, CALLBACK, "login_required", "s")


def test_an_address_with_more_or_another_query_is_not_the_registered_one(client: Browser, auth_app: Flask) -> None:
    shop = OAuthApp.register(auth_app, redirect_uris=[f"{CALLBACK}?foo=bar"])
    asked = {"client_id": shop.id, "response_type": "code", "scope": "openid", "state": "s"}
    for address in (CALLBACK, f"{CALLBACK}?foo=baz", f"{CALLBACK}?foo=bar&more=1"):
        page = client.get("/oauth/authorize", query_string={**asked, "redirect_uri": address})
        assert (page.status, page.location) == (400, "")


def test_new_keys_are_published_before_they_sign_and_old_ones_as_long_as_they_are_needed(
    shop: OAuthApp, as_user: AsUser, clock: SetClock
) -> None:
    def published() -> set[str]:
        return {key["kid"] for key in shop.call("GET", "/.well-known/jwks.json").json["keys"]}

    browser = as_user().browser()
    old = header(shop.tokens(browser)["id_token"])["kid"]
    new = shop.auth.keys.rotate(algorithm="RS256").kid
    assert {old, new} <= published()
    clock.advance(minutes=11)
    assert header(shop.tokens(browser)["id_token"])["kid"] == new
    assert {old, new} <= published()


def test_a_client_that_changed_its_keys_refreshes_with_the_new_ones(auth_app: Flask, as_user: AsUser) -> None:
    keys = [ECKey.generate_key("P-256", {"kid": kid}) for kid in ("one", "two")]
    sets = [{"keys": [key.as_dict(private=False)]} for key in keys]
    shop = OAuthApp.register(auth_app, token_endpoint_auth_method="private_key_jwt", jwks=sets[0])

    def shown(key: ECKey, number: int) -> dict[str, str]:
        now = int(shop.auth.core.clock.now().timestamp())
        told = {"iss": shop.id, "sub": shop.id, "aud": shop.auth.settings.public_url, "jti": f"j{number}", "iat": now, "exp": now + 60}
        kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        return {"client_assertion_type": kind, "client_assertion": encode({"alg": "ES256", "kid": key.kid}, told, key)}

    redeemed = shop.post("/oauth/token", alone=True, **shop.code(as_user().browser()), **shown(keys[0], 1))
    assert redeemed.status_code == 200, redeemed.text
    shop.change(jwks=sets[1])
    spent = {"grant_type": "refresh_token", "refresh_token": redeemed.json["refresh_token"]}
    assert shop.post("/oauth/token", alone=True, **spent, **shown(keys[0], 2)).json["error"] == "invalid_client"
    assert shop.post("/oauth/token", alone=True, **spent, **shown(keys[1], 3)).status_code == 200


def test_discovery_tells_all_that_must_be_told(client: Browser) -> None:
    told = client.get("/.well-known/openid-configuration").json
    assert told["issuer"] == client.base
    for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "end_session_endpoint"):
        assert told[name].startswith(f"{client.base}/")
    assert "openid" in told["scopes_supported"]
    assert "code" in told["response_types_supported"]
    assert "RS256" in told["id_token_signing_alg_values_supported"]
    assert "none" not in [*told["id_token_signing_alg_values_supported"], *told["request_object_signing_alg_values_supported"]]
    assert {"public", "pairwise"} == set(told["subject_types_supported"])
    assert {"query", "form_post"} <= set(told["response_modes_supported"])
    assert told["request_uri_parameter_supported"] is False
    assert client.get("/.well-known/oauth-authorization-server").json == told
    kinds = {(key["kty"], key["alg"], key["use"]) for key in client.get("/.well-known/jwks.json").json["keys"]}
    assert ("RSA", "RS256", "sig") in kinds


@pytest.mark.parametrize("state", [None, "only a state"])
def test_after_signing_out_a_state_comes_back_only_if_there_was_one_and_an_address(
    shop: OAuthApp, as_user: AsUser, state: str | None
) -> None:
    browser = as_user().browser()
    hint = shop.tokens(browser)["id_token"]
    if state:
        page = browser.get("/oauth/logout", query_string={"state": state})
        assert "only" not in browser.submit(page, action="/oauth/logout/confirm").html
    page = browser.get("/oauth/logout", query_string={"id_token_hint": hint, "post_logout_redirect_uri": BYE})
    assert page.location == BYE
