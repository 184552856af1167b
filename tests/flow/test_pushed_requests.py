"""Requests that an application pushes before the browser comes with their name (RFC 9126)."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from joserfc import jwt
from joserfc.jwk import ECKey

from authenticator.clock import SetClock
from authenticator.crypto import random_token
from authenticator.service import Service
from authenticator.testing.asking import CALLBACK, Asking, answer
from authenticator.testing.client import Browser, Page
from authenticator.testing.people import AsUser


@pytest.fixture
def auth(auth_app: Flask) -> Service:
    found: Service = auth_app.extensions["authenticator"]
    return found


@pytest.fixture
def shop(auth: Service) -> Asking:
    made = Asking.of(auth, auth_method="client_secret_post")
    made.application, made.secret = auth.add_client_secret(made.application)
    return made


def push(client: Browser, shop: Asking, **other: str | None) -> Page:
    return client.post("/oauth/par", shop.parameters(client_secret=shop.secret, **other))


def bring(browser: Browser, shop: Asking, name: str, **more: str) -> Page:
    return browser.get("/oauth/authorize", query_string={"client_id": shop.application.id, "request_uri": name, **more})


def allow(page: Page) -> Page:
    return page.browser.submit(page.follow(), action="/consent", decision="allow")


def test_a_browser_brings_the_name_of_a_pushed_request(client: Browser, shop: Asking, as_user: AsUser) -> None:
    pushed = push(client, shop, state="pushed")
    assert (pushed.status, pushed.json["expires_in"], pushed.headers["Cache-Control"]) == (201, 60, "no-store")
    ada = as_user()
    page = allow(bring(ada.browser(), shop, pushed.json["request_uri"], state="beside", scope="nonsense"))
    back = answer(page.location)
    assert back["state"] == "pushed"
    code = shop.code(back)
    assert (code.user_id, code.redirect_uri, code.scopes) == (ada.id, CALLBACK, ("openid",))


def test_somebody_may_sign_in_for_longer_than_the_name_lives(client: Browser, shop: Asking, as_user: AsUser, clock: SetClock) -> None:
    ada, browser = as_user(), client.browser()
    page = bring(browser, shop, push(client, shop).json["request_uri"])
    assert page.path == "/sign-in"
    clock.advance(minutes=5)
    page = browser.submit(page.follow(), email=ada.email, password=ada.password)
    assert answer(allow(page).location)["code"]


def test_who_must_push_can_not_do_without(client: Browser, shop: Asking, as_user: AsUser) -> None:
    shop.change(require_pushed=True)
    browser = as_user().browser()
    page = browser.get("/oauth/authorize", query_string=shop.parameters())
    assert answer(page.location)["error"] == "invalid_request"
    assert browser.post("/oauth/authorize", shop.parameters(ui_locales="x" * 2000, state="y" * 3000)).path == "/callback"
    assert answer(allow(bring(browser, shop, push(client, shop).json["request_uri"])).location)["code"]


@pytest.mark.parametrize(
    ("other", "error"),
    [
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"scope": "openid nonsense"}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
        ({"client_id": "app_other"}, "invalid_client"),
        ({"code_challenge": None}, "invalid_request"),
        ({"resource": "https://other.example/"}, "invalid_target"),
        ({"client_secret": "wrong"}, "invalid_client"),
    ],
)  # fmt: skip
def test_faults_are_told_when_it_is_pushed(client: Browser, shop: Asking, other: dict[str, str | None], error: str) -> None:
    page = client.post("/oauth/par", shop.parameters(**{"client_secret": shop.secret, **other}))
    assert (page.status, page.json["error"]) == (401 if error == "invalid_client" else 400, error)


KEY = ECKey.generate_key("P-256", {"kid": "one", "use": "sig"}, private=True)


@pytest.fixture
def signer(auth: Service) -> Asking:
    return Asking.of(auth, auth_method="none", jwks={"keys": [KEY.as_dict(private=False)]})


def signed(shop: Asking, **other: str) -> dict[str, str]:
    """The parameters of a request that is in a signed object."""
    inside: dict[str, Any] = {**shop.parameters(**other), "aud": shop.auth.settings.public_url, "iss": shop.application.id}
    return {"client_id": shop.application.id, "request": jwt.encode({"alg": "ES256", "kid": "one"}, inside, KEY)}


def test_as_much_may_be_pushed_as_stands_in_an_address(client: Browser, shop: Asking) -> None:
    hint = shop.auth.keys.sign(
        {"iss": shop.auth.settings.public_url, "aud": shop.application.id, "sub": "x", "more": "y" * 4000}, typ="JWT"
    )
    assert push(client, shop, id_token_hint=hint).status == 201


def test_a_request_object_may_be_pushed(client: Browser, signer: Asking, as_user: AsUser) -> None:
    pushed = client.post("/oauth/par", signed(signer, state="inside"))
    assert pushed.status == 201, pushed.html
    assert answer(allow(bring(as_user().browser(), signer, pushed.json["request_uri"])).location)["state"] == "inside"


def proof(shop: Asking) -> dict[str, str]:
    url, now = f"{shop.auth.settings.public_url}/oauth/par", int(shop.auth.core.clock.now().timestamp())
    head = {"alg": "ES256", "typ": "dpop+jwt", "jwk": KEY.as_dict(private=False)}
    return {"DPoP": jwt.encode(head, {"htm": "POST", "htu": url, "iat": now, "jti": random_token()}, KEY)}


def test_a_code_is_bound_to_the_key_that_was_shown_while_pushing(client: Browser, signer: Asking, as_user: AsUser) -> None:
    """RFC 9449 §10.1, whether or not the request is in a signed object."""
    browser, mine = as_user().browser(), KEY.thumbprint()
    for given in (signer.parameters(), signer.parameters(dpop_jkt=mine), signed(signer), signed(signer, dpop_jkt=mine)):
        pushed = client.post("/oauth/par", given, headers=proof(signer))
        assert pushed.status == 201, pushed.html
        page = bring(browser, signer, pushed.json["request_uri"])
        assert signer.code(answer((page if page.path == "/callback" else allow(page)).location)).jkt == mine
    for given in (signer.parameters(dpop_jkt="x" * 43), signed(signer, dpop_jkt="x" * 43)):
        refused = client.post("/oauth/par", given, headers=proof(signer))
        assert (refused.status, refused.json["error"]) == (400, "invalid_request")
