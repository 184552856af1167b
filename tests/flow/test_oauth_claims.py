"""What applications are told and in which form: single claims, algorithms, claims of plug-ins, subjects of one sector, resources."""

from __future__ import annotations

import json
import warnings
from typing import Any

import pytest
from flask import Flask
from joserfc import jwt
from joserfc.jwk import KeySet

from authenticator.hooks import hookimpl
from authenticator.models import User
from authenticator.testing.oauth import OAuthApp
from authenticator.testing.people import AsUser

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS = "urn:ietf:params:oauth:token-type:access_token"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


class Department:
    """A plug-in that says where people work; with `clash` it says what is not its to say."""

    clash = False

    @hookimpl
    def auth_claims(self, user: User, audience: str, scopes: tuple[str, ...]) -> dict[str, Any]:
        return {"sub": "somebody"} if self.clash else {"department": f"of {user.name.given}", "told": audience}


@pytest.fixture
def auth_plugins() -> tuple[Any, ...]:
    return (Department(),)


def read(app: OAuthApp, token: str, algorithm: str) -> dict[str, Any]:
    """The claims of a token, checked as an application would: joserfc and the published keys."""
    keys = KeySet.import_key_set(said(app.call("GET", "/.well-known/jwks.json")))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # EdDSA has a newer name (RFC 9864), which few know yet
        found = jwt.decode(token, keys, algorithms=[algorithm])
    assert found.header["alg"] == algorithm
    return dict(found.claims)


def said(answer: Any) -> Any:
    return answer.json


def test_single_claims_come_where_they_were_asked_for(auth_app: Flask, as_user: AsUser) -> None:
    ada, app = as_user(), OAuthApp.register(auth_app)
    wish = {
        "userinfo": {"email": {"essential": True}, "given_name": None, "shoe_size": {"essential": True}},
        "id_token": {"email_verified": None, "family_name": {"value": "Lovelace"}, "acr": {"values": ["1", "2"]}},
    }
    tokens = app.tokens(ada.browser(), scope="openid", claims=json.dumps(wish))
    assert said(app.userinfo(tokens["access_token"])) == {"sub": ada.id, "email": ada.email, "given_name": "Ada"}
    told = read(app, tokens["id_token"], "RS256")
    assert (told["email_verified"], told["family_name"], told["acr"]) == (True, "Lovelace", "1")
    assert not {"email", "given_name", "shoe_size"} & told.keys()
    again = said(app.refresh(tokens["refresh_token"]))
    assert said(app.userinfo(again["access_token"]))["email"] == ada.email, "as long as the grant lives"


@pytest.mark.parametrize("wish", [
    "{", "[]", "1", '{"userinfo": []}', '{"userinfo": {"email": 1}}', '{"id_token": {"email": {"essential": 1}}}',
    '{"id_token": {"acr": {"value": NaN}}}', '{"id_token": {"acr": {"value": 1e999}}}', '{"id_token": {}, "id_token": {"acr": null}}',
    '{"id_token": {"acr": {"value": "\\ud800"}}}', '{"id_token": {"sub": {"values": ["\\udfff"]}}}', '{"userinfo": {"email": {"\\ud800": 1}}}',
])  # fmt: skip
def test_claims_that_are_none_are_refused(auth_app: Flask, as_user: AsUser, wish: str) -> None:
    app, browser = OAuthApp.register(auth_app), as_user().browser()
    answer, _ = app.authorize(browser, claims=wish)
    assert answer.get("error") == "invalid_request"


def test_id_tokens_and_userinfo_are_signed_as_the_application_wishes(auth_app: Flask, as_user: AsUser) -> None:
    ada = as_user()
    for algorithm in ("RS256", "ES256", "EdDSA"):
        app = OAuthApp.register(
            auth_app, client_name=algorithm, id_token_signed_response_alg=algorithm, userinfo_signed_response_alg=algorithm
        )
        tokens = app.tokens(ada.browser(), nonce="n")
        told = read(app, tokens["id_token"], algorithm)
        assert (told["sub"], told["aud"], told["nonce"], told["iss"]) == (ada.id, app.id, "n", app.auth.settings.public_url)
        answer = app.userinfo(tokens["access_token"])
        assert answer.content_type == "application/jwt"
        told_there = read(app, answer.text, algorithm)
        assert (told_there["sub"], told_there["aud"], told_there["iss"], told_there["email"]) == (ada.id, app.id, told["iss"], ada.email)
        assert said(app.refresh(tokens["refresh_token"]))["id_token"]


