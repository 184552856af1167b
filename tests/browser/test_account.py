"""Whether a person with a browser can look after her account: profile, picture, data, leaving and coming back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from authenticator.testing.people import PASSWORD, Account, AsUser, Outbox

Picture = Callable[[Page, str], Path]
BOTH = pytest.mark.parametrize("javascript", [True, False], ids=["with scripts", "without scripts"])


def sign_in(page: Page, live: str, person: Account) -> None:
    page.goto(f"{live}/sign-in")
    page.get_by_label("E-mail").first.fill(person.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/account*")


@BOTH
def test_she_changes_her_profile_and_shows_a_picture(
    page: Page, live: str, as_user: AsUser, picture: Picture, tmp_path: Path, javascript: bool
) -> None:
    sign_in(page, live, as_user("ada@example.com"))
    page.get_by_role("link", name="Profile", exact=True).click()
    page.get_by_label("What to call you").fill("Countess of Lovelace")
    page.get_by_label("Country").select_option(label="United Kingdom")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("was saved")
    Image.new("RGB", (300, 200), "teal").save(tmp_path / "me.png")
    page.get_by_label("Add a picture").set_input_files(tmp_path / "me.png")
    page.get_by_role("button", name="Add picture").click()
    expect(page.get_by_role("status")).to_contain_text("was added")
    picture(page, "profile")
    page.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("heading", name="Countess of Lovelace", level=1)).to_be_visible()
    assert page.locator("img.monogram").evaluate("picture => picture.complete && picture.naturalWidth") == 512
    picture(page, "overview")


@BOTH
def test_she_takes_her_data_along_leaves_and_comes_back(
    page: Page, live: str, as_user: AsUser, outbox: Outbox, picture: Picture, javascript: bool
) -> None:
    ada = as_user("ada@example.com")
    sign_in(page, live, ada)
    page.goto(f"{live}/account/data")
    with page.expect_download() as begun:
        page.get_by_role("button", name="Download my data").click()
    assert json.loads(Path(begun.value.path()).read_text())["profile"]["id"] == ada.id
    page.get_by_role("button", name="Delete my account").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    picture(page, "data")
    page.get_by_label("Yes, delete my account").check()
    page.get_by_role("button", name="Delete my account").click()
    expect(page.get_by_role("heading", name="Your account is deleted")).to_be_visible()
    page.goto(f"{live}/account")
    expect(page).to_have_url(f"{live}/sign-in?return_to=/account")
    page.goto(next(message["link"] for message in outbox.all(ada.email) if "/keep-account" in message.get("link", "")))
    picture(page, "keep-account")
    page.get_by_role("button", name="Keep my account").click()
    expect(page.get_by_role("heading", name="Your account is kept")).to_be_visible()
    sign_in(page, live, ada)
