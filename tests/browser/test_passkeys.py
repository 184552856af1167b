"""Whether a person with a fingerprint reader needs nothing else: Chromium's virtual authenticator stands in for the device."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import CDPSession, Page, expect

from authenticator.clock import SetClock
from authenticator.testing.people import PASSWORD, AsUser

Picture = Callable[[Page, str], Path]
Look = Callable[[str], None]
BUILT_IN = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True}


class Device:
    """The fingerprint reader of this computer. While it is `away`, nobody touches it."""

    def __init__(self, page: Page) -> None:
        self._cdp: CDPSession = page.context.new_cdp_session(page)
        self._cdp.send("WebAuthn.enable")
        options = {**BUILT_IN, "automaticPresenceSimulation": True}
        self.id: str = self._cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    def recognises(self, person: bool) -> None:
        self._cdp.send("WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": person})

    def away(self) -> None:
        self._cdp.send("WebAuthn.setAutomaticPresenceSimulation", {"authenticatorId": self.id, "enabled": False})

    @property
    def passkeys(self) -> list[Any]:
        found: list[Any] = self._cdp.send("WebAuthn.getCredentials", {"authenticatorId": self.id})["credentials"]
        return found


@pytest.fixture
def device(page: Page) -> Device:
    return Device(page)


def sign_in(page: Page, live: str) -> None:
    """With the password."""
    page.goto(f"{live}/sign-in")
    page.get_by_role("textbox", name="E-mail or user name").fill("ada@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def with_passkey(page: Page, live: str) -> None:
    page.goto(f"{live}/sign-in")
    page.get_by_role("button", name="Continue with a passkey").click()


def sign_out(page: Page, live: str) -> None:
    page.goto(f"{live}/account")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in*")


def is_account_of(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def test_a_person_signs_up_and_in_with_a_passkey_alone(page: Page, live: str, device: Device, picture: Picture) -> None:
    page.goto(f"{live}/sign-up")
    page.get_by_role("link", name="Continue with a passkey").click()
    page.get_by_label("First name").fill("Grace")
    page.get_by_label("Last name").fill("Hopper")
    picture(page, "passkey-sign-up")
    page.get_by_role("button", name="Create account").click()
    is_account_of(page, "Grace Hopper")
    assert [item["isResidentCredential"] for item in device.passkeys] == [True]
    sign_out(page, live)
    picture(page, "passkey-sign-in")
    with_passkey(page, live)
    is_account_of(page, "Grace Hopper")
    expect(page.get_by_text("Passkey · Chrome, Linux")).to_be_visible()
    picture(page, "passkey-account")


def test_a_person_adds_a_passkey_and_signs_in_with_it(page: Page, live: str, as_user: AsUser, device: Device) -> None:
    as_user("ada@example.com")
    sign_in(page, live)
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("status")).to_contain_text("was added")
    page.get_by_role("button", name="Add a passkey").click()  # this device has one, and says so
    expect(page.get_by_role("status")).to_contain_text("This device has a passkey of yours already")
    assert len(device.passkeys) == 1
    sign_out(page, live)
    with_passkey(page, live)
    is_account_of(page, "Ada Lovelace")


def test_a_person_confirms_with_her_passkey(page: Page, live: str, as_user: AsUser, device: Device, clock: SetClock) -> None:
    as_user("ada@example.com")
    sign_in(page, live)
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("status")).to_contain_text("was added")
    clock.advance(minutes=6)
    page.get_by_role("button", name="Remove E-mail and password").click()
    page.get_by_role("button", name="Confirm with a passkey").click()
    expect(page.get_by_role("status")).to_contain_text("that was you")
    page.get_by_role("button", name="Remove E-mail and password").click()
    expect(page.get_by_role("status")).to_contain_text("was removed")


def test_a_passkey_is_the_second_step_after_a_password(page: Page, live: str, as_user: AsUser, device: Device, picture: Picture) -> None:
    as_user("ada@example.com")
    sign_in(page, live)
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("status")).to_contain_text("was added")
    page.goto(f"{live}/account/two-step")
    page.get_by_role("button", name="Passkey").click()
    page.get_by_text("Recovery codes").first.wait_for()
    sign_out(page, live)
    sign_in(page, live)
    expect(page.get_by_role("heading", name="Use your passkey")).to_be_visible()
    picture(page, "passkey-second-step")
    page.get_by_role("button", name="Use a passkey").click()
    is_account_of(page, "Ada Lovelace")
    sign_out(page, live)
    with_passkey(page, live)  # alone it is two factors already
    is_account_of(page, "Ada Lovelace")


def test_a_device_that_does_not_recognise_its_person_signs_nobody_in(page: Page, live: str, device: Device, picture: Picture) -> None:
    test_a_person_signs_up_and_in_with_a_passkey_alone(page, live, device, picture)
    sign_out(page, live)
    device.recognises(False)
    with_passkey(page, live)
    expect(page.get_by_role("status")).to_contain_text("You can try again")
    picture(page, "passkey-failed")
    device.recognises(True)
    page.get_by_role("button", name="Use a passkey").click()
    is_account_of(page, "Grace Hopper")


@pytest.mark.parametrize("javascript", [False], ids=["without scripts"])
def test_who_has_no_scripts_is_told_so(page: Page, live: str, javascript: bool) -> None:
    with_passkey(page, live)
    expect(page.get_by_text("Passkeys need JavaScript")).to_be_visible()
    expect(page.get_by_role("button", name="Use a passkey")).to_have_count(0)


def test_while_the_browser_asks_the_page_says_so_in_every_light_and_on_every_screen(
    page: Page, live: str, device: Device, look: Look
) -> None:
    device.away()
    with_passkey(page, live)
    expect(page.get_by_role("status")).to_contain_text("Your browser is asking you now.")
    look("passkey-asking")
