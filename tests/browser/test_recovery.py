"""Whether a person finds the way back to her account, and changes her password, in a real browser, with scripts and without."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from authenticator.testing.people import AsUser, Outbox

Picture = Callable[[Page, str], Path]
NEW, NEWER = "nine herons on a quiet river", "four owls over the mill"
ADA = "ada@example.com"
BOTH = pytest.mark.parametrize("javascript", [True, False], ids=["with scripts", "without scripts"])


@BOTH
def test_forgotten_found_and_changed(page: Page, live: str, as_user: AsUser, outbox: Outbox, picture: Picture, javascript: bool) -> None:
    as_user(ADA)
    page.goto(f"{live}/sign-in")
    page.get_by_role("link", name="Forgot your password?").click()
    picture(page, "forgot-password")
    page.get_by_label("E-mail or user name").fill(ADA)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_label("E-mail or user name")).to_have_value(ADA)
    page.get_by_label("Code").fill(outbox.code(to=ADA))
    page.get_by_label("New password").fill("lovelace")
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_role("alert")).to_contain_text("too close to your name")
    picture(page, "reset-password-refused")
    page.get_by_label("Code").fill(outbox.code(to=ADA))
    page.get_by_label("New password").fill(NEW)
    page.get_by_role("button", name="Set the password").click()
    picture(page, "reset-password-done")
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("E-mail or user name").fill(ADA)
    page.get_by_label("Password", exact=True).fill(NEW)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.goto(f"{live}/account/password")
    picture(page, "password")
    page.get_by_label("Current password").fill(NEW)
    page.get_by_label("New password").fill(NEWER)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("status")).to_contain_text("Your password is set")


@BOTH
def test_found_again_by_the_mailed_link(page: Page, live: str, as_user: AsUser, outbox: Outbox, picture: Picture, javascript: bool) -> None:
    as_user(ADA)
    page.goto(f"{live}/forgot-password")
    page.get_by_label("E-mail or user name").fill(ADA)
    page.get_by_role("button", name="Send").click()
    page.goto(outbox.last(to=ADA)["link"])
    expect(page.get_by_label("Account")).to_have_value(ADA)
    picture(page, "reset-password")
    page.get_by_label("New password").fill(NEW)
    page.get_by_role("button", name="Set the password").click()
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("E-mail or user name").fill(ADA)
    page.get_by_label("Password", exact=True).fill(NEW)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Ada Lovelace", level=1)).to_be_visible()
