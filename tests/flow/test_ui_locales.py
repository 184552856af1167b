"""Whether the pages on an application's way speak the language that it asks for (ui_locales, OpenID Connect Core §3.1.2.1)."""

from __future__ import annotations

import pytest
from flask import Flask

from authenticator.clock import SetClock
from authenticator.service import Service
from authenticator.testing.asking import Asking
from authenticator.testing.client import Browser, Page
from authenticator.testing.people import AsUser, Outbox


@pytest.fixture
def shop(auth_app: Flask) -> Asking:
    auth: Service = auth_app.extensions["authenticator"]
    return Asking.of(auth)


def ask(browser: Browser, shop: Asking, **other: str | None) -> Page:
    return browser.get("/oauth/authorize", query_string=shop.parameters(**other))


def german(page: Page) -> bool:
    assert page.status < 500, page
    return '<html lang="de">' in page.html


def test_every_page_to_the_code_speaks_the_first_language_that_is_there(client: Browser, shop: Asking, as_user: AsUser) -> None:
    ada = as_user()
    page = ask(client, shop, ui_locales="xx de-AT en", login_hint=ada.email).follow()
    assert german(page)
    assert ada.email in page.html
    page = client.submit(page, email=ada.email, password="not it at all")
    assert (page.status, german(page)) == (401, True)
    page = client.submit(page, email=ada.email, password=ada.password).follow()
    assert german(page)
    assert [form for form in page.forms if form.action.endswith("/consent")]
    page = client.submit(page, action="/sign-out")
    while page.location:
        page = page.follow()
    assert (page.path, german(page)) == ("/sign-in", True)


def test_signing_up_on_the_way_is_in_that_language_too(client: Browser, shop: Asking, outbox: Outbox) -> None:
    page = ask(client, shop, ui_locales="de", prompt="create").follow()
    assert german(page)
    fields = {"email": "zoe@example.com", "password": "five quiet green teapots", "given_name": "Zoe", "family_name": "Young"}
    page = client.submit(page, **fields).follow()
    assert (page.path, german(page)) == ("/sign-in/verify", True)
    page = client.submit(page, code="000000")
    assert german(page)
    page = client.submit(page, code=outbox.code(to="zoe@example.com")).follow()
    assert german(page)


@pytest.mark.parametrize("prompt", ["select_account", "login"])
def test_who_is_signed_in_without_a_language_of_her_own_is_asked_in_it(shop: Asking, as_user: AsUser, clock: SetClock, prompt: str) -> None:
    browser = as_user().browser()
    clock.advance(minutes=1)
    page = ask(browser, shop, ui_locales="de", prompt=prompt)
    while page.location:
        page = page.follow()
    assert german(page)
    assert not german(browser.get("/account"))


def test_the_language_that_she_chose_comes_first(shop: Asking, as_user: AsUser) -> None:
    ada = as_user()
    ada.sign_in(ada.client)
    ada.client.submit("/account/profile", action="/account/profile", locale="en")
    assert not german(ask(ada.client, shop, ui_locales="de").follow())


@pytest.mark.parametrize("wish", ["xx", "en de", "", "-", "<b>", "de" * 900])
def test_without_a_language_of_ours_the_browser_decides(client: Browser, shop: Asking, wish: str) -> None:
    page = ask(client, shop, ui_locales=wish)
    assert not german(page.follow())
    assert "%3Cb" not in page.location
    assert len(page.location) < 300


def test_a_refusal_on_a_page_is_in_that_language(client: Browser, shop: Asking) -> None:
    page = ask(client, shop, ui_locales="de", redirect_uri="https://evil.example/callback")
    assert (page.status, german(page)) == (400, True)


@pytest.mark.parametrize("back", ["//[de?ui_locales=de", "/x?ui_locales=" + "de " * 4000, "/x?" + "ui_locales=de&" * 4000])
def test_an_address_that_can_not_be_read_breaks_no_page(client: Browser, back: str) -> None:
    assert client.get("/sign-in", query_string={"return_to": back}).status == 200


def test_signing_out_is_asked_and_told_in_that_language(client: Browser, as_user: AsUser) -> None:
    browser = as_user().browser()
    page = browser.get("/oauth/logout", query_string={"ui_locales": "xx de"})
    assert german(page)
    page = browser.submit(page, action="/oauth/logout/confirm")
    while page.location:
        page = page.follow()
    assert german(page)
    assert browser.get("/account").status == 303


def test_the_languages_are_published(client: Browser) -> None:
    assert client.get("/.well-known/openid-configuration").json["ui_locales_supported"] == ["en", "de"]
