"""DV-01: devices that show a code, people who let them in or don't, and everybody who guesses or cannot wait."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask

from authenticator.applications import OWN, Assignment
from authenticator.clock import SetClock
from authenticator.testing.client import Browser, Page
from authenticator.testing.oauth import OAuthApp
from authenticator.testing.people import AsUser

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def tv(auth_app: Flask) -> OAuthApp:
    return OAuthApp.register(
        auth_app,
        client_name="Telly",
        grant_types=[DEVICE, "refresh_token"],
        redirect_uris=[],
        token_endpoint_auth_method="none",
        scope="openid profile offline_access",
    )


def begin(tv: OAuthApp) -> dict[str, str]:
    answer = tv.post("/oauth/device", scope="openid profile")
    assert answer.status_code == 200, answer.text
    return dict(answer.json)


def poll(tv: OAuthApp, begun: dict[str, str]) -> str:
    answer = tv.token(DEVICE, device_code=begun["device_code"])
    return "given" if answer.status_code == 200 else str(answer.json["error"])


def enter(browser: Browser, code: str) -> Page:
    return browser.submit(browser.get("/device"), user_code=code)


def decide(browser: Browser, code: str, decision: str) -> Page:
    return browser.submit(enter(browser, code), action="/device/decide", decision=decision)


def test_dv_01_somebody_lets_her_device_in(tv: OAuthApp, as_user: AsUser) -> None:
    ada = as_user()
    begun = begin(tv)
    assert len(begun["user_code"].replace("-", "")) == 8
    assert not set(begun["user_code"]) - set("BCDFGHJKLMNPQRSTVWXZ-")
    assert (begun["expires_in"], begun["interval"]) == (600, 5)
    assert poll(tv, begun) == "authorization_pending"
    browser = ada.browser()
    page = enter(browser, begun["user_code"].lower().replace("-", " "))
    assert "Telly" in page.text
    assert begun["user_code"] in page.text
    done = browser.submit(page, action="/device/decide", decision="allow")
    assert done.location.endswith("?done=allowed")
    assert done.follow().status == 200
    answer = tv.token(DEVICE, device_code=begun["device_code"])
    assert answer.status_code == 200, answer.text
    assert tv.userinfo(answer.json["access_token"]).json["sub"] == ada.id
    assert tv.refresh(answer.json["refresh_token"]).status_code == 200
    assert poll(tv, begun) == "invalid_grant", "once"


def test_dv_01_the_complete_address_fills_in_the_code_and_still_asks(tv: OAuthApp, as_user: AsUser, client: Browser) -> None:
    begun = begin(tv)
    path = begun["verification_uri_complete"].removeprefix(client.base)
    assert client.get(path).path == "/sign-in", "strangers sign in first"
    browser = as_user().browser()
    assert browser.get(path).form("user_code").values["user_code"] == begun["user_code"]
    assert poll(tv, begun) == "authorization_pending"


def test_dv_01_what_is_refused_stays_refused(tv: OAuthApp, as_user: AsUser) -> None:
    begun, browser = begin(tv), as_user().browser()
    assert decide(browser, begun["user_code"], "deny").location.endswith("?done=refused")
    assert poll(tv, begun) == "access_denied"
    assert enter(browser, begun["user_code"]).status == 401, "and its code is spent"


def test_dv_01_who_can_not_wait_waits_longer(tv: OAuthApp, as_user: AsUser, clock: SetClock) -> None:
    begun = begin(tv)
    assert poll(tv, begun) == "authorization_pending"
    clock.advance(seconds=1)
    assert poll(tv, begun) == "slow_down"
    clock.advance(seconds=6)
    assert poll(tv, begun) == "slow_down", "ten seconds now"
    clock.advance(seconds=15)
    assert poll(tv, begun) == "authorization_pending"
    decide(as_user().browser(), begun["user_code"], "allow")
    assert poll(tv, begun) == "given"


def test_dv_01_codes_are_good_for_ten_minutes(tv: OAuthApp, as_user: AsUser, clock: SetClock) -> None:
    begun, browser = begin(tv), as_user().browser()
    clock.advance(minutes=10, seconds=1)
    assert poll(tv, begun) == "expired_token"
    assert enter(browser, begun["user_code"]).status == 401


def test_dv_01_five_codes_may_be_tried_in_ten_minutes(tv: OAuthApp, as_user: AsUser, clock: SetClock) -> None:
    begun, browser = begin(tv), as_user().browser()
    statuses = [enter(browser, f"BCDF-GHJ{letter}").status for letter in "BCDFGHJK"]
    assert statuses == [401] * 5 + [429] * 3
    assert enter(browser, begun["user_code"]).status == 429, "the right one too"
    clock.advance(minutes=9)
    assert enter(browser, "BCDF-GHJK").status == 429


def test_dv_01_a_whole_network_of_ipv6_begins_no_more_than_one_address(tv: OAuthApp) -> None:
    device = tv.app.test_client(use_cookies=False)
    statuses = []
    for number in range(62):
        device.environ_base["REMOTE_ADDR"] = f"2001:db8::{number:x}"
        answer = device.post("/oauth/device", data={"client_id": tv.id}, base_url=tv.auth.settings.public_url)
        statuses.append(answer.status_code)
    assert statuses == [200] * 60 + [429] * 2


def test_dv_01_nobody_answers_for_a_code_that_she_was_not_shown(tv: OAuthApp, as_user: AsUser) -> None:
    begun, browser = begin(tv), as_user().browser()
    other = as_user("eve@example.com").browser()
    shown = enter(other, begun["user_code"]).form(action="/device/decide")
    form = browser.get("/device").form("user_code")
    fields = {"csrf_token": form.csrf, "user_code": begun["user_code"], "decision": "allow"}
    assert browser.post("/device/decide", {**fields, "seal": shown.values["seal"]}).status == 401
    assert browser.post("/device/decide", {**fields, "seal": ""}).status == 401
    assert poll(tv, begun) == "authorization_pending"


def test_dv_01_who_does_not_hold_what_a_device_wants_can_not_let_it_in(auth_app: Flask, as_user: AsUser) -> None:
    facts = {"grant_types": [DEVICE], "redirect_uris": [], "token_endpoint_auth_method": "none"}
    tool = OAuthApp.register(auth_app, client_name="Tool", scope="openid users:read", **facts)
    begun = dict(tool.post("/oauth/device").json)
    page = enter(as_user().browser(), begun["user_code"])
    assert (page.status, "permissions that you do not have" in page.text) == (403, True)
    assert poll(tool, begun) == "authorization_pending", "somebody else may"
    boss = as_user("boss@example.com")
    user = tool.auth.find_user(boss.id)
    assert user
    assert tool.auth.core.store.save_user(replace(user, assignments=(Assignment(OWN, permission="users:read"),)))
    decide(boss.browser(), begun["user_code"], "allow")
    assert poll(tool, begun) == "given"


def test_dv_01_another_application_gets_nothing_for_a_device_code(tv: OAuthApp, auth_app: Flask, as_user: AsUser) -> None:
    begun = begin(tv)
    decide(as_user().browser(), begun["user_code"], "allow")
    facts = {"grant_types": [DEVICE], "redirect_uris": [], "scope": "openid"}
    other = OAuthApp.register(auth_app, client_name="Other", **facts)
    assert poll(other, begun) == "invalid_grant"
    assert other.post("/oauth/device", scope="openid profile").json["error"] == "invalid_scope"
    assert OAuthApp.register(auth_app).post("/oauth/device").json["error"] == "unauthorized_client"
    assert poll(tv, begun) == "given"


def test_dv_01_what_was_let_in_ends_with_the_consent(tv: OAuthApp, as_user: AsUser) -> None:
    ada = as_user()
    begun = begin(tv)
    decide(ada.browser(), begun["user_code"], "allow")
    from authenticator.models import Client

    user = tv.auth.user(ada.id)
    assert user is not None
    tv.auth.take_back(user, tv.id, Client())
    assert poll(tv, begun) == "access_denied"
