"""Whether a person reads the language that she chose, wherever the service knows her, and otherwise her browser's."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from authenticator.clock import SetClock
from authenticator.testing.client import Browser
from authenticator.testing.people import Account, AsUser, Outbox

HER_PAGES = ("", "/profile", "/emails", "/password", "/two-step", "/sessions", "/history", "/data")


@pytest.fixture
def ada(as_user: AsUser) -> Account:
    ada = as_user("ada@example.com")
    ada.sign_in(ada.client)
    return ada


@pytest.fixture
def choose(ada: Account) -> Callable[[str], None]:
    """She chooses a language on the page of her profile."""

    def chosen(tag: str) -> None:
        ada.client.submit(ada.client.get("/account/profile"), action="/account/profile", locale=tag)

    return chosen


def test_her_pages_speak_the_language_that_she_chose(ada: Account, choose: Callable[[str], None]) -> None:
    assert '<html lang="en">' in ada.client.get("/account").html
    choose("de-AT")
    for page in HER_PAGES:
        assert '<html lang="de">' in ada.client.get(f"/account{page}").html
    choose("")
    assert '<html lang="en">' in ada.client.get("/account").html


def test_her_choice_comes_before_what_her_browser_wishes(ada: Account, choose: Callable[[str], None]) -> None:
    choose("en")
    assert "Your account" in ada.client.get("/account", headers={"Accept-Language": "de"}).text


def test_a_language_that_no_page_has_leaves_it_to_the_browser(ada: Account, choose: Callable[[str], None]) -> None:
    choose("sw")
    assert '<html lang="de">' in ada.client.get("/account", headers={"Accept-Language": "de"}).html
    assert '<html lang="en">' in ada.client.get("/account").html


def test_a_refusal_and_the_wish_for_fresh_proof_are_told_in_her_language(
    ada: Account, choose: Callable[[str], None], clock: SetClock
) -> None:
    choose("de")
    page = ada.client.get("/account/emails")
    assert "Geben Sie eine E-Mail-Adresse" in ada.client.submit(page, action="/account/emails", email="nothing").text
    clock.advance(hours=1)
    assert "Mit Passwort bestätigen" in ada.client.submit(page, action="/account/emails", email="ada@example.org").text


def test_strangers_read_their_browsers_language(client: Browser, choose: Callable[[str], None]) -> None:
    choose("de")
    stranger = client.browser()
    assert '<html lang="en">' in stranger.get("/sign-in").html
    assert '<html lang="de">' in stranger.get("/sign-in", headers={"Accept-Language": "de-CH, fr;q=0.5"}).html


def test_letters_to_her_are_in_her_language(ada: Account, choose: Callable[[str], None], outbox: Outbox) -> None:
    choose("de")
    ada.client.submit("/account/emails", action="/account/emails", email="ada@example.org")
    letter = outbox.last(to=ada.email)
    assert "Ihrem Konto wird eine Adresse hinzugefügt" in letter["subject"]
    assert "Jemand, wahrscheinlich Sie" in letter["text"]


@pytest.mark.parametrize(("wish", "language"), [("de-AT,en;q=0.5", "de"), ("fr", ""), ("", "")])
def test_who_signs_up_in_a_language_of_ours_gets_her_letters_in_it(client: Browser, outbox: Outbox, wish: str, language: str) -> None:
    browser = client.browser(accept_language=wish)
    ada = AsUser(browser, outbox)("ada@example.com")
    assert (ada.user["locale"] or "") == language
    ada.sign_in(browser)
    browser.submit("/account/emails", action="/account/emails", email="ada@example.org")
    told = outbox.last(to="ada@example.com")["subject"]
    assert ("Ihrem Konto wird" if language == "de" else "an address is being added") in told
