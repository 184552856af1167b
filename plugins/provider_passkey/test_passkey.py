"""Whether passkeys do what the README says: sign up, sign in, be added, confirm, and be a second step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from authenticator_passkey import PasskeyOptions
from authenticator_passkey.keys import is_taken
from authenticator_passkey.labels import label
from authenticator_passkey.options import belongs
from flask import Flask

from authenticator.app import create_app
from authenticator.errors import ConfigurationError
from authenticator.models import LoginKey
from authenticator.testing.client import Answer, Browser, Page
from authenticator.testing.people import AsUser, Outbox
from authenticator.testing.security_key import EDDSA, ES256, RS256, SecurityKey, packed

ADA = {"given_name": "Ada", "family_name": "Lovelace"}
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"


@pytest.fixture
def key(client: Browser) -> SecurityKey:
    return SecurityKey(client.base)


def sign_up(client: Browser, key: SecurityKey, **facts: Any) -> Answer:
    """A new account with nothing but a passkey."""
    asked = client.api("POST", "sign-up/passkey", {**ADA, **facts.pop("person", {})})
    assert asked.status == 202, asked
    return go_on(client, asked, key.create(asked["challenge"]["options"]["publicKey"], **facts))


def sign_in(client: Browser, key: SecurityKey, **facts: Any) -> Answer:
    asked = client.api("POST", "sign-in/passkey", {})
    assert asked.status == 200, asked
    return go_on(client, asked, key.get(asked["challenge"]["options"]["publicKey"], **facts))


def go_on(client: Browser, asked: Answer, credential: str) -> Answer:
    return client.api("POST", "sign-in/continue", {"challenge": asked["challenge"]["id"], "credential": credential})


def options_on(page: Page) -> Any:
    """What the page asks of the browser, as its script reads it."""
    form = page.form("credential")
    return json.loads(form.data["passkey"])["publicKey"]


def add(browser: Browser, key: SecurityKey) -> Page:
    """Add a passkey on the account page of somebody signed in."""
    page = browser.submit("/account", action="/account/link/passkey").follow()
    return browser.submit(page, credential=key.create(options_on(page)))


# Through the API


@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
def test_a_person_signs_up_and_in_with_a_passkey_and_nothing_else(client: Browser, key: SecurityKey, algorithm: int) -> None:
    done = sign_up(client, key, algorithm=algorithm)
    assert (done.status, done["user"]["name"]["display"], done["user"]["email"]) == (200, "Ada Lovelace", None)
    again = sign_in(client, key)
    assert (again.status, again["user"]["id"]) == (200, done["user"]["id"])
    sessions = client.api("GET", "me/sessions", token=again["access_token"])
    assert {"hwk", "user", "mfa"} <= set(sessions.body[0]["amr"])


def test_an_address_given_at_sign_up_is_proved_before_there_is_an_account(client: Browser, key: SecurityKey, outbox: Outbox) -> None:
    asked = sign_up(client, key, person={"email": "Ada@Example.com"})
    assert asked["challenge"]["kind"] == "code"
    assert sign_in(client, key).code == "invalid_credentials"
    fields = {"challenge": asked["challenge"]["id"], "code": outbox.code(to="ada@example.com")}
    done = client.api("POST", "sign-in/continue", fields)
    assert (done["user"]["email"], done["user"]["email_verified"]) == ("ada@example.com", True)
    assert sign_in(client, key)["user"]["id"] == done["user"]["id"]


def test_what_the_browser_is_asked_for_a_new_passkey(client: Browser) -> None:
    challenge = client.api("POST", "sign-up/passkey", {**ADA, "email": "ada@example.com"})["challenge"]
    assert (challenge["kind"], challenge["options"]["ceremony"]) == ("passkey", "create")
    wanted = challenge["options"]["publicKey"]
    assert wanted["rp"]["id"] == "localhost"
    assert (wanted["user"]["name"], wanted["user"]["displayName"]) == ("ada@example.com", "Ada Lovelace")
    assert [item["alg"] for item in wanted["pubKeyCredParams"]] == [ES256, EDDSA, RS256]
    assert wanted["authenticatorSelection"]["residentKey"] == wanted["authenticatorSelection"]["userVerification"] == "required"
    assert (wanted["attestation"], wanted["excludeCredentials"]) == ("none", [])
    assert len(wanted["challenge"]) == len(wanted["user"]["id"]) == 43  # 32 bytes


def test_what_the_browser_is_asked_at_sign_in_names_nobody(client: Browser, key: SecurityKey) -> None:
    sign_up(client, key)
    wanted = client.api("POST", "sign-in/passkey", {})["challenge"]["options"]["publicKey"]
    assert (wanted["rpId"], wanted["userVerification"], wanted["allowCredentials"]) == ("localhost", "required", [])


def test_the_counter_moves_on_and_a_passkey_without_one_works_as_well(client: Browser, auth_app: Flask) -> None:
    counting, still = SecurityKey(client.base), SecurityKey(client.base, counts=False)
    for key in (counting, still):
        sign_up(client, key)
        assert [sign_in(client, key).status for _ in range(3)] == [200, 200, 200]
    store = auth_app.extensions["authenticator"].core.store
    kept = [store.find_login(LoginKey("passkey", packed(key.credentials[0].id))).secret for key in (counting, still)]
    assert [json.loads(secret)["count"] for secret in kept] == [3, 0]


# On the pages


def test_a_person_signs_up_and_in_on_the_pages(client: Browser, key: SecurityKey) -> None:
    assert "/sign-up/passkey" in client.get("/sign-up").links
    page = client.submit("/sign-up/passkey", **ADA).follow()
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert "/static/passkey.js" in page.html
    done = client.submit(page, credential=key.create(options_on(page)))
    assert (done.status, done.path) == (303, "/account")
    assert "Ada Lovelace" in done.follow()
    client.submit("/account", action="/sign-out")
    shown = client.get("/sign-in")
    assert "Continue with a passkey" in shown
    assert "script-src" not in shown.headers["Content-Security-Policy"]
    page = client.post("/sign-in", {"provider": "passkey", "csrf_token": shown.form("provider").csrf}).follow()
    assert client.submit(page, credential=key.get(options_on(page))).path == "/account"
    assert client.signed_in


def test_a_refused_passkey_ends_on_the_sign_in_page(client: Browser, key: SecurityKey) -> None:
    sign_up(client, key)
    page = client.post("/sign-in", {"provider": "passkey", "csrf_token": client.form("/sign-in", "provider").csrf}).follow()
    refused = client.submit(page, credential=key.get(options_on(page), signature=b"\x30\x00"))
    assert refused.status == 401
    assert "That passkey was not accepted here." in refused
    again = client.submit(page, credential=key.get(options_on(page)))  # one answer to a challenge
    assert not client.signed_in, again


def test_a_person_adds_passkeys_and_sees_and_removes_them(as_user: AsUser, client: Browser) -> None:
    browser = as_user().browser(agent=AGENT)
    laptop, phone = SecurityKey(client.base), SecurityKey(client.base)
    assert add(browser, laptop).path == "/account"
    assert add(browser, phone).path == "/account"
    shown = browser.get("/account")
    assert shown.text.count("Passkey · Chrome, Linux") == 2
    assert "Add a passkey" in shown
    assert sign_in(client, laptop).status == sign_in(client, phone).status == 200
    assert laptop.credentials[0].handle == phone.credentials[0].handle  # one account, one handle
    page = browser.submit("/account", action="/account/link/passkey").follow()
    excluded = [item["id"] for item in options_on(page)["excludeCredentials"]]
    assert excluded == [packed(key.credentials[0].id) for key in (laptop, phone)]
    held = [form.action for form in browser.get("/account").forms if "/account/unlink/" in form.action]
    browser.submit("/account", action=held[-1])
    assert sign_in(client, phone).code == "invalid_credentials"
    assert sign_in(client, laptop).status == 200


def test_the_only_way_in_stays(client: Browser, key: SecurityKey) -> None:
    done = sign_up(client, key)
    identities = client.api("GET", "me/identities", token=done["access_token"]).body
    assert [item["provider"] for item in identities] == ["passkey"]
    removed = client.api("DELETE", f"me/identities/{identities[0]['id']}", token=done["access_token"])
    assert removed.code == "last_sign_in_method"
    assert sign_in(client, key).status == 200


def test_a_person_confirms_with_her_passkey_and_not_with_another_s(as_user: AsUser, client: Browser, clock: Any) -> None:
    browser, key, foreign = as_user().browser(), SecurityKey(client.base), SecurityKey(client.base)
    add(browser, key)
    sign_up(client.browser(), foreign)
    clock.advance(minutes=6)
    assert browser.submit("/account", action="/account/link/passkey").status == 403
    page = browser.submit(browser.submit("/account", action="/account/link/passkey"), action="/account/confirm/passkey").follow()
    assert [item["id"] for item in options_on(page)["allowCredentials"]] == [packed(key.credentials[0].id)]
    assert browser.submit(page, credential=foreign.get(options_on(page), credential=foreign.credentials[0])).status == 401
    page = browser.submit(browser.submit("/account", action="/account/link/passkey"), action="/account/confirm/passkey").follow()
    assert browser.submit(page, credential=key.get(options_on(page))).path == "/account"
    assert browser.submit("/account", action="/account/link/passkey").status == 303


def test_who_has_no_passkey_is_told_to_add_one_before_it_can_be_a_second_step(as_user: AsUser, client: Browser) -> None:
    ada, key = as_user(), SecurityKey(client.base)
    refused = client.api("POST", "me/factors/passkey", token=ada.access_token)
    assert (refused.status, refused.code) == (400, "invalid_request")
    assert "Add a passkey to your account first." in refused["detail"]
    asked = client.api("POST", "me/identities/passkey", {}, token=ada.access_token)
    fields = {"challenge": asked["challenge"]["id"], "credential": key.create(asked["challenge"]["options"]["publicKey"])}
    assert client.api("POST", "sign-in/continue", fields, token=ada.access_token).status == 200
    asked = client.api("POST", "me/factors/passkey", token=ada.access_token)
    fields = {"challenge": asked["challenge"]["id"], "credential": key.get(asked["challenge"]["options"]["publicKey"])}
    assert len(client.api("POST", "sign-in/continue", fields, token=ada.access_token)["recovery_codes"]) == 10
    step = client.api("POST", "sign-in/password", {"email": ada.email, "password": ada.password})
    assert step["challenge"]["kind"] == "passkey"
    assert go_on(client, step, key.get(step["challenge"]["options"]["publicKey"])).status == 200


# Settings, keys and names


@pytest.mark.parametrize(
    ("modulus", "taken"),
    [
        (b"\xff" * 256, True),
        (b"\x03" + b"\xff" * 435, True),
        (b"\xff" * 512, True),
        (b"\x7f" + b"\xff" * 255, False),
        (b"\x00" + b"\xff" * 256, False),
        (b"\xff" * 513, False),
        ("x" * 256, False),
    ],
    ids=["2,048 bits", "3,482 bits", "4,096 bits", "2,047 bits", "a leading zero", "4,104 bits", "text"],
)
def test_rsa_keys_are_taken_by_their_length(modulus: object, taken: bool) -> None:
    assert is_taken({1: 3, 3: RS256, -1: modulus, -2: b"\x01\x00\x01"}) is taken


def test_a_domain_that_no_browser_would_accept_stops_the_start() -> None:
    assert belongs("example.com", "https://auth.example.com")
    assert belongs("auth.example.com", "https://auth.example.com/login")
    assert not belongs("com", "https://auth.example.com")
    assert not belongs("ample.com", "https://auth.example.com")
    assert not belongs("other.example", "https://auth.example.com")
    assert PasskeyOptions().rp_id == ""


@pytest.mark.parametrize(
    ("agent", "aaguid", "name"),
    [
        (AGENT, "", "Passkey · Chrome, Linux"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1",
            "",
            "Passkey · Safari, iPhone",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/131.0 Safari/537.36 Edg/131.0", "", "Passkey · Edge, Windows"),
        (AGENT, "bada5566-a7aa-401f-bd96-45619a55120d", "Passkey · 1Password"),
        ("curl/8", "", "Passkey"),
    ],
)
def test_a_passkey_is_named_after_where_it_is_kept(agent: str, aaguid: str, name: str) -> None:
    assert label(agent, aaguid) == name


def test_a_wrong_domain_is_told_at_the_start(tmp_path: Path) -> None:
    settings = {"ENVIRONMENT": "development", "DATA_DIR": str(tmp_path), "PLUGINS": ["passkey"], "PASSKEY_RP_ID": "elsewhere.example"}
    with pytest.raises(ConfigurationError, match="AUTHENTICATOR_PASSKEY_RP_ID must be the host"):
        create_app({f"AUTHENTICATOR_{name}": value for name, value in settings.items()}, env_file=None)


class TestOfAParentDomain:
    """Passkeys of a whole domain, used by the application beside the service through the API."""

    @pytest.fixture
    def auth_settings(self) -> dict[str, Any]:
        urls = {"PUBLIC_URL": "https://auth.example.com", "PASSKEY_ORIGINS": ["https://app.example.com"]}
        return {**urls, "PASSKEY_RP_ID": "example.com"}

    def test_they_sign_in_at_each_listed_origin_and_at_no_other(self, client: Browser) -> None:
        key = SecurityKey("https://app.example.com")
        assert sign_up(client, key).status == 200
        assert key.credentials[0].rp_id == "example.com"
        statuses = {}
        for origin in ("https://auth.example.com", "https://app.example.com", "https://example.com", "https://other.example.com"):
            key.origin = origin
            statuses[origin.removeprefix("https://")] = sign_in(client, key).status
        assert statuses == {"auth.example.com": 200, "app.example.com": 200, "example.com": 401, "other.example.com": 401}


class TestAtAnotherNameOfThisMachine:
    """A developer whose browser says 127.0.0.1 where the public URL says localhost."""

    def test_the_ceremony_belongs_to_where_the_browser_is(self, client: Browser) -> None:
        elsewhere = client.browser()
        elsewhere.base = client.base.replace("localhost", "127.0.0.1")
        wanted = elsewhere.api("POST", "sign-in/passkey", {})["challenge"]["options"]["publicKey"]
        assert wanted["rpId"] == "127.0.0.1"