def test_a_plug_in_adds_claims_to_an_applications_tokens_but_takes_none_over(
    auth_app: Flask, as_user: AsUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, app = as_user(), OAuthApp.register(auth_app, resources=["https://api.example"])
    told = read(app, app.tokens(ada.browser())["access_token"], "ES256")
    assert (told["department"], told["told"]) == ("of Ada", "https://api.example")
    code = app.code(ada.browser())
    monkeypatch.setattr(Department, "clash", True)
    answer = app.token(**code)
    assert answer.status_code == 500
    assert "access_token" not in answer.text
    monkeypatch.undo()
    assert read(app, app.tokens(ada.browser())["access_token"], "ES256")["sub"] == ada.id


def test_a_pairwise_subject_is_the_same_wherever_the_application_looks(auth_app: Flask, as_user: AsUser) -> None:
    ada = as_user()
    app = OAuthApp.register(auth_app, subject_type="pairwise", resources=["https://back.example"])
    back = OAuthApp.register(
        auth_app,
        client_name="Back",
        subject_type="pairwise",
        grant_types=["authorization_code", EXCHANGE],
        redirect_uris=["https://back.example/callback"],
        resources=["https://back.example"],
    )
    tokens = app.tokens(ada.browser())
    told = read(app, tokens["id_token"], "RS256")["sub"]
    assert told != ada.id
    seen = {
        read(app, tokens["access_token"], "ES256")["sub"],
        said(app.userinfo(tokens["access_token"]))["sub"],
        app.introspect(tokens["access_token"])["sub"],
        app.introspect(tokens["refresh_token"])["sub"],
        read(app, said(app.refresh(tokens["refresh_token"]))["id_token"], "RS256")["sub"],
    }
    assert seen == {told}
    swapped = said(back.token(EXCHANGE, subject_token=tokens["access_token"], subject_token_type=ACCESS))
    own = read(back, back.tokens(ada.browser())["id_token"], "RS256")["sub"]
    assert read(back, swapped["access_token"], "ES256")["sub"] == own
    assert len({own, told, ada.id}) == 3
    hint, _ = app.authorize(ada.browser(), id_token_hint=tokens["id_token"], prompt="none")
    assert "code" in hint, "and the hint is understood"


def test_a_resource_is_asked_for_with_every_grant(auth_app: Flask, as_user: AsUser) -> None:
    one, two = "https://one.example", "https://two.example"
    grants = ["authorization_code", "refresh_token", "client_credentials", DEVICE]
    app = OAuthApp.register(auth_app, grant_types=grants, resources=[one, two], scope="openid reports:read")
    browser = as_user().browser()
    tokens = app.tokens(browser)
    assert app.introspect(tokens["access_token"])["aud"] == one, "the first, if she says nothing"
    assert app.introspect(said(app.refresh(tokens["refresh_token"], resource=two))["access_token"])["aud"] == two
    bound = app.tokens(browser, resource=two)
    assert app.introspect(bound["access_token"])["aud"] == two
    assert said(app.refresh(bound["refresh_token"], resource=one))["error"] == "invalid_target"
    assert app.introspect(said(app.token("client_credentials", resource=two))["access_token"])["aud"] == two
    assert said(app.token("client_credentials", resource="https://three.example"))["error"] == "invalid_target"
    begun = said(app.post("/oauth/device", scope="openid", resource=two))
    page = browser.submit(browser.get("/device"), user_code=begun["user_code"])
    browser.submit(page, action="/device/decide", decision="allow")
    assert app.introspect(said(app.token(DEVICE, device_code=begun["device_code"]))["access_token"])["aud"] == two
    assert said(app.post("/oauth/device", scope="openid", resource="https://three.example"))["error"] == "invalid_target"
    answer, _ = app.authorize(browser, resource="https://three.example")
    assert answer["error"] == "invalid_target"
