"""LO-02 for devices: what was let in belongs to the sign-in in which that happened, unless it was let in for longer."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from authenticator.clock import SetClock
from authenticator.flows import released
from authenticator.models import Client, Session
from authenticator.testing.client import Browser
from authenticator.testing.oauth import OAuthApp
from authenticator.testing.people import AsUser

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


def a_device(auth_app: Flask, *, grants: tuple[str, ...] = (DEVICE, "refresh_token")) -> OAuthApp:
    facts = {"redirect_uris": [], "token_endpoint_auth_method": "none", "scope": "openid profile offline_access"}
    return OAuthApp.register(auth_app, client_name="Telly", grant_types=list(grants), **facts)


@pytest.fixture
def tv(auth_app: Flask) -> OAuthApp:
    return a_device(auth_app)


def let_in(tv: OAuthApp, browser: Browser, scope: str) -> dict[str, str]:
    begun: Any = tv.post("/oauth/device", scope=scope).json
    page = browser.submit(browser.get("/device"), user_code=begun["user_code"])
    assert browser.submit(page, action="/device/decide", decision="allow").follow().status == 200
    return dict(begun)


def tokens(tv: OAuthApp, browser: Browser, scope: str = "openid") -> Any:
    answer = tv.token(DEVICE, device_code=let_in(tv, browser, scope)["device_code"])
    assert answer.status_code == 200, answer.text
    return answer.json


def family_of(tv: OAuthApp, given: Any) -> Session:
    issued = tv.auth.believed(given["access_token"])
    assert issued is not None
    found = tv.auth.core.store.session_by_id(issued.session)
    assert found is not None
    return found


def error(answer: Any) -> str:
    assert answer.status_code == 400, answer.text
    return str(answer.json["error"])


def sign_out(browser: Browser) -> None:
    browser.submit(browser.get("/account"), action="/sign-out")


def test_lo_02_a_device_ends_with_the_sign_in_that_let_it_in(tv: OAuthApp, as_user: AsUser) -> None:
    ada = as_user()
    browser, elsewhere = ada.browser(), ada.browser()
    given, other = tokens(tv, browser), tokens(tv, elsewhere)
    sign_out(browser)
    assert tv.userinfo(given["access_token"]).status_code == 401
    assert error(tv.refresh(given["refresh_token"])) == "invalid_grant"
    assert tv.userinfo(other["access_token"]).status_code == 200
    assert tv.refresh(other["refresh_token"]).status_code == 200


def test_lo_02_a_device_let_in_for_longer_stays_until_she_ends_everything(tv: OAuthApp, as_user: AsUser) -> None:
    ada = as_user()
    browser = ada.browser()
    given = tokens(tv, browser, "openid offline_access")
    sign_out(browser)
    assert tv.userinfo(given["access_token"]).status_code == 200
    again: Any = tv.refresh(given["refresh_token"]).json
    user = tv.auth.user(ada.id)
    assert user is not None
    tv.auth.end_sessions(user, "ended_by_owner", Client())
    assert tv.userinfo(again["access_token"]).status_code == 401
    assert error(tv.refresh(again["refresh_token"])) == "invalid_grant"


def test_lo_02_a_device_that_asks_after_the_sign_out_gets_nothing(tv: OAuthApp, as_user: AsUser) -> None:
    ada = as_user()
    for scope in ("openid", "openid offline_access"):
        browser = ada.browser()
        begun = let_in(tv, browser, scope)
        sign_out(browser)
        assert error(tv.token(DEVICE, device_code=begun["device_code"])) == "invalid_grant"


def test_lo_02_a_device_without_refresh_tokens_ends_as_well(auth_app: Flask, as_user: AsUser) -> None:
    box, browser = a_device(auth_app, grants=(DEVICE,)), as_user().browser()
    given = tokens(box, browser, "openid offline_access")
    assert "refresh_token" not in given
    assert given["scope"] == "openid"
    sign_out(browser)
    assert box.userinfo(given["access_token"]).status_code == 401


def test_a_device_lives_no_longer_than_its_sign_in_unless_it_may(tv: OAuthApp, as_user: AsUser, clock: SetClock) -> None:
    browser = as_user().browser()
    clock.advance(days=2)
    bound, longer = (family_of(tv, tokens(tv, browser, scope)) for scope in ("openid", "openid offline_access"))
    parent = tv.auth.core.store.session_by_id(bound.parent)
    assert parent is not None
    assert (bound.offline, longer.offline) == (False, True)
    assert longer.parent == parent.id
    assert bound.expires_at == parent.expires_at
    assert (longer.expires_at - longer.created_at).days == 30


def test_the_application_knows_the_device_by_the_sign_in_that_let_it_in(tv: OAuthApp, as_user: AsUser) -> None:
    import jwt

    given = tokens(tv, as_user().browser())
    told = jwt.decode(given["id_token"], options={"verify_signature": False})
    assert told["sid"] == released.sid_for(tv.auth.core, family_of(tv, given).parent, tv.application)
