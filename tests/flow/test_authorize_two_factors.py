"""Applications that want two factors, and browsers that are trusted on the way."""

from __future__ import annotations

import pyotp
import pytest
from flask import Flask

from authenticator.clock import SetClock
from authenticator.service import Service
from authenticator.testing.asking import Asking, answer
from authenticator.testing.client import Browser, Page
from authenticator.testing.people import Account, AsUser

ESSENTIAL = '{"id_token": {"acr": {"essential": true, "value": "2"}}}'


@pytest.fixture
def shop(auth_app: Flask) -> Asking:
    auth: Service = auth_app.extensions["authenticator"]
    return Asking.of(auth)


@pytest.fixture
def ada(as_user: AsUser) -> Account:
    return as_user()


class App:
    """Her authenticator app."""

    def __init__(self, account: Account, clock: SetClock) -> None:
        client, token = account.client, account.access_token
        begun = client.api("POST", "me/factors/totp", token=token)
        self.codes, self.clock = pyotp.TOTP(begun["challenge"]["options"]["secret"]), clock
        done = client.api("POST", "sign-in/continue", {"challenge": begun["challenge"]["id"], "code": self.code()}, token=token)
        assert done["status"] == "linked"

    def code(self) -> str:
        self.clock.advance(seconds=30)
        return self.codes.at(self.clock.now())


def ask(browser: Browser, shop: Asking, **other: str | None) -> Page:
    return browser.get("/oauth/authorize", query_string=shop.parameters(**other))


def allow(page: Page) -> Page:
    return page.browser.submit(page, action="/consent", decision="allow")


def test_what_the_application_registered_holds_where_a_request_says_nothing(shop: Asking, ada: Account, clock: SetClock) -> None:
    """OpenID Connect Registration §2, `default_acr_values`."""
    shop.change(metadata={"default_acr_values": ["2"]})
    browser = ada.browser()
    App(ada, clock)
    assert ask(browser, shop).follow().path == "/confirm"
    for wish in ({"acr_values": "1"}, {"claims": '{"id_token": {"acr": null}}'}):
        assert "Allow Shop?" in ask(browser, shop, **wish).follow()


@pytest.mark.parametrize("wish", [{"acr_values": "2"}, {"claims": ESSENTIAL}])
def test_who_is_signed_in_by_one_factor_shows_both(shop: Asking, ada: Account, clock: SetClock, wish: dict[str, str]) -> None:
    browser = ada.browser()
    app = App(ada, clock)
    page = ask(browser, shop, **wish).follow()
    assert page.path == "/confirm"
    page = browser.submit(page.follow(), action="/account/confirm/password").follow()
    page = browser.submit(page, password=ada.password).follow()
    page = browser.submit(page, code=app.code()).follow()
    code = shop.code(answer(allow(page).location))
    assert code.acr == "2"
    assert "mfa" in code.amr
    assert shop.code(answer(ask(browser, shop, prompt="none", **wish).location)).acr == "2"


def test_two_factors_are_a_wish_where_no_page_may_be_shown(shop: Asking, ada: Account, clock: SetClock) -> None:
    browser = ada.browser()
    App(ada, clock)
    allow(ask(browser, shop).follow())
    assert shop.code(answer(ask(browser, shop, prompt="none", acr_values="2").location)).acr == "1"
    assert answer(ask(browser, shop, prompt="none", claims=ESSENTIAL).location)["error"] == "login_required"


def test_two_factors_of_yesterday_are_asked_for_again(shop: Asking, ada: Account, client: Browser, clock: SetClock) -> None:
    app = App(ada, clock)
    page = client.submit(ask(client, shop, acr_values="2").follow(), email=ada.email, password=ada.password).follow()
    page = client.submit(page, code=app.code()).follow()
    assert shop.code(answer(allow(page).location)).acr == "2"
    clock.advance(hours=25)
    assert ask(client, shop, acr_values="2").follow().path == "/confirm"


def test_a_browser_that_is_trusted_on_the_way_arrives_all_the_same(shop: Asking, ada: Account, client: Browser, clock: SetClock) -> None:
    """It has another secret from then on."""
    app = App(ada, clock)
    page = client.submit(ask(client, shop).follow(), email=ada.email, password=ada.password).follow()
    before = client.cookie("browser")
    page = client.submit(page, code=app.code(), trust="1").follow()
    assert client.cookie("browser") != before
    assert answer(allow(page).location)["code"]
