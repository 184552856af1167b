"""Applications that send browsers here: every outcome of an authorization request (OpenID Connect Core §3.1.2)."""

from __future__ import annotations

import pytest
from flask import Flask

from authenticator.service import Service
from authenticator.testing.asking import CALLBACK, CHALLENGE, Asking, answer
from authenticator.testing.client import Browser, Page
from authenticator.testing.people import AsUser


@pytest.fixture
def auth(auth_app: Flask) -> Service:
    found: Service = auth_app.extensions["authenticator"]
    return found


@pytest.fixture
def shop(auth: Service) -> Asking:
    return Asking.of(auth)


def ask(browser: Browser, shop: Asking, **other: str | None) -> Page:
    return browser.get("/oauth/authorize", query_string=shop.parameters(**other))


def allow(page: Page) -> Page:
    return page.browser.submit(page, action="/consent", decision="allow")


def answered(page: Page) -> dict[str, str]:
    assert page.status == 303, page
    assert page.location.startswith(CALLBACK), page
    return answer(page.location)


def test_somebody_signs_in_agrees_and_is_led_back_with_a_code(client: Browser, shop: Asking, as_user: AsUser) -> None:
    ada = as_user()
    page = ask(client, shop, login_hint=ada.email)
    assert page.path == "/sign-in"
    form = page.follow()
    assert ada.email in form.html
    page = client.submit(form, email=ada.email, password=ada.password)
    assert page.path == "/oauth/authorize/continue"
    page = page.follow()
    assert "Allow Shop?" in page
    back = answered(allow(page))
    assert (back["state"], back["iss"]) == ("a state", client.base)
    code = shop.code(back)
    assert (code.user_id, code.client_id, code.redirect_uri, code.nonce) == (ada.id, shop.application.id, CALLBACK, "a nonce")
    assert (code.code_challenge, code.scopes, code.acr) == (CHALLENGE, ("openid",), "1")


def test_who_agreed_before_is_not_asked_again(shop: Asking, as_user: AsUser) -> None:
    browser = as_user().browser()
    first = allow(ask(browser, shop).follow())
    again = answered(ask(browser, shop))
    assert answered(first)["code"] != again["code"]
