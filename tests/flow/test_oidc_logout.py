"""From an application's sign-in to its sign-out: OpenID Connect RP-Initiated, Back-Channel and Front-Channel Logout 1.0, requirement by requirement."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask

from authenticator.clock import SetClock
from authenticator.flows import released
from authenticator.service import Service
from authenticator.testing.asking import CALLBACK, VERIFIER, Asking, answer
from authenticator.testing.client import Browser, Page
from authenticator.testing.people import Account, AsUser
from authenticator.testing.receivers import Receiver, receiving

BYE = "https://shop.example/bye"
BACK = "/oauth/logout"
CONFIRM = "/oauth/logout/confirm"


@pytest.fixture
def auth(auth_app: Flask) -> Service:
    found: Service = auth_app.extensions["authenticator"]
    return found


@pytest.fixture
def shop(auth: Service) -> Asking:
    return an_application(auth)


def an_application(auth: Service, **facts: Any) -> Asking:
    usual = {"trusted": True, "auth_method": "none", "post_logout_redirect_uris": (BYE,), **facts}
    return Asking.of(auth, **usual)


class Tokens:
    """What an application got for a code."""

    def __init__(self, browser: Browser, shop: Asking, scope: str) -> None:
        self.browser, self.shop = browser, shop
        page = browser.get("/oauth/authorize", query_string=shop.parameters(scope=scope))
        while page.location and not page.location.startswith(CALLBACK):
            page = page.follow()
        if not page.location:
            page = browser.submit(page, action="/consent", decision="allow")
        facts = {"grant_type": "authorization_code", "code": answer(page.location)["code"], "redirect_uri": CALLBACK}
        self._keep(self.post({**facts, "code_verifier": VERIFIER}))

    def post(self, facts: dict[str, str]) -> Page:
        return self.browser.browser().post("/oauth/token", {"client_id": self.shop.application.id, **facts})

    def refresh(self) -> Page:
        return self.post({"grant_type": "refresh_token", "refresh_token": self.refresh_token})

    def userinfo(self) -> int:
        return self.browser.browser().get("/oauth/userinfo", headers={"Authorization": f"Bearer {self.access_token}"}).status

    def _keep(self, page: Page) -> None:
        assert page.status == 200, page
        self.id_token, self.access_token, self.refresh_token = (
            page.json["id_token"],
            page.json["access_token"],
            page.json.get("refresh_token", ""),
        )


def signed_in(ada: Account, shop: Asking, scope: str = "openid") -> tuple[Browser, Tokens]:
    browser = ada.browser()
    return browser, Tokens(browser, shop, scope)


def log_out(browser: Browser, **said: str) -> Page:
    return browser.get(BACK, query_string=said)


def claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return found


def work_off(auth: Service) -> None:
    auth.core.errands.sweep()
    auth.core.errands.flush(10)


# RP-Initiated Logout


def test_an_application_signs_her_out_and_gets_her_browser_back(shop: Asking, as_user: AsUser) -> None:
    browser, tokens = signed_in(as_user(), shop)
    page = log_out(browser, id_token_hint=tokens.id_token, post_logout_redirect_uri=BYE, state="xyz")
    assert (page.status, page.location) == (303, f"{BYE}?state=xyz")
    assert not browser.signed_in
    assert tokens.refresh().json["error"] == "invalid_grant"
    assert tokens.userinfo() == 401


def test_an_old_id_token_still_names_the_sign_in_after_the_keys_have_changed(
    auth: Service, shop: Asking, as_user: AsUser, clock: SetClock
) -> None:
    browser, tokens = signed_in(as_user(), shop)
    for _ in range(2):
        clock.advance(days=2)
        auth.keys.rotate(algorithm="RS256")
        clock.advance(hours=1)
    published = {key["kid"] for key in auth.keys.jwks()["keys"]}
    assert json.loads(base64.urlsafe_b64decode(tokens.id_token.split(".")[0] + "=="))["kid"] not in published
    assert log_out(browser, id_token_hint=tokens.id_token, post_logout_redirect_uri=BYE).location == BYE


def test_whoever_has_signed_out_already_is_led_on_without_a_question(shop: Asking, as_user: AsUser) -> None:
    browser, tokens = signed_in(as_user(), shop)
    for _ in range(2):
        assert log_out(browser, id_token_hint=tokens.id_token, post_logout_redirect_uri=BYE).location == BYE


def test_without_an_address_to_go_to_she_reads_that_she_is_signed_out(shop: Asking, as_user: AsUser) -> None:
    browser, tokens = signed_in(as_user(), shop)
    page = log_out(browser, id_token_hint=tokens.id_token)
    assert page.status == 200
    assert "You are signed out" in page
    assert not browser.signed_in


def test_an_address_without_hint_and_client_leads_nowhere(shop: Asking, as_user: AsUser) -> None:
    browser, _ = signed_in(as_user(), shop)
    page = log_out(browser, post_logout_redirect_uri=BYE, state="s")
    done = browser.submit(page, action=CONFIRM)
    assert (done.status, done.location) == (200, "")
    assert not browser.signed_in


def test_she_may_stay_signed_in(shop: Asking, as_user: AsUser) -> None:
    ada = as_user()
    browser, _ = signed_in(ada, shop)
    page = log_out(browser, client_id=shop.application.id, post_logout_redirect_uri=BYE)
    assert ada.email.split("@")[0] in page.html or "You are signed in as" in page
    assert "Shop" in page
    assert browser.get("/account").status == 200


def test_where_nothing_is_said_she_is_asked_and_led_nowhere(shop: Asking, as_user: AsUser) -> None:
    browser, _ = signed_in(as_user(), shop)
    page = log_out(browser)
    assert "Sign out?" in page
    assert browser.signed_in
    done = browser.submit(page, action=CONFIRM)
    assert (done.status, done.location) == (200, "")
    assert not browser.signed_in


def test_the_page_speaks_the_language_that_the_application_asks_for(client: Browser) -> None:
    page = log_out(client, ui_locales="xx de en")
    assert '<html lang="de">' in page.html
    assert '<html lang="en">' in log_out(client, ui_locales="en de").html


def test_the_addresses_of_sign_out_are_published(client: Browser) -> None:
    found = client.get("/.well-known/openid-configuration").json
    assert found["end_session_endpoint"] == f"{found['issuer']}/oauth/logout"
    for kind in ("backchannel", "frontchannel"):
        assert (found[f"{kind}_logout_supported"], found[f"{kind}_logout_session_supported"]) == (True, True)


def test_a_person_who_signs_out_here_signs_out_there(auth: Service, as_user: AsUser) -> None:
    framed = an_application(auth, frontchannel_logout_uri="https://shop.example/out", frontchannel_session=True)
    browser, tokens = signed_in(as_user(), framed)
    page = browser.submit("/account", action="/sign-out")
    sid = claims(tokens.id_token)["sid"]
    assert f"https://shop.example/out?iss={quote(auth.settings.public_url, safe='')}&amp;sid={sid}" in page.html
    assert "url=/sign-in" in page.html
    assert not browser.signed_in


# Back-Channel Logout


def test_the_application_hears_of_the_very_sign_in_that_its_id_token_named(auth: Service, as_user: AsUser) -> None:
    with receiving() as receiver:
        shop = an_application(auth, backchannel_logout_uri=receiver.uri)
        ada = as_user()
        browser, tokens = signed_in(ada, shop)
        other_browser, other = signed_in(ada, shop)
        log_out(browser, id_token_hint=tokens.id_token)
        work_off(auth)
        heard = [claims(token) for token in receiver.heard]
    assert [(found["sid"], found["sub"]) for found in heard] == [(claims(tokens.id_token)["sid"], claims(tokens.id_token)["sub"])]
    assert claims(other.id_token)["sid"] != heard[0]["sid"]
    assert other_browser.signed_in
    assert other.refresh().status == 200


def test_two_applications_can_not_compare_what_they_hear(auth: Service, as_user: AsUser) -> None:
    with receiving() as one, receiving() as two:
        browser = as_user().browser()
        for receiver in (one, two):
            Tokens(browser, an_application(auth, backchannel_logout_uri=receiver.uri), "openid")
        browser.submit("/account", action="/sign-out")
        work_off(auth)
        assert claims(one.heard[0])["sid"] != claims(two.heard[0])["sid"]


def test_offline_access_outlives_the_sign_out_of_which_the_application_hears(auth: Service, as_user: AsUser) -> None:
    with receiving() as receiver:
        shop = an_application(auth, backchannel_logout_uri=receiver.uri, trusted=False)
        browser, tokens = signed_in(as_user(), shop, "openid offline_access")
        log_out(browser, id_token_hint=tokens.id_token)
        work_off(auth)
        assert len(receiver.heard) == 1
    assert tokens.refresh().status == 200


def test_a_stolen_refresh_token_that_is_used_again_has_the_application_told(auth: Service, as_user: AsUser, clock: SetClock) -> None:
    with receiving() as receiver:
        browser, tokens = signed_in(as_user(), an_application(auth, backchannel_logout_uri=receiver.uri))
        assert tokens.refresh().status == 200
        clock.advance(minutes=1)
        assert tokens.refresh().json["error"] == "invalid_grant"
        work_off(auth)
        assert len(receiver.heard) == 1
    assert browser.signed_in


def test_an_application_that_was_removed_meanwhile_hears_nothing_more(auth: Service, as_user: AsUser) -> None:
    with receiving(500) as receiver:
        shop = an_application(auth, backchannel_logout_uri=receiver.uri)
        browser, tokens = signed_in(as_user(), shop)
        log_out(browser, id_token_hint=tokens.id_token)
        auth.core.errands.flush(10)
        heard = len(receiver.heard)
        auth.core.store.remove_application(shop.application.id, auth.core.clock.now())
        _later(auth, receiver, heard)


def _later(auth: Service, receiver: Receiver, heard: int) -> None:
    clock = auth.core.clock
    assert isinstance(clock, SetClock)
    clock.advance(minutes=10)
    work_off(auth)
    assert len(receiver.heard) == heard


def test_what_an_erased_person_leaves_behind_is_told_and_noted_under_nobodys_name(auth: Service, as_user: AsUser) -> None:
    with receiving(500) as receiver:
        ada = as_user()
        browser, tokens = signed_in(ada, an_application(auth, backchannel_logout_uri=receiver.uri))
        log_out(browser, id_token_hint=tokens.id_token)
        auth.core.errands.flush(10)
        auth.core.store.erase_user(ada.id, "gone", auth.core.clock.now())
        receiver.status = 200
        clock = auth.core.clock
        assert isinstance(clock, SetClock)
        clock.advance(minutes=10)
        work_off(auth)
        assert claims(receiver.heard[-1])["sub"] == ada.id
    assert auth.core.store.events_of(ada.id).items == ()
    assert [event.kind for event in auth.core.store.events().items if event.kind == "application_told"] == ["application_told"]


def test_the_sid_of_a_device_is_its_own(auth: Service, shop: Asking, as_user: AsUser) -> None:
    _, tokens = signed_in(as_user(), shop)
    session = auth.core.store.sessions_of(claims(tokens.id_token)["sub"], auth.core.clock.now()).items[0]
    (family,) = auth.core.store.sessions_under(session.id, auth.core.clock.now())
    assert released.signed_in(family) == session.id
    assert released.sid_for(auth.core, session.id, shop.application) == claims(tokens.id_token)["sid"]
