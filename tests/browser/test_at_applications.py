"""Signing in to applications as a person does it: by keyboard alone, and to one that is nothing but a page."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect

from authenticator.service import Service
from authenticator.testing.asking import Asking
from authenticator.testing.people import AsUser
from tests.browser.elsewhere import Elsewhere

MOST_TABS = 30

# An application without a server: it keeps the verifier, comes back with a code, and asks for tokens and for who it is.
SINGLE_PAGE = """<!doctype html><html lang=en><title>Shop</title><link rel=icon href=data:,><h1></h1><script type=module>
const issuer = "%(issuer)s", client_id = "%(client_id)s", redirect_uri = location.origin + location.pathname;
const text = bytes => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const sent = new URLSearchParams(location.search);
if (!sent.has("code")) {
  const verifier = text(crypto.getRandomValues(new Uint8Array(32)));
  sessionStorage.verifier = verifier;
  const code_challenge = text(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
  const asked = {client_id, redirect_uri, response_type: "code", scope: "openid profile", code_challenge, code_challenge_method: "S256"};
  location = issuer + "/oauth/authorize?" + new URLSearchParams(asked);
} else {
  const facts = {grant_type: "authorization_code", client_id, redirect_uri, code: sent.get("code"), code_verifier: sessionStorage.verifier};
  const tokens = await (await fetch(issuer + "/oauth/token", {method: "POST", body: new URLSearchParams(facts)})).json();
  const who = await fetch(issuer + "/oauth/userinfo", {headers: {Authorization: "Bearer " + tokens.access_token}});
  sessionStorage.access = tokens.access_token;
  document.querySelector("h1").textContent = "Hello " + (await who.json()).name;
}
</script>"""

TRIED = """async ([issuer, token]) => {
  const said = async (path, options) => { try { return (await fetch(issuer + path, options)).status } catch (error) { return error.name } };
  const form = new URLSearchParams({grant_type: "authorization_code", code: "x"});
  const headers = {Authorization: "Bearer " + token};
  return [
    await said("/oauth/token", {method: "POST", body: form}),
    await said("/oauth/userinfo", {headers}),
    await said("/oauth/userinfo", {headers, credentials: "include"}),
    await said("/api/v1/me", {headers}),
  ];
}"""


@pytest.fixture
def auth(auth_app: Flask) -> Service:
    found: Service = auth_app.extensions["authenticator"]
    return found


def an_application(auth: Service, uri: str, **facts: Any) -> Asking:
    return Asking.of(auth, redirect_uris=(uri,), scopes=("openid", "profile", "email"), auth_method="none", **facts)


def go_to(page: Page, name: str) -> None:
    """Press Tab until the keyboard is at what is called so."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        at = page.evaluate("(one => (one.labels?.[0] ?? one).innerText.trim())(document.activeElement)")
        if at == name:
            return
    pytest.fail(f"Tab never comes to {name}")


def test_she_signs_in_to_an_application_by_keyboard_alone(
    page: Page, live: str, auth: Service, elsewhere: Elsewhere, as_user: AsUser
) -> None:
    shop, ada = an_application(auth, elsewhere.callback), as_user()
    address = f"{live}/oauth/authorize?{urlencode(shop.parameters(scope='openid profile'))}".replace("&", "&amp;")
    elsewhere.pages["/"] = f'<!doctype html><html lang=en><title>Shop</title><h1>Shop</h1><a href="{address}">Sign in</a>'
    page.goto(f"{elsewhere.origin}/")
    go_to(page, "Sign in")
    page.keyboard.press("Enter")
    page.locator("#password-email").wait_for()
    go_to(page, "E-mail or user name")
    page.keyboard.type(ada.email)
    page.keyboard.press("Tab")
    page.keyboard.type(ada.password)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Allow Shop?").wait_for()
    go_to(page, "Allow")
    page.keyboard.press("Space")
    page.get_by_role("heading", name="Back in the shop").wait_for()
    assert {"code", "state", "iss"} <= set(elsewhere.arrived[-1])


def test_wb_03_a_page_of_a_listed_origin_signs_her_in_with_nothing_but_scripts(
    page: Page, live: str, auth: Service, elsewhere: Elsewhere, as_user: AsUser, chromium: Chromium
) -> None:
    there = f"{elsewhere.origin}/app"
    shop = an_application(auth, there, origins=(elsewhere.origin,))
    elsewhere.pages["/app"] = SINGLE_PAGE % {"issuer": live, "client_id": shop.application.id}
    ada = as_user()
    page.goto(there)
    page.locator("#password-email").fill(ada.email)
    page.locator("#password-password").fill(ada.password)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Allow", exact=True).click()
    expect(page.get_by_role("heading", name="Hello Ada Lovelace")).to_be_visible()
    token = page.evaluate("sessionStorage.access")
    assert (
        page.evaluate(
            "([to, Authorization]) => fetch(to, {headers: {Authorization}}).then(one => one.status)",
            [f"{live}/oauth/userinfo", f"Bearer {token}"],
        )
        == 200
    )
    # the same server under another name is another origin, which nobody listed
    assert _tried_from(chromium, elsewhere.origin.replace("localhost", "127.0.0.1"), live, token) == ["TypeError"] * 4


def _tried_from(chromium: Chromium, origin: str, live: str, token: str) -> object:
    """What a page of this origin reads; in a window of its own, where the browser may complain."""
    context = chromium.new_context()
    try:
        foreign = context.new_page()
        foreign.goto(f"{origin}/")
        return foreign.evaluate(TRIED, [live, token])
    finally:
        context.close()
