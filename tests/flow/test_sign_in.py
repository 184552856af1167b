"""Whether somebody can sign up, sign in and sign out, in each way there is."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
import requests

from authenticator.testing.client import Browser
from authenticator.testing.people import AsUser, Outbox, SignInVia
from authenticator.testing.sights import asked_for


def test_a_person_signs_up_on_the_page_and_reads_a_mailed_code(client: Browser, outbox: Outbox) -> None:
    page = client.submit("/sign-up", given_name="Ada", family_name="Lovelace", email="Ada@Example.com", password="five quiet green teapots")
    page = client.submit(page.follow(), code=outbox.code(to="ada@example.com"))
    assert "Ada" in page.follow()
    assert client.signed_in


def test_a_person_with_a_password_signs_in_and_out(as_user: AsUser) -> None:
    ada = as_user("ada@example.com")
    browser = ada.browser()
    assert browser.signed_in
    browser.submit("/account", action="/sign-out")
    assert not browser.signed_in


@pytest.mark.parametrize("provider", ["google", "twitter"])
def test_a_person_whose_address_the_provider_vouches_for_is_in_at_once(sign_in_via: SignInVia, provider: str) -> None:
    journey = sign_in_via(provider, person="grace@example.com")
    assert journey.me["email"] == "grace@example.com"
    assert journey.me["email_verified"] is True


def test_a_person_whose_address_facebook_names_reads_a_mailed_code(sign_in_via: SignInVia, outbox: Outbox) -> None:
    journey = sign_in_via("facebook", person="grace@example.com")
    browser = journey.page.browser
    assert not browser.signed_in
    browser.submit(journey.page.follow(), code=outbox.code(to="grace@example.com"))
    assert journey.me["name"]["given"] == "Grace"


def test_two_tabs_of_one_person_both_finish(sign_in_via: SignInVia) -> None:
    first, second = sign_in_via.leave("google"), sign_in_via.leave("google")
    ada = sign_in_via.arrive(first, "ada@example.com")
    again = sign_in_via.arrive(second, "ada@example.com")
    assert again.page.path == "/account"
    assert again.me["id"] == ada.me["id"]


def test_a_tab_that_was_left_open_does_not_change_who_is_signed_in(sign_in_via: SignInVia) -> None:
    first, second = sign_in_via.leave("google"), sign_in_via.leave("google")
    sign_in_via.arrive(first, "ada@example.com")
    other = sign_in_via.arrive(second, "grace@example.com")
    assert other.page.status == 401
    assert "Sign out first" in other.page
    assert other.me["email"] == "ada@example.com"


@pytest.mark.parametrize("provider", ["google", "facebook", "twitter"])
def test_a_person_goes_on_where_she_came_from(sign_in_via: SignInVia, outbox: Outbox, provider: str) -> None:
    journey = sign_in_via(provider, "grace@example.com", return_to="/account?done=confirmed")
    page = journey.page
    if page.path == "/sign-in/verify":
        page = page.browser.submit(page.follow(), code=outbox.code(to="grace@example.com"))
    assert page.location.endswith("/account?done=confirmed")


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_nobody_is_sent_to_where_nobody_may_be_sent(sign_in_via: SignInVia, elsewhere: str) -> None:
    page = sign_in_via("google", "grace@example.com", return_to=elsewhere).page
    assert page.path == "/account"


def test_a_hint_is_handed_on_and_needs_no_picker(client: Browser, sign_in_via: SignInVia) -> None:
    gone = sign_in_via.leave("google", login_hint="grace@example.com", prompt="none")
    answer = requests.get(gone.location, allow_redirects=False, timeout=10)
    client.get(answer.headers["Location"])
    assert client.api("GET", "me")["email"] == "grace@example.com"


def test_a_callback_that_is_posted_counts_like_any_other(sign_in_via: SignInVia, client: Browser) -> None:
    callback = sign_in_via.choose(sign_in_via.away(sign_in_via.leave("google")), "grace@example.com")
    stranger = client.browser()  # a posted callback comes without the cookies that a browser keeps for its own site
    page = stranger.post(urlsplit(callback).path, asked_for(callback), headers={"Origin": "https://accounts.google.com"})
    assert page.status == 303
    assert client.get(page.location).status == 303
    assert client.signed_in
    assert not stranger.signed_in


@pytest.mark.parametrize("provider", ["google", "facebook", "twitter"])
def test_a_program_signs_in_with_a_provider(client: Browser, sign_in_via: SignInVia, outbox: Outbox, provider: str) -> None:
    begun = client.api("POST", f"sign-in/{provider}", {"login_hint": "grace@example.com"})
    assert begun["status"] == "redirect"
    parameters = asked_for(sign_in_via.choose(begun["url"], "grace@example.com"))
    answer = client.api("POST", "sign-in/continue", {"challenge": begun["challenge"]["id"], **parameters})
    if answer["status"] == "challenge":
        code = outbox.code(to="grace@example.com")
        answer = client.api("POST", "sign-in/continue", {"challenge": answer["challenge"]["id"], "code": code})
    assert answer["status"] == "complete"
    assert client.api("GET", "me", token=answer["access_token"])["email"] == "grace@example.com"
