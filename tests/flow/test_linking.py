"""Whether a person can add ways into her account and take them away, and what stops her."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from authenticator.clock import SetClock
from authenticator.models import Status
from authenticator.testing.client import Browser, Page
from authenticator.testing.people import Account, AsUser, Outbox, SignInVia

PROVIDERS = ("google", "facebook", "twitter")


@pytest.fixture
def auth_settings() -> dict[str, Any]:
    """No way in that comes with an address, so that each of them was added here."""
    return {"PLUGINS": ["password", *PROVIDERS]}


def add(browser: Browser, provider: str, sign_in_via: SignInVia, person: str = "grace@example.com") -> Page:
    """Click `Add …` on the account page, and choose a person there."""
    return sign_in_via.arrive(browser.submit("/account", action=f"/account/link/{provider}"), person).page


def ways(account: Account) -> list[str]:
    service = account.client.app.extensions["authenticator"]
    return sorted(key.provider for key in service.identities(service.user(account.id)))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_way_is_added_and_signs_in(as_user: AsUser, sign_in_via: SignInVia, client: Browser, outbox: Outbox, provider: str) -> None:
    ada = as_user()
    page = add(ada.browser(), provider, sign_in_via)
    assert page.status == 303
    assert "was added" in page.follow()
    assert "was added" in outbox.last(to="ada@example.com")["subject"]
    assert sign_in_via(provider, "grace@example.com", client.browser()).me["id"] == ada.id


def test_a_way_that_vouches_for_her_own_address_is_added(as_user: AsUser, sign_in_via: SignInVia) -> None:
    ada = as_user()
    assert add(ada.browser(), "google", sign_in_via, "ada@example.com").status == 303
    assert ways(ada) == ["google", "password"]


def test_what_is_added_already_changes_nothing(as_user: AsUser, sign_in_via: SignInVia) -> None:
    ada = as_user()
    browser = ada.browser()
    started = browser.submit("/account", action="/account/link/google")
    add(browser, "google", sign_in_via)
    assert sign_in_via.arrive(started, "grace@example.com").page.status == 303
    assert ways(ada) == ["google", "password"]


def test_an_address_that_has_an_account_leads_to_it_instead_of_into_it(as_user: AsUser, sign_in_via: SignInVia, client: Browser) -> None:
    ada = as_user()
    page = sign_in_via("google", "ada@example.com", client.browser()).page
    assert page.status == 409
    assert "Sign in the way you did before" in page
    assert add(ada.browser(), "google", sign_in_via, "ada@example.com").status == 303
    assert sign_in_via("google", "ada@example.com", client.browser()).me["id"] == ada.id


def test_adding_asks_for_a_fresh_sign_in(as_user: AsUser, sign_in_via: SignInVia, clock: SetClock) -> None:
    ada = as_user()
    browser = ada.browser()
    clock.advance(minutes=6)
    page = browser.submit("/account", action="/account/link/google")
    assert page.status == 403
    assert "Confirm that it is you" in page
    assert ways(ada) == ["password"]


def test_a_sign_in_that_grows_old_on_the_way_adds_nothing(as_user: AsUser, sign_in_via: SignInVia, clock: SetClock) -> None:
    ada = as_user()
    started = ada.browser().submit("/account", action="/account/link/google")
    clock.advance(minutes=6)
    assert sign_in_via.arrive(started, "grace@example.com").page.status == 403
    assert ways(ada) == ["password"]


def test_whoever_confirms_may_go_on(as_user: AsUser, sign_in_via: SignInVia, clock: SetClock) -> None:
    ada = as_user()
    browser = ada.browser()
    add(browser, "google", sign_in_via)
    clock.advance(minutes=6)
    stale = browser.submit("/account", action="/account/link/facebook")
    page = sign_in_via.arrive(browser.submit(stale, action="/account/confirm/google"), "grace@example.com").page
    assert "that was you" in page.follow()
    assert add(browser, "facebook", sign_in_via).status == 303


def test_another_person_s_way_confirms_nothing(as_user: AsUser, sign_in_via: SignInVia, clock: SetClock, client: Browser) -> None:
    sign_in_via("google", "grace@example.com", client.browser())
    ada = as_user()
    browser = ada.browser()
    add(browser, "google", sign_in_via, "ada@example.com")
    clock.advance(minutes=6)
    stale = browser.submit("/account", action="/account/link/facebook")
    page = sign_in_via.arrive(browser.submit(stale, action="/account/confirm/google"), "grace@example.com").page
    assert page.status == 401
    assert browser.submit("/account", action="/account/link/facebook").status == 403


def test_a_way_is_taken_away_and_no_longer_signs_in(as_user: AsUser, sign_in_via: SignInVia, client: Browser) -> None:
    ada = as_user()
    browser = ada.browser()
    add(browser, "google", sign_in_via)
    key = next(key["id"] for key in browser.api("GET", "me/identities").body if key["provider"] == "google")
    page = browser.submit("/account", action=f"/account/unlink/{key}")
    assert "was removed" in page.follow()
    assert sign_in_via("google", "grace@example.com", client.browser()).me["id"] != ada.id


def test_the_last_way_in_stays(as_user: AsUser) -> None:
    ada = as_user()
    key = ada.client.api("GET", "me/identities", token=ada.access_token).body[0]["id"]
    answer = ada.client.api("DELETE", f"me/identities/{key}", token=ada.access_token)
    assert (answer.status, answer.code) == (409, "last_sign_in_method")
    assert ways(ada) == ["password"]


def test_another_person_s_way_can_not_be_taken_away(as_user: AsUser, sign_in_via: SignInVia) -> None:
    ada, bob = as_user("ada@example.com"), as_user("bob@example.com")
    add(bob.browser(), "google", sign_in_via)
    for key in bob.client.api("GET", "me/identities", token=bob.access_token).body:
        answer = ada.client.api("DELETE", f"me/identities/{key['id']}", token=ada.access_token)
        assert (answer.status, answer.code) == (404, "not_found")
    assert ways(bob) == ["google", "password"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_who_is_suspended_gets_in_by_no_way(
    as_user: AsUser, sign_in_via: SignInVia, client: Browser, auth_app: Flask, provider: str
) -> None:
    ada = as_user()
    browser = ada.browser()
    add(browser, provider, sign_in_via)
    service = auth_app.extensions["authenticator"]
    service.change_status(service.user(ada.id), Status.SUSPENDED, why="a test", by="operator")
    assert not browser.signed_in
    assert ada.sign_in(client.browser()).status == 401
    page = sign_in_via(provider, "grace@example.com", client.browser()).page
    assert page.status == 403
    assert "suspended" in page
    service.change_status(service.user(ada.id), Status.ACTIVE, why="a test", by="operator")
    assert sign_in_via(provider, "grace@example.com", client.browser()).me["id"] == ada.id
