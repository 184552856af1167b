"""Whether somebody can sign up, sign in and sign out, in each way there is."""

from __future__ import annotations

import pytest

from authenticator.testing.client import Browser
from authenticator.testing.people import AsUser, Outbox, SignInVia


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
