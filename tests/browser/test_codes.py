"""Whether a person with nothing but a telephone or a mailbox can sign up and in, in a real browser, with scripts and without."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from authenticator.testing.people import AsUser, Outbox
from tests.browser.everybody import sign_out

NUMBER, TYPED, SHOWN = "+447400123456", "+44 (0)7400 123456", "+44 7400 123456"
ADA = "ada@example.com"
BOTH = pytest.mark.parametrize("javascript", [True, False], ids=["with scripts", "without scripts"])


@BOTH
def test_she_signs_up_and_in_by_phone(page: Page, live: str, outbox: Outbox, javascript: bool) -> None:
    page.goto(f"{live}/sign-up")
    page.get_by_role("link", name="text message").click()
    for button in ("Create account", "Sign in"):
        page.get_by_label("Phone number").fill(TYPED)
        page.get_by_role("button", name=button, exact=True).click()
        page.get_by_label("Code").fill(outbox.code(to=NUMBER))
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_role("heading", name=SHOWN, level=1)).to_be_visible()
        if button != "Sign in":
            sign_out(page, live)
            page.goto(f"{live}/sign-in/phone")


@BOTH
def test_she_signs_in_by_the_link_of_a_mail(page: Page, live: str, as_user: AsUser, outbox: Outbox, javascript: bool) -> None:
    as_user(ADA)
    page.goto(f"{live}/sign-in")
    page.get_by_role("link", name="code by e-mail").click()
    page.get_by_label("E-mail").fill(ADA)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Check your mail")).to_be_visible()
    page.goto(outbox.last(to=ADA)["link"])
    page.get_by_role("button", name="Continue as").click()
    expect(page.get_by_role("heading", name="Ada Lovelace", level=1)).to_be_visible()
