"""Whether everybody can use the pages: each walk shows many of them, and each of those is looked at in every light and width."""

from __future__ import annotations

import io
from collections.abc import Callable

import pyotp
from PIL import Image
from playwright.sync_api import Page

from authenticator.clock import SetClock
from authenticator.testing.client import Browser
from authenticator.testing.people import PASSWORD, AsUser, Outbox
from tests.browser.everybody import bring_cookies, enter, first_step, sign_out

Look = Callable[[str], None]
ADA, WORK, SECOND = "ada@example.com", "countess@work.example.com", "ada.lovelace@example.org"
NUMBER, OTHER = "+44 7400 123456", "+44 7400 123457"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15"


def link_to(outbox: Outbox, path: str, to: str) -> str:
    return str(next(message["link"] for message in outbox.all(to) if path in message.get("link", "")))


def refused(page: Page, button: str) -> None:
    page.get_by_role("button", name=button, exact=True).click()
    page.get_by_role("alert").first.wait_for()


def test_the_pages_to_sign_in_and_up(page: Page, live: str, look: Look) -> None:
    for path in ("sign-in", "sign-in/email", "sign-in/phone", "sign-in?signed_out=google", "sign-up", "sign-up/email", "sign-up/phone"):
        page.goto(f"{live}/{path}")
        look(path.replace("/", "-").partition("?")[0] + ("-signed-out" if "?" in path else ""))
    page.goto(f"{live}/sign-up")
    refused(page, "Create account")
    look("sign-up-refused")
    page.goto(f"{live}/sign-up/passkey")
    look("sign-up-passkey")
    page.goto(f"{live}/sign-in/google")
    page.get_by_text("Let something go wrong").click()
    look("picker")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("alert").first.wait_for()
    look("sign-in-cancelled")


def test_the_pages_that_ask_for_a_code(page: Page, live: str, outbox: Outbox, look: Look) -> None:
    page.goto(f"{live}/sign-up")
    for label, text in (("First name", "Alan"), ("Last name", "Turing"), ("E-mail", "alan@example.com")):
        page.get_by_label(label).fill(text)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url("**/verify*")
    look("verify")
    page.get_by_label("Code").fill("000000")
    refused(page, "Continue")
    look("verify-refused")
    page.get_by_role("button", name="Send a new code").click()
    page.get_by_role("status").wait_for()
    look("verify-sent-again")
    page.goto(f"{live}/sign-in/phone")
    page.get_by_label("Phone").fill(NUMBER)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/verify*")
    look("verify-phone")
    page.goto(f"{live}/sign-in/email")
    page.get_by_label("E-mail").fill(ADA)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/verify*")
    page.goto(outbox.last(to=ADA)["link"])
    look("verify-link")


def test_refusals_and_the_tools_of_development(page: Page, live: str, as_user: AsUser, look: Look) -> None:
    as_user(ADA)  # so that there is a message in the outbox
    for path in ("nothing/here", "sign-in/google/callback?state=x&code=y", "verify-email?token=x", "keep-account?token=x"):
        page.goto(f"{live}/{path}")
        look("error-" + path.partition("?")[0].replace("/", "-"))
    page.goto(f"{live}/reset-password?token=x")
    look("error-reset-password")
    page.goto(f"{live}/dev/outbox")
    look("outbox")
    page.goto(f"{live}/api/v1/docs")
    look("api-docs")


def test_the_pages_of_an_account_that_has_nothing_yet(page: Page, live: str, client: Browser, outbox: Outbox, look: Look) -> None:
    client.submit("/sign-in/phone", phone_number=NUMBER)
    client.submit("/sign-in/verify", code=outbox.code())
    bring_cookies(page, live, client)
    for path in ("", "/profile", "/emails", "/phones", "/password", "/two-step", "/sessions", "/history", "/data"):
        page.goto(f"{live}/account{path}")
        assert page.locator("nav [aria-current=page]").count() == 1
        look(f"empty{path.replace('/', '-') or '-account'}")
    page.get_by_role("button", name="Delete my account").click()
    page.get_by_role("alert").first.wait_for()
    look("empty-data-not-sure")


def test_the_pages_of_an_account_that_has_everything(
    page: Page, live: str, as_user: AsUser, outbox: Outbox, clock: SetClock, look: Look
) -> None:
    ada = as_user(ADA)
    enter(page, live, ada)
    fill_profile(page, live, look)
    fill_contacts(page, live, outbox, look)
    for agent in (MAC, PHONE, "curl/8.5.0"):
        last = ada.browser(agent=agent, address="198.51.100.7")
    last.submit("/account", action="/sign-out")
    last.submit("/sign-in", email=ADA, password="not this one")
    page.goto(f"{live}/account/sessions")
    page.get_by_role("button", name="End the sign-in of Safari on iOS").click()
    page.get_by_role("status").wait_for()
    look("sessions")
    page.goto(f"{live}/account/history")
    assert page.locator("li.odd").filter(has_text="did not succeed").count() == 1
    look("history")
    page.goto(f"{live}/account/password")
    refused(page, "Change password")
    look("password-refused")
    page.goto(f"{live}/account")
    page.get_by_role("button", name="Get a token").click()
    page.get_by_text("curl").wait_for()
    look("account-with-token")
    clock.advance(minutes=6)
    page.get_by_role("button", name="Remove E-mail and password").click()
    page.get_by_role("heading", name="Confirm that it is you").wait_for()
    look("confirm")


