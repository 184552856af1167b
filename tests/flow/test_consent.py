"""What people let applications have: asked once, remembered, asked again for more, taken back."""

from __future__ import annotations

import pytest
from flask import Flask

from authenticator.applications import OWN, Assignment, Permission
from authenticator.clock import SetClock
from authenticator.errors import AuthError
from authenticator.flows.scopes import WORDS
from authenticator.models import Client
from authenticator.service import Service
from authenticator.testing.asking import Asking, answer
from authenticator.testing.client import Browser, Page
from authenticator.testing.people import Account, AsUser


@pytest.fixture
def auth(auth_app: Flask) -> Service:
    found: Service = auth_app.extensions["authenticator"]
    return found


@pytest.fixture
def shop(auth: Service) -> Asking:
    return Asking.of(auth, scopes=("openid", "profile", "email", "phone", "offline_access", "orders:read"))


def ask(browser: Browser, shop: Asking, **other: str | None) -> Page:
    return browser.get("/oauth/authorize", query_string=shop.parameters(**other))


def decide(page: Page, decision: str = "allow") -> Page:
    return page.browser.submit(page, action="/consent", decision=decision)


def events(auth: Service, person: Account) -> list[str]:
    return [event.kind for event in auth.events(auth.find_user(person.id)).items]


def test_scopes_stand_there_in_words(auth: Service, shop: Asking, as_user: AsUser) -> None:
    shop.change(permissions=(Permission("orders:read", "See your orders"),))
    page = ask(as_user().browser(), shop, scope="openid profile email offline_access orders:read").follow()
    for words in (
        "Allow Shop?",
        "signed in as Ada Lovelace",
        WORDS["profile"],
        "See your e-mail",
        "while you are away",
        "See your orders",
    ):
        assert words in page, words
    assert "shop.example" in page
    assert "Nobody here has checked" not in page


def test_single_claims_stand_there_in_words_and_are_remembered(auth: Service, shop: Asking, as_user: AsUser) -> None:
    ada = as_user()
    browser = ada.browser()
    claims = '{"userinfo": {"phone_number": null, "given_name": null, "sub": null}}'
    page = ask(browser, shop, claims=claims).follow()
    assert "See your phone number" in page
    assert "See your given name" in page
    assert answer(decide(page).location)["code"]
    grant = auth.core.store.grant(ada.id, shop.application.id)
    assert grant
    assert set(grant.claims) == {"phone_number", "given_name"}
    assert answer(ask(browser, shop, claims=claims).location)["code"]
    assert ask(browser, shop, claims='{"id_token": {"email": null}}').path == "/oauth/authorize/continue"


def test_who_declines_is_led_back_with_that(auth: Service, shop: Asking, as_user: AsUser, clock: SetClock) -> None:
    ada = as_user()
    page = ask(ada.browser(), shop).follow()
    back = answer(decide(page, "deny").location)
    assert (back["error"], back["state"], back["iss"]) == ("access_denied", "a state", auth.settings.public_url)
    assert auth.core.store.grant(ada.id, shop.application.id) is None
    assert answer(decide(page, "deny").location)["error"] == "access_denied"  # a double click
    clock.advance(seconds=6)
    assert decide(page).status == 400


def test_more_is_asked_for_again_and_added(auth: Service, shop: Asking, as_user: AsUser) -> None:
    ada = as_user()
    browser = ada.browser()
    decide(ask(browser, shop, scope="openid profile").follow())
    assert answer(ask(browser, shop, scope="openid", prompt="none").location)["code"]
    assert answer(ask(browser, shop, scope="openid email", prompt="none").location)["error"] == "consent_required"
    decide(ask(browser, shop, scope="openid email").follow())
    grant = auth.core.store.grant(ada.id, shop.application.id)
    assert grant
    assert set(grant.scopes) == {"openid", "profile", "email"}
    assert events(auth, ada).count("consent_given") == 2


def test_what_was_agreed_to_is_taken_back(auth: Service, shop: Asking, as_user: AsUser) -> None:
    ada = as_user()
    browser, user = ada.browser(), auth.find_user(ada.id)
    decide(ask(browser, shop).follow())
    auth.take_back(user, shop.application.id, Client())
    assert answer(ask(browser, shop, prompt="none").location)["error"] == "consent_required"
    assert "consent_withdrawn" in events(auth, ada)
    with pytest.raises(AuthError) as error:
        auth.take_back(user, shop.application.id, Client())
    assert error.value.code == "not_found"


