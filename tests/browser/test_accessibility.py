"""Whether everybody can use the pages: axe-core finds nothing, in light and dark, on wide screens and on those of 320 pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from authenticator.testing.people import PASSWORD, Account, AsUser

WIDTHS = (1280, 320)
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}


def sign_in(page: Page, live: str, person: Account) -> None:
    page.goto(f"{live}/sign-in")
    page.locator("#password-email").fill(person.email)
    page.locator("#password-password").fill(person.password)
    page.locator("#password-password").press("Enter")
    page.wait_for_url("**/account*")


def sign_up_refused(page: Page, live: str) -> None:
    page.goto(f"{live}/sign-up")
    page.get_by_role("button", name="Create").click()
    page.get_by_role("alert").first.wait_for()


def verify(page: Page, live: str) -> None:
    page.goto(f"{live}/sign-up")
    for label, text in (("First name", "Alan"), ("Last name", "Turing"), ("E-mail", "alan@example.com")):
        page.get_by_label(label).fill(text)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create").click()
    page.wait_for_url("**/verify*")


def verify_refused(page: Page, live: str) -> None:
    verify(page, live)
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("alert").first.wait_for()


def account_with_token(page: Page, live: str) -> None:
    page.get_by_role("button", name="Get a token").click()
    page.get_by_text("curl").wait_for()


def address_refused(page: Page, live: str) -> None:
    page.goto(f"{live}/account/emails")
    page.get_by_label("E-mail address", exact=True).fill("grace.work@example.com")
    page.get_by_role("button", name="Add address").click()
    page.get_by_label("Code", exact=True).fill("000000")
    page.get_by_role("button", name="Confirm grace.work@example.com").click()
    page.get_by_role("alert").first.wait_for()


def number_added(page: Page, live: str) -> None:
    page.goto(f"{live}/account/phones")
    page.get_by_label("Phone number", exact=True).fill("+44 7400 123456")
    page.get_by_role("button", name="Add number").click()
    page.get_by_text("United Kingdom").wait_for()


def profile_refused(page: Page, live: str) -> None:
    page.goto(f"{live}/account/profile")
    page.get_by_label("Add a picture").set_input_files({"name": "me.svg", "mimeType": "image/png", "buffer": b"<svg/>"})
    page.get_by_role("button", name="Add picture").click()
    page.get_by_role("alert").first.wait_for()


def unsure(page: Page, live: str) -> None:
    page.goto(f"{live}/account/data")
    page.get_by_role("button", name="Delete my account").click()
    page.get_by_role("alert").first.wait_for()


def picker(page: Page, live: str) -> None:
    page.goto(f"{live}/sign-in/google")
    page.get_by_text("Let something go wrong").click()


STRANGER: dict[str, Callable[[Page, str], Any]] = {
    "sign-in": lambda page, live: page.goto(f"{live}/sign-in"),
    "signed out": lambda page, live: page.goto(f"{live}/sign-in?signed_out=google"),
    "sign-up": lambda page, live: page.goto(f"{live}/sign-up"),
    "sign-up refused": sign_up_refused,
    "verify": verify,
    "verify refused": verify_refused,
    "error": lambda page, live: page.goto(f"{live}/nothing/here"),
    "error of a callback": lambda page, live: page.goto(f"{live}/sign-in/google/callback?state=x&code=y"),
    "outbox": lambda page, live: page.goto(f"{live}/dev/outbox"),
    "API": lambda page, live: page.goto(f"{live}/api/v1/docs"),
    "picker": picker,
}
MEMBER: dict[str, Callable[[Page, str], Any]] = {
    "account": lambda page, live: page.goto(f"{live}/account"),
    "account with a token": account_with_token,
    "profile": lambda page, live: page.goto(f"{live}/account/profile"),
    "profile, a picture refused": profile_refused,
    "data, not sure": unsure,
    "account deleted": lambda page, live: page.goto(f"{live}/keep-account?done=deleted"),
    "account kept": lambda page, live: page.goto(f"{live}/keep-account?done=kept"),
    "no link to keep it": lambda page, live: page.goto(f"{live}/keep-account?token=x"),
    "addresses, a code refused": address_refused,
    "numbers, one added": number_added,
}


@pytest.mark.parametrize("name", STRANGER)
def test_a_page_for_everybody(page: Page, live: str, as_user: AsUser, name: str) -> None:
    as_user("ada@example.com")  # so that there is a message in the outbox
    STRANGER[name](page, live)
    is_for_everybody(page)


@pytest.mark.parametrize("name", MEMBER)
def test_a_member_s_page(page: Page, live: str, as_user: AsUser, name: str) -> None:
    sign_in(page, live, as_user("ada@example.com"))
    MEMBER[name](page, live)
    is_for_everybody(page)


def is_for_everybody(page: Page) -> None:
    from axe_playwright_python.sync_playwright import Axe

    axe = Axe()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, "it must be scrolled sideways"
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.evaluate("document.getAnimations().forEach(animation => animation.finish())")  # colours fade from one scheme to the other
            found = axe.run(page, options=RULES).response["violations"]
            assert [(rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in found] == [], f"{scheme}, {width} pixels"
