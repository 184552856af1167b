"""LK: whoever links, or comes by a provider, gets only what is hers. The ids are those of the list of attacks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from authenticator_google import Google
from flask import Flask

from authenticator.clock import SetClock
from authenticator.emulator import Emulator
from authenticator.kinds.people import PEOPLE
from authenticator.models import LoginKey
from authenticator.plugin import Person
from authenticator.testing.client import Browser
from authenticator.testing.emulated import Offer
from authenticator.testing.people import AsUser, Outbox, SignInVia

GRACE = next(person for person in PEOPLE if person.key == "grace")
PASSWORD = "seven lanterns drift ashore"


class OtherGoogle(Google):
    """A second issuer that has the same people under the same subjects."""

    name, label, issuer, more_issuers = "other", "Other", "https://other.example", ()

    @classmethod
    def example(cls, person: Person) -> dict[str, Any]:
        return Google.example(person)


@pytest.fixture
def store_kind(request: pytest.FixtureRequest) -> str:
    """A database for each test: the others in this folder keep theirs for a whole module."""
    return str(request.param)


@pytest.fixture
def auth_plugins() -> tuple[Any, ...]:
    return (Offer(OtherGoogle),)


FLAGS = ("true", "false", 0, 1, None, "absent")


@pytest.mark.parametrize("flag", FLAGS, ids=str)
def test_lk_01_an_address_that_is_not_verified_leads_into_nobody_s_account(
    as_user: AsUser, sign_in_via: SignInVia, emulator: Emulator, client: Browser, outbox: Outbox, flag: Any
) -> None:
    ada = as_user("ada@example.com")

    def hostile(claims: dict[str, Any]) -> dict[str, Any]:
        told = {**claims, "sub": "the-attacker", "email": "ada@example.com", "email_verified": flag}
        return {name: value for name, value in told.items() if value != "absent"}

    emulator.tamper = hostile
    before = len(outbox.all(to="ada@example.com"))
    journey = sign_in_via("google", "mallory", client.browser())
    assert not journey.signed_in
    assert {key["provider"] for key in client.api("GET", "me/identities", token=ada.access_token).body} == {"password", "email"}
    assert all("code" not in message for message in outbox.all(to="ada@example.com")[: -before or None])


def test_lk_02_a_password_planted_on_a_victim_s_address_opens_nothing(sign_in_via: SignInVia, client: Browser, outbox: Outbox) -> None:
    planted = {"email": "ada@example.com", "password": PASSWORD, "given_name": "M", "family_name": "M"}
    attacker = client.browser()
    begun = attacker.api("POST", "sign-up/password", planted)
    victim = sign_in_via("google", "ada@example.com", client.browser())
    assert victim.me["email"] == "ada@example.com"
    tried = attacker.api("POST", "sign-in/password", {"email": "ada@example.com", "password": PASSWORD})
    assert (tried.status, tried.code) == (401, "invalid_credentials")
    late = attacker.api("POST", "sign-in/continue", {"challenge": begun["challenge"]["id"], "code": outbox.code(to="ada@example.com")})
    assert (late.status, late.code) == (409, "email_taken")


def test_lk_04_the_same_subject_at_another_issuer_is_another_person(sign_in_via: SignInVia, client: Browser, auth_app: Flask) -> None:
    grace = sign_in_via("google", "grace@example.com", client.browser())
    twin = sign_in_via("other", "grace@example.com", client.browser())
    assert grace.signed_in
    assert not twin.signed_in
    store, subject = auth_app.extensions["authenticator"].core.store, GRACE.subject("google")
    assert store.find_login(LoginKey("google", subject)).user.id == grace.me["id"]
    assert store.find_login(LoginKey("other", subject)) is None


def test_lk_07_a_callback_at_another_provider_s_door_is_refused(sign_in_via: SignInVia, client: Browser) -> None:
    callback = sign_in_via.choose(sign_in_via.away(sign_in_via.leave("other")))
    page = client.get(callback.replace("/sign-in/other/", "/sign-in/google/"))
    assert page.status == 400
    assert not client.signed_in


def test_lk_07_linking_does_not_begin_with_a_link_that_somebody_is_sent(as_user: AsUser) -> None:
    browser = as_user().browser()
    assert browser.get("/account/link/google").status in (404, 405)
    assert browser.post("/account/link/google").status == 403
    forged = browser.post("/account/link/google", {"csrf_token": browser.form("/account").csrf}, headers={"Sec-Fetch-Site": "cross-site"})
    assert forged.status == 403


def test_lk_07_the_attacker_s_callback_links_nothing_to_the_victim(as_user: AsUser, sign_in_via: SignInVia) -> None:
    mallory, ada = as_user("mallory@example.net"), as_user("ada@example.com")
    begun = mallory.browser().submit("/account", action="/account/link/google")
    callback = sign_in_via.choose(sign_in_via.away(begun), "mallory")
    victim = ada.browser()
    assert victim.get(callback).status == 400
    assert {key["provider"] for key in victim.api("GET", "me/identities").body} == {"password", "email"}


def test_lk_07_a_sign_in_callback_does_not_link_while_signed_in(as_user: AsUser, sign_in_via: SignInVia) -> None:
    browser = as_user().browser()
    gone = sign_in_via.leave("google", browser)  # a sign-in, not a link
    page = sign_in_via.arrive(gone, "grace@example.com").page
    assert page.status in (401, 403)
    assert {key["provider"] for key in browser.api("GET", "me/identities").body} == {"password", "email"}


def test_lk_09_what_belongs_to_another_is_not_linked(as_user: AsUser, sign_in_via: SignInVia, client: Browser) -> None:
    grace = sign_in_via("google", "grace@example.com", client.browser())
    ada = as_user("ada@example.com")
    browser = ada.browser()
    page = sign_in_via.arrive(browser.submit("/account", action="/account/link/google"), "grace@example.com").page
    assert page.status == 409
    assert sign_in_via("google", "grace@example.com", client.browser()).me["id"] == grace.me["id"]


def test_lk_09_an_address_that_belongs_to_another_is_not_linked(as_user: AsUser, sign_in_via: SignInVia) -> None:
    as_user("grace@example.com")
    browser = as_user("ada@example.com").browser()
    page = sign_in_via.arrive(browser.submit("/account", action="/account/link/google"), "grace@example.com").page
    assert page.status == 409
    assert "belongs to another account" in page


def test_lk_09_of_many_who_link_one_identity_at_once_one_gets_it(as_user: AsUser, sign_in_via: SignInVia, auth_app: Flask) -> None:
    browsers = [as_user(f"person{number}@example.net").browser() for number in range(5)]
    begun = [sign_in_via.away(browser.submit("/account", action="/account/link/google")) for browser in browsers]
    callbacks = [sign_in_via.choose(away, "grace@example.com") for away in begun]
    with ThreadPoolExecutor(len(browsers)) as pool:
        statuses = list(pool.map(lambda pair: pair[0].get(pair[1]).status, zip(browsers, callbacks, strict=True)))
    assert sorted(statuses) == [303, 409, 409, 409, 409]


def test_lk_09_somebody_else_s_browser_does_not_finish_the_link(as_user: AsUser, sign_in_via: SignInVia, clock: SetClock) -> None:
    ada = as_user("ada@example.com")
    browser = ada.browser()
    callback = sign_in_via.choose(sign_in_via.away(browser.submit("/account", action="/account/link/google")), "grace@example.com")
    browser.submit("/account", action="/sign-out")
    bob = as_user("bob@example.com")
    bob.sign_in(browser)  # the same browser, another person
    assert browser.get(callback).status == 401
    assert {key["provider"] for key in browser.api("GET", "me/identities").body} == {"password", "email"}


def test_lk_10_a_provider_that_was_removed_links_nothing(as_user: AsUser, sign_in_via: SignInVia, auth_app: Flask) -> None:
    browser = as_user().browser()
    callback = sign_in_via.choose(sign_in_via.away(browser.submit("/account", action="/account/link/google")), "grace@example.com")
    del auth_app.extensions["authenticator"].core.registry.providers["google"]
    page = browser.get(callback)
    assert page.status == 404
    assert {key["provider"] for key in browser.api("GET", "me/identities").body} == {"password", "email"}


def test_lk_12_while_one_provider_is_broken_the_others_are_not(sign_in_via: SignInVia, client: Browser) -> None:
    for fault in ("server_error", "html", "huge", "redirect"):
        assert not sign_in_via("google", "grace@example.com", client.browser(), fault=fault).signed_in
        assert sign_in_via("twitter", "grace@example.com", client.browser()).signed_in


def test_lk_12_names_are_text_and_nothing_else(sign_in_via: SignInVia, emulator: Emulator) -> None:
    emulator.tamper = lambda claims: {**claims, "name": "<script>alert(1)</script>\u202e\x00", "picture": "javascript:alert(1)"}
    journey = sign_in_via("google", "grace@example.com")
    page = journey.page.browser.get("/account")
    assert "<script>alert" not in page.html
    assert "\u202e" not in page.html
    assert journey.me["picture"] is None
