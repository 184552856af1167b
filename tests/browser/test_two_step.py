"""Whether a person in Chromium can set up a second step, sign in with it, and do without her telephone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Page, expect

from authenticator.clock import SetClock
from authenticator.testing.people import AsUser
from tests.browser.everybody import first_step, sign_in, sign_out

Picture = Callable[[Page, str], Path]
BOTH = pytest.mark.parametrize("javascript", [True, False], ids=["with scripts", "without scripts"])


def code(secret: str, clock: SetClock) -> str:
    clock.advance(seconds=30)
    return pyotp.TOTP(secret).at(clock.now())


def begin(page: Page, live: str) -> str:
    """The page with the QR code, reached by clicking; the key on it."""
    page.goto(f"{live}/account")
    page.get_by_role("link", name="Two-step", exact=True).click()
    page.get_by_role("button", name="Authenticator app").click()
    page.get_by_role("heading", name="Set up your authenticator app").wait_for()
    return "".join(page.locator("code").inner_text().split())


def finish(page: Page, secret: str, clock: SetClock) -> list[str]:
    page.get_by_label("Code", exact=True).fill(code(secret, clock))
    page.get_by_role("button", name="Turn it on").click()
    page.get_by_role("heading", name="Your recovery codes").wait_for()
    return page.locator("pre").inner_text().split()


@BOTH
def test_she_sets_it_up_signs_in_with_it_and_trusts_her_browser(
    page: Page, live: str, as_user: AsUser, clock: SetClock, picture: Picture, javascript: bool
) -> None:
    ada = as_user("ada@example.com")
    sign_in(page, live, ada)
    secret = begin(page, live)
    drawn = page.locator("figure.qr svg").bounding_box()
    assert drawn
    assert min(drawn["width"], drawn["height"]) >= 180  # large enough for a camera
    picture(page, "two-step-set-up")
    finish(page, secret, clock)
    picture(page, "recovery-codes")
    page.get_by_role("link", name="I have saved them").click()
    expect(page.get_by_role("status")).to_contain_text("It is set up")
    picture(page, "two-step")
    sign_out(page, live)
    first_step(page, live, ada)
    page.get_by_label("Do not ask again").check()
    page.get_by_label("Code", exact=True).fill(code(secret, clock))
    picture(page, "second-step")
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/account*")
    sign_out(page, live)
    first_step(page, live, ada)
    page.wait_for_url("**/account*")


@BOTH
def test_she_lost_her_telephone_and_uses_a_recovery_code(page: Page, live: str, as_user: AsUser, clock: SetClock, javascript: bool) -> None:
    ada = as_user("ada@example.com")
    sign_in(page, live, ada)
    codes = finish(page, begin(page, live), clock)
    sign_out(page, live)
    first_step(page, live, ada)
    page.get_by_role("button", name="Recovery code").click()
    page.get_by_label("Recovery code").fill(codes[7])
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/account*")
    page.goto(f"{live}/account/two-step")
    expect(page.get_by_text("Left: 9.")).to_be_visible()
    page.get_by_role("button", name="Remove Authenticator app").click()
    expect(page.get_by_role("status")).to_contain_text("It was removed")
