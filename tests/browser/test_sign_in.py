"""Whether a person with a mouse and a keyboard can sign up, sign in and sign out, with scripts and without."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from authenticator.testing.client import Browser
from authenticator.testing.people import PASSWORD, AsUser, Outbox, SignInVia

Picture = Callable[[Page, str], Path]
LABELS = {"google": "Google", "facebook": "Facebook", "twitter": "X"}
AGENTS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0",
)
BOTH = pytest.mark.parametrize("javascript", [True, False], ids=["with scripts", "without scripts"])


def choose(page: Page, provider: str, person: str = "Grace Hopper") -> None:
    """Click the provider's button, and the person in the list that it shows."""
    page.get_by_role("link", name=f"Continue with {LABELS[provider]}", exact=True).click()
    expect(page.get_by_role("heading", name=f"Who are you at {LABELS[provider]}?")).to_be_visible()
    page.get_by_role("button", name=person).click()


def prove(page: Page, outbox: Outbox, email: str) -> None:
    """Type the mailed code."""
    page.get_by_label("Code").fill(outbox.code(to=email))
    page.get_by_role("button", name="Continue").click()


def is_account_of(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def test_the_journey_that_the_readme_shows(page: Page, live: str, sign_in_via: SignInVia, client: Browser, picture: Picture) -> None:
    for agent in AGENTS:
        assert sign_in_via("google", browser=client.browser(agent=agent)).signed_in
    page.set_viewport_size({"width": 760, "height": 900})
    page.goto(f"{live}/sign-in")
    picture(page, "sign-in")
    page.get_by_role("link", name="Continue with Google", exact=True).click()
    picture(page, "provider")
    page.get_by_role("button", name="Ada Lovelace").click()
    is_account_of(page, "Ada Lovelace")
    picture(page, "account")
    page.get_by_role("button", name="Get a token").click()
    expect(page.get_by_text("curl -H")).to_be_visible()
    page.get_by_role("link", name="Devices").click()
    expect(page.get_by_text("Safari on iOS")).to_be_visible()
    picture(page, "devices")
    page.get_by_role("link", name="Two-step").click()
    page.get_by_role("button", name="Authenticator app").click()
    expect(page.get_by_role("heading", name="Set up your authenticator app")).to_be_visible()
    picture(page, "two-step")
    page.goto(f"{live}/account")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You may still be signed in at Google.")).to_be_visible()
    picture(page, "signed-out")


@BOTH
def test_with_a_password(page: Page, live: str, outbox: Outbox, picture: Picture, javascript: bool) -> None:
    page.goto(f"{live}/sign-in")
    picture(page, "password-sign-in")
    page.get_by_role("link", name="Create").click()
    page.get_by_label("First name").fill("Ada")
    page.get_by_label("Last name").fill("Lovelace")
    page.get_by_label("E-mail").fill("ada@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    picture(page, "sign-up")
    page.get_by_role("button", name="Create").click()
    picture(page, "verify")
    prove(page, outbox, "ada@example.com")
    is_account_of(page, "Ada Lovelace")
    picture(page, "password-account")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("E-mail").fill("ada@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password", exact=True).press("Enter")
    is_account_of(page, "Ada Lovelace")


@BOTH
@pytest.mark.parametrize("provider", LABELS)
def test_with_a_provider(page: Page, live: str, outbox: Outbox, picture: Picture, provider: str, javascript: bool) -> None:
    page.goto(f"{live}/sign-in")
    page.get_by_role("link", name=f"Continue with {LABELS[provider]}", exact=True).click()
    picture(page, f"picker-{provider}")
    page.go_back()
    choose(page, provider)
    if provider == "facebook":  # it does not say whether it has seen the address
        prove(page, outbox, "grace@example.com")
    is_account_of(page, "Grace Hopper")
    picture(page, f"account-{provider}")
    page.get_by_role("button", name="Sign out").click()
    choose(page, provider)
    is_account_of(page, "Grace Hopper")


@BOTH
def test_a_person_adds_a_provider_and_signs_in_with_it(page: Page, live: str, as_user: AsUser, javascript: bool) -> None:
    as_user("ada@example.com")
    page.goto(f"{live}/sign-in")
    page.get_by_label("E-mail").fill("ada@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Add Google").click()
    if page.get_by_role("link", name="Google").count():  # the page between a form and another site
        page.get_by_role("link", name="Google").first.click()
    page.get_by_role("button", name="Grace Hopper").click()
    expect(page.get_by_role("status")).to_contain_text("was added")
    page.get_by_role("button", name="Sign out").click()
    choose(page, "google")
    is_account_of(page, "Ada Lovelace")


@BOTH
def test_a_person_who_changes_her_mind_at_the_provider_is_back_where_she_was(page: Page, live: str, javascript: bool) -> None:
    page.goto(f"{live}/sign-in")
    page.get_by_role("link", name="Continue with Google").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("alert")).to_contain_text("cancelled")
    expect(page.get_by_role("link", name="Continue with Google")).to_be_visible()


def test_a_wrong_password_is_said_beside_its_field(page: Page, live: str, as_user: AsUser, picture: Picture) -> None:
    as_user("ada@example.com")
    page.goto(f"{live}/sign-in")
    page.get_by_label("E-mail").fill("ada@example.com")
    page.get_by_label("Password", exact=True).fill("something else")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    expect(page.get_by_label("E-mail")).to_have_value("ada@example.com")
    expect(page.get_by_label("Password", exact=True)).to_have_value("")
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    picture(page, "sign-in-refused")