def fill_profile(page: Page, live: str, look: Look) -> None:
    """Two pictures and a user name; then one that is no picture."""
    page.goto(f"{live}/account/profile")
    for colour in ("teal", "salmon"):
        drawn = io.BytesIO()
        Image.new("RGB", (300, 200), colour).save(drawn, "PNG")
        page.get_by_label("Add a picture").set_input_files({"name": "me.png", "mimeType": "image/png", "buffer": drawn.getvalue()})
        page.get_by_role("button", name="Add picture").click()
        page.get_by_role("status").wait_for()
    page.locator("#username").fill("countess")
    page.get_by_role("button", name="Save user name").click()
    page.get_by_role("status").wait_for()
    look("profile")
    page.get_by_label("Add a picture").set_input_files({"name": "me.svg", "mimeType": "image/png", "buffer": b"<svg/>"})
    refused(page, "Add picture")
    look("profile-refused")


def fill_contacts(page: Page, live: str, outbox: Outbox, look: Look) -> None:
    """One address and one number that are proved, and one of each that is not."""
    page.goto(f"{live}/account/emails")
    for address in (SECOND, WORK):
        page.get_by_label("E-mail address", exact=True).fill(address)
        page.get_by_role("button", name="Add address").click()
        page.get_by_role("status").wait_for()
    page.get_by_role("listitem").filter(has_text=SECOND).get_by_label("Code", exact=True).fill(outbox.code(to=SECOND))
    page.get_by_role("button", name=f"Confirm {SECOND}", exact=True).click()
    page.get_by_text("is confirmed").wait_for()
    page.get_by_label("Code", exact=True).fill("000000")
    refused(page, f"Confirm {WORK}")
    look("emails-refused")
    page.goto(f"{live}/account/phones")
    for number in (NUMBER, OTHER):
        page.get_by_label("Phone number", exact=True).fill(number)
        page.get_by_role("button", name="Add number").click()
        page.get_by_role("status").wait_for()
    page.get_by_role("listitem").filter(has_text=NUMBER).get_by_label("Code", exact=True).fill(outbox.code(to=NUMBER.replace(" ", "")))
    page.get_by_role("button", name=f"Confirm {NUMBER}", exact=True).click()
    page.get_by_text("is confirmed").wait_for()
    look("phones")


def test_the_pages_behind_mailed_links(page: Page, live: str, as_user: AsUser, outbox: Outbox, look: Look) -> None:
    ada = as_user(ADA)
    browser = ada.browser()
    for address in (WORK, SECOND):
        browser.submit("/account/emails", email=address)
    page.goto(link_to(outbox, "/verify-email", WORK))
    look("verify-email")
    page.get_by_role("button", name="Confirm this address").click()
    page.get_by_role("status").wait_for()
    look("verify-email-done")
    page.goto(link_to(outbox, "/cancel-change", ADA))
    look("cancel-change")
    page.get_by_role("button", name="remove it").click()
    page.get_by_role("status").wait_for()
    look("cancel-change-done")
    enter(page, live, as_user("grace@example.com", given_name="Grace", family_name="Hopper"))
    browser = ada.browser()
    browser.submit("/account/emails", email="third@example.com")
    page.goto(link_to(outbox, "/verify-email", "third@example.com"))
    look("verify-email-stranger")
    browser.submit("/account/data", action="/delete", sure="1")
    page.goto(link_to(outbox, "/keep-account", ADA))
    look("keep-account")
    for done in ("deleted", "kept"):
        page.goto(f"{live}/keep-account?done={done}")
        look(f"keep-account-{done}")


def test_the_pages_to_find_the_way_back(page: Page, live: str, as_user: AsUser, outbox: Outbox, look: Look) -> None:
    as_user(ADA)
    page.goto(f"{live}/forgot-password")
    look("forgot-password")
    page.get_by_label("E-mail or user name").fill(ADA)
    page.get_by_role("button", name="Send").click()
    page.get_by_label("Code").wait_for()
    look("reset-password-by-code")
    page.goto(outbox.last(to=ADA)["link"])
    look("reset-password-by-link")
    page.get_by_label("New password").fill("short")
    refused(page, "Set the password")
    look("reset-password-refused")
    page.goto(f"{live}/reset-password?done=1")
    look("reset-password-done")


def test_the_pages_of_the_second_step(page: Page, live: str, as_user: AsUser, clock: SetClock, look: Look) -> None:
    ada = as_user(ADA)
    enter(page, live, ada)
    page.goto(f"{live}/account/two-step")
    page.get_by_role("button", name="Authenticator app").click()
    look("two-step-set-up")
    page.get_by_label("Code", exact=True).fill("000000")
    refused(page, "Turn it on")
    look("two-step-set-up-refused")
    secret = "".join(page.locator("code").inner_text().split())
    page.get_by_label("Code", exact=True).fill(pyotp.TOTP(secret).at(clock.now()))
    page.get_by_role("button", name="Turn it on").click()
    page.get_by_role("heading", name="Your recovery codes").wait_for()
    look("recovery-codes")
    page.goto(f"{live}/account/two-step?done=added")
    look("two-step")
    sign_out(page, live)
    first_step(page, live, ada)
    page.get_by_label("Code", exact=True).wait_for()
    look("second-step")
    page.get_by_role("button", name="Recovery code").click()
    page.get_by_label("Recovery code").wait_for()
    look("second-step-recovery")


def test_a_passkey_s_page_whose_script_does_not_run(page: Page, live: str, look: Look) -> None:
    page.route("**/passkey.js*", lambda route: route.abort())  # axe-core needs scripts itself, so they stay on
    page.goto(f"{live}/sign-in")
    page.get_by_role("button", name="Continue with a passkey").click()
    page.get_by_text("Passkeys need JavaScript").wait_for()
    look("passkey-without-scripts")
