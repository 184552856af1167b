"""Whether a person with a browser can look after her account: profile, picture, data, leaving and coming back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from authenticator.testing.people import AsUser, Outbox
from tests.browser.everybody import enter, sign_in

Picture = Callable[[Page, str], Path]
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
TABLET = "Mozilla/5.0 (Linux; Android 15; SM-X910) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
BOTH = pytest.mark.parametrize("javascript", [True, False], ids=["with scripts", "without scripts"])


@BOTH
def test_she_changes_her_profile_and_shows_a_picture(
    page: Page, live: str, as_user: AsUser, picture: Picture, tmp_path: Path, javascript: bool
) -> None:
    enter(page, live, as_user("ada@example.com"))
    page.goto(f"{live}/account")
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
    enter(page, live, ada)
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


@BOTH
def test_she_adds_an_address_by_its_code_and_another_by_its_link(
    page: Page, live: str, as_user: AsUser, outbox: Outbox, picture: Picture, javascript: bool
) -> None:
    work, third = "countess@work.example.com", "ada.lovelace@example.org"
    enter(page, live, as_user("ada@example.com"))
    page.goto(f"{live}/account/emails")
    page.get_by_label("E-mail address", exact=True).fill(work)
    page.get_by_role("button", name="Add address").click()
    expect(page.get_by_text("not confirmed")).to_be_visible()
    page.get_by_label("Code", exact=True).fill(outbox.code(to=work))
    page.get_by_role("button", name=f"Confirm {work}").click()
    expect(page.get_by_role("status")).to_contain_text("confirmed")
    page.get_by_role("button", name=f"Make {work} primary").click()
    expect(page.get_by_role("listitem").filter(has_text=work)).to_contain_text("primary")
    page.get_by_label("E-mail address", exact=True).fill(third)
    page.get_by_role("button", name="Add address").click()
    picture(page, "emails")
    page.goto(outbox.last(to=third)["link"])
    page.get_by_role("button", name="Confirm this address").click()
    page.get_by_role("link", name="Your e-mail addresses").click()
    expect(page.get_by_text("not confirmed")).to_have_count(0)


@BOTH
def test_she_ends_a_sign_in_on_another_device(page: Page, live: str, as_user: AsUser, picture: Picture, javascript: bool) -> None:
    ada = as_user("ada@example.com")
    phone, tablet = ada.browser(agent=PHONE), ada.browser(agent=TABLET)
    enter(page, live, ada)
    page.goto(f"{live}/account")
    page.get_by_role("link", name="Devices").click()
    picture(page, "devices")
    page.get_by_role("button", name="End the sign-in of Safari on iOS").click()
    expect(page.get_by_role("status")).to_contain_text("was ended")
    expect(page.get_by_text("ended by you")).to_be_visible()
    assert (phone.signed_in, tablet.signed_in) == (False, True)
    page.get_by_role("button", name="End all others").click()
    expect(page.get_by_role("status")).to_contain_text("were ended")
    assert not tablet.signed_in