def test_two_windows_agree_to_different_things_at_once(auth: Service, shop: Asking, as_user: AsUser) -> None:
    ada = as_user()
    browser = ada.browser()
    one, other = ask(browser, shop, scope="openid profile").follow(), ask(browser, shop, scope="openid email").follow()
    assert answer(decide(one).location)["code"]
    assert answer(decide(other).location)["code"]
    grant = auth.core.store.grant(ada.id, shop.application.id)
    assert grant
    assert set(grant.scopes) == {"openid", "profile", "email"}


def test_for_an_application_that_the_operator_trusts_nobody_is_asked(auth: Service, shop: Asking, as_user: AsUser) -> None:
    shop.change(trusted=True)
    ada = as_user()
    browser = ada.browser()
    assert answer(ask(browser, shop, scope="openid email").location)["code"]
    grant = auth.core.store.grant(ada.id, shop.application.id)
    assert grant
    assert "email" in grant.scopes
    assert "Allow Shop?" in ask(browser, shop, prompt="consent").follow()


def test_nobody_has_agreed_to_what_the_operator_vouched_for_once(auth: Service, shop: Asking, as_user: AsUser) -> None:
    """Once it is trusted no more, she is asked; and what she agrees to is hers alone, whatever else she was never asked."""
    shop.change(trusted=True)
    ada = as_user()
    browser = ada.browser()
    assert answer(ask(browser, shop, scope="openid profile email").location)["code"]
    assert "You were not asked" in browser.get("/account/applications").text
    (told,) = browser.api("GET", "me/grants").body
    assert (told["given_at"], told["scopes"]) == (None, ["openid", "profile", "email"])
    shop.change(trusted=False)
    assert answer(ask(browser, shop, scope="openid", prompt="none").location)["error"] == "consent_required"
    assert answer(decide(ask(browser, shop, scope="openid profile").follow()).location)["code"]
    shop.change(trusted=True)
    assert answer(ask(browser, shop, scope="openid profile email").location)["code"]
    shop.change(trusted=False)
    assert answer(ask(browser, shop, scope="openid profile", prompt="none").location)["code"]
    assert answer(ask(browser, shop, scope="openid email", prompt="none").location)["error"] == "consent_required"


def test_an_application_of_somebody_is_said_to_be_unchecked(auth: Service, as_user: AsUser) -> None:
    hers = Asking.of(auth, registration="owner", owner=as_user("eve@example.com").id, trusted=True)
    assert "Nobody here has checked" in ask(as_user().browser(), hers).follow()


@pytest.mark.parametrize("uri", ["http://127.0.0.1/back", "com.example.shop:/back", "http://localhost:9/back"])
def test_a_program_that_anybody_could_pass_for_is_asked_for_each_time(auth: Service, as_user: AsUser, uri: str) -> None:
    program = Asking.of(auth, registration="dynamic", auth_method="none", redirect_uris=(uri,))
    browser = as_user().browser()
    page = decide(ask(browser, program).follow())
    assert answer(page.location)["code"]
    assert ask(browser, program).path == "/oauth/authorize/continue"
    assert answer(ask(browser, program, prompt="none").location)["error"] == "consent_required"


def test_the_picture_and_the_pages_of_an_application_are_shown(auth: Service, shop: Asking, as_user: AsUser) -> None:
    pages = {"client_uri": "https://shop.example/", "policy_uri": "https://shop.example/privacy", "tos_uri": "https://shop.example/terms"}
    shop.change(logo_uri="https://img.example/shop.png", **pages)
    page = ask(as_user().browser(), shop).follow()
    assert "img-src https://img.example 'self' data:;" in page.headers["Content-Security-Policy"]
    assert 'src="https://img.example/shop.png"' in page.html
    assert set(pages.values()) <= set(page.links)


def test_a_picture_in_clear_is_not_loaded(auth: Service, shop: Asking, as_user: AsUser) -> None:
    shop.change(logo_uri="http://img.example/shop.png")
    assert "img.example" not in ask(as_user().browser(), shop).follow().html


def test_a_scope_that_is_a_permission_here_is_only_for_who_holds_it(auth: Service, shop: Asking, as_user: AsUser) -> None:
    shop.change(scopes=("openid", "users:read"))
    ada = as_user()
    browser = ada.browser()
    assert answer(ask(browser, shop, scope="openid users:read").location)["error"] == "access_denied"
    auth.assign("operator", auth.find_user(ada.id), Assignment(OWN, permission="users:read"))
    assert "See accounts" in ask(browser, shop, scope="openid users:read").follow()
