"""Whether the Google plug-in, unchanged, gets along with an OpenID provider that we did not write: npm's certified oidc-provider."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import requests

from authenticator.testing.client import Browser, Page
from authenticator.testing.databases import absent
from authenticator.testing.people import AsUser, Outbox
from authenticator.testing.servers import free_port
from authenticator.testing.sights import asked_for, changed
from tests.interop.served import node, npm_packages

HERE = Path(__file__).parent
CALLBACK = "http://localhost:8000/sign-in/google/callback"
PATIENCE = 60

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def openid_server() -> Iterator[str]:
    """The base URL under which the server's issuer is `<base>/accounts.google.com`."""
    program = node()
    npm_packages()
    port = free_port()
    with subprocess.Popen([program, HERE / "openid_server.mjs", str(port), CALLBACK], stdout=subprocess.PIPE, text=True) as server:
        try:
            if not any(line.strip() == "listening" for line in server.stdout or ()):
                absent("oidc-provider did not start")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'authenticator.db'}"


@pytest.fixture
def auth_settings(openid_server: str) -> dict[str, Any]:
    return {"EMULATOR_URL": openid_server, "PLUGINS": ["google", "password"]}


def walk(url: str) -> str:
    """Go where a browser would, with its cookies, until the server sends it back to us."""
    with requests.Session() as browser:
        for _ in range(10):
            answer = browser.get(url, allow_redirects=False, timeout=PATIENCE)
            assert answer.is_redirect, (answer.status_code, answer.text[:1000])
            url = urljoin(url, answer.headers["Location"])
            if url.startswith(CALLBACK):
                return url
    raise AssertionError(f"no way back from {url}")


def sign_in(browser: Browser, person: str) -> Page:
    return browser.get(walk(browser.get(f"/sign-in/google?login_hint={person}").location))


def test_a_person_signs_up_and_comes_again(client: Browser) -> None:
    assert sign_in(client, "ada").status == 303
    me = client.api("GET", "me").body
    assert (me["email"], me["email_verified"], me["name"]["display"]) == ("ada@example.com", True, "Ada Lovelace")
    again = client.browser()
    sign_in(again, "ada")
    assert again.api("GET", "me")["id"] == me["id"]


def test_an_address_that_is_not_verified_there_is_proved_here(client: Browser, outbox: Outbox) -> None:
    page = sign_in(client, "alan")
    assert page.path == "/sign-in/verify"
    client.submit(page.follow(), code=outbox.code(to="alan@example.com"))
    assert client.api("GET", "me")["name"]["given"] == "Alan"


def test_a_person_who_says_no_is_told_so(client: Browser) -> None:
    page = sign_in(client, "nobody")
    assert page.status == 401
    assert "cancelled" in page
    assert not client.signed_in


def test_a_way_is_added_to_an_account(as_user: AsUser) -> None:
    browser = as_user("grace@example.com").browser()
    away = next(link for link in browser.submit("/account", action="/account/link/google").links if "state=" in link)
    assert browser.get(walk(f"{away}&login_hint=alan")).status == 303
    assert {key["provider"] for key in browser.api("GET", "me/identities").body} == {"google", "password"}


def test_a_code_of_another_sign_in_is_refused(client: Browser) -> None:
    first, second = (client.get("/sign-in/google?login_hint=ada").location for _ in range(2))
    stolen = asked_for(walk(second))["code"]
    page = client.get(changed(walk(first), code=stolen))
    assert page.status == 401
    assert not client.signed_in
