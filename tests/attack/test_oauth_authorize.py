"""Attacks on the authorization endpoint: OA-05, OA-07, OA-08, OA-09, OA-11, OA-21 of the attack list."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from authenticator.testing.asking import CALLBACK, Asking, answer
from tests.attack.costs import costing_little


@pytest.fixture(scope="module")
def shop(house: Any) -> Asking:
    return Asking.of(house.service)


@pytest.fixture(scope="module")
def ada(house: Any) -> Any:
    return house.sign_up()


@pytest.fixture(scope="module")
def browser(house: Any, ada: Any, shop: Asking) -> Any:
    """A browser whose person is signed in and has agreed."""
    browser = house.browser_of(ada)
    assert "code" in answer(allow(browser, ask(browser, shop)).location)
    return browser


def ask(browser: Any, shop: Asking, **other: str | None) -> TestResponse:
    found: TestResponse = browser.get("/oauth/authorize", query_string=shop.parameters(**other))
    return found


def allow(browser: Any, page: TestResponse) -> TestResponse:
    path = page.location
    fields = {"request": path.partition("request=")[2], "decision": "allow"}
    found: TestResponse = browser.send_form("/oauth/authorize/consent", fields, page=path)
    return found


def refused(page: TestResponse, error: str) -> None:
    assert page.status_code == 303, page.text
    assert page.location.startswith(f"{CALLBACK}?"), page.location
    assert answer(page.location).get("error") == error, page.location


# OA-05


@pytest.mark.parametrize("other", [
    {"code_challenge": None, "code_challenge_method": None},
    {"code_challenge": None},
    {"code_challenge_method": None},
    {"code_challenge_method": "plain"},
    {"code_challenge": "a" * 42},
    {"code_challenge": "a" * 44},
    {"code_challenge": "a" * 42 + "="},
    {"code_challenge": "", "code_challenge_method": "S256"},
])  # fmt: skip
def test_oa_05_without_a_good_challenge_nobody_gets_a_code(house: Any, browser: Any, shop: Asking, other: dict[str, str | None]) -> None:
    """Nor by its downgrade to plain (RFC 9700 §2.1.1), public client or not."""
    refused(ask(browser, shop, **other), "invalid_request")
    public = Asking.of(house.service, auth_method="none", require_pkce=False)
    refused(ask(browser, public, **other), "invalid_request")


def test_oa_05_without_challenge_something_else_must_keep_codes_apart(house: Any, browser: Any) -> None:
    old = Asking.of(house.service, require_pkce=False)
    none = {"code_challenge": None, "code_challenge_method": None}
    refused(ask(browser, old, **none, nonce=None, state=None), "invalid_request")
    assert ask(browser, old, **none, state=None).location.startswith("/oauth/authorize/continue")


# OA-07


@pytest.mark.parametrize(
    "kind",
    ["token", "id_token", "id_token token", "code token", "code id_token", "code id_token token", "none", "CODE", "code code", "password"],
)
def test_oa_07_nothing_but_a_code_is_given_out(browser: Any, shop: Asking, kind: str) -> None:
    for mode in (None, "query", "form_post"):
        page = ask(browser, shop, response_type=kind, response_mode=mode)
        if mode == "form_post":
            assert answer("", page.text)["error"] == "unsupported_response_type"
        else:
            refused(page, "unsupported_response_type")
    refused(ask(browser, shop, response_type=None), "invalid_request")


def test_oa_07_who_is_not_registered_for_codes_gets_none(house: Any, browser: Any) -> None:
    machine = Asking.of(house.service, grants=("client_credentials",))
    refused(ask(browser, machine), "unauthorized_client")


@pytest.mark.parametrize("mode", ["web_message", "query.jwt", "jwt", "FORM_POST", "okta_post_message", "../x"])
def test_oa_07_unknown_response_modes_are_refused(browser: Any, shop: Asking, mode: str) -> None:
    refused(ask(browser, shop, response_mode=mode), "invalid_request")


# OA-08


def test_oa_08_every_answer_says_who_gives_it_and_repeats_the_state(house: Any, browser: Any, shop: Asking) -> None:
    """In success and error, by 303 alone (RFC 9207 §2, RFC 9700 §4.12)."""
    outcomes: list[dict[str, str | None]] = [
        {},
        {"prompt": "none", "max_age": "0"},
        {"scope": "openid nothing"},
        {"scope": None, "prompt": "none login"},
        {"response_type": "token"},
        {"max_age": "-1"},
        {"max_age": "1e3"},
        {"claims": "{"},
        {"claims": "[" * 4000},
        {"id_token_hint": "x.y.z"},
        {"resource": "https://other.example"},
        {"dpop_jkt": "x"},
        {"prompt": "sudo"},
        {"request": "x"},
        {"request_uri": "https://evil.example/request"},
    ]
    for other in outcomes:
        state = secrets.token_urlsafe()
        page = ask(browser, shop, **{**other, "state": state})
        back = answer(page.location)
        assert page.status_code == 303
        assert page.location.startswith(f"{CALLBACK}?"), other
        assert (back["state"], back["iss"]) == (state, house.service.settings.public_url), other
        assert ("error" in back) == bool(other), (other, back)
    strange = "a&iss=https://evil.example#é\r\nX: y"
    back = answer(ask(browser, shop, state=strange).location)
    assert (back["state"], back["iss"]) == (strange, house.service.settings.public_url)


def test_oa_08_a_form_that_was_posted_is_not_repeated_at_the_application(browser: Any, shop: Asking) -> None:
    page = ask(browser, shop, prompt="consent")
    posted = allow(browser, page)
    assert posted.status_code == 303
    assert browser.post("/oauth/authorize", data=shop.parameters()).status_code == 303


@pytest.mark.parametrize(
    "name", ["state", "scope", "response_type", "nonce", "prompt", "code_challenge", "response_mode", "max_age", "unknown"]
)
def test_oa_08_no_parameter_comes_twice(browser: Any, shop: Asking, name: str) -> None:
    """RFC 6749 §3.1: not even with the same value."""
    given = {"response_mode": "query", "prompt": "login", "max_age": "5", "unknown": "1", **shop.parameters()}
    page = browser.get("/oauth/authorize", query_string=[*given.items(), (name, given[name])])
    refused(page, "invalid_request")


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_oa_08_what_says_where_to_answer_comes_once(browser: Any, shop: Asking, name: str) -> None:
    given = shop.parameters()
    page = browser.get("/oauth/authorize", query_string=[*given.items(), (name, given[name])])
    assert (page.status_code, page.location) == (400, None)


# OA-09


def test_oa_09_a_code_can_not_be_left_lying_in_a_fragment(house: Any, browser: Any, shop: Asking) -> None:
    """“Dirty dancing”: the server of the application never reads it there, and a script of somebody else's might."""
    refused(ask(browser, shop, response_mode="fragment"), "invalid_request")
    told = Asking.of(house.service, metadata={"response_modes": ["query"]}, auth_method="none")
    for mode in ("fragment", "form_post"):
        refused(ask(browser, told, response_mode=mode), "invalid_request")


def test_oa_09_whoever_looks_without_reading_is_given_no_code(browser: Any, shop: Asking) -> None:
    page = ask(browser, shop, prompt="select_account").location
    path = browser.send_form("/oauth/authorize/account", {"request": page.partition("request=")[2]}, page=page).location
    for _ in range(2):
        looked = browser.head(path)
        assert (looked.status_code, looked.location) == (200, None)
    assert "code" in answer(browser.get(path).location)


def test_oa_09_pages_tell_nobody_else_where_they_were(house: Any, browser: Any, shop: Asking) -> None:
    """No page on the way names an address of elsewhere that it loads, or sends a Referer."""
    for page in (ask(browser, shop, redirect_uri="https://evil.example/"), browser.get(ask(browser, shop, prompt="consent").location)):
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert "script-src" not in page.headers["Content-Security-Policy"]
        assert page.headers["X-Frame-Options"] == "DENY"
        assert 'src="http' not in page.text


# OA-11


def test_oa_11_a_sign_in_that_is_too_old_is_no_answer_to_max_age(house: Any, ada: Any, shop: Asking) -> None:
    browser = house.browser_of(ada)
    ask(browser, shop)
    house.clock.advance(seconds=90)
    for how in ({"max_age": "60"}, {"prompt": "login"}):
        location = ask(browser, shop, **how).location
        assert location.startswith("/oauth/authorize/continue")
        assert browser.get(location).location.startswith("/confirm"), how
        again = browser.get(location)  # to come back without having done it changes nothing
        assert again.location.startswith("/confirm"), how
        consent = {"request": location.partition("request=")[2], "decision": "allow"}
        posted = browser.send_form("/oauth/authorize/consent", consent, page="/account")
        assert posted.location.startswith("/oauth/authorize/continue"), how
    refused(ask(browser, shop, max_age="60", prompt="none"), "login_required")


def test_oa_11_nobody_else_answers_a_hint(house: Any, browser: Any, shop: Asking, ada: Any) -> None:
    bob = house.sign_up()
    hint = signed_hint(house, bob.id, shop.application.id)
    refused(ask(browser, shop, id_token_hint=hint, prompt="none"), "login_required")
    location = ask(browser, shop, id_token_hint=hint).location
    posted = browser.send_form(
        "/oauth/authorize/consent", {"request": location.partition("request=")[2], "decision": "allow"}, page="/account"
    )
    assert posted.location.startswith("/oauth/authorize/continue")


def test_oa_11_a_request_for_two_people_is_answered_for_neither(house: Any, browser: Any, shop: Asking, ada: Any) -> None:
    """OpenID Connect Core §3.1.2.2: whoever is named must be the one, by whichever parameter."""
    hers, another = (json.dumps({"sub": {"value": name}}) for name in (ada.id, "another"))
    for both in (f'{{"userinfo": {hers}, "id_token": {another}}}', f'{{"id_token": {{"sub": {{"values": ["{ada.id}", "another"]}}}}}}'):
        refused(ask(browser, shop, claims=both), "invalid_request")
    hint = signed_hint(house, ada.id, shop.application.id)
    refused(ask(browser, shop, id_token_hint=hint, claims=f'{{"id_token": {another}}}'), "invalid_request")
    assert "code" in answer(ask(browser, shop, id_token_hint=hint, claims=f'{{"id_token": {hers}, "userinfo": {hers}}}').location)


@pytest.mark.parametrize("forge", [
    lambda house, shop, ada: signed_hint(house, ada.id, "app_other"),
    lambda house, shop, ada: signed_hint(house, ada.id, shop.application.id)[:-4] + "AAAA",
    lambda house, shop, ada: signed_hint(house, ada.id, shop.application.id, iss="https://evil.example"),
    lambda house, shop, ada: signed_hint(house, ada.id, shop.application.id, typ="at+jwt"),
    lambda house, shop, ada: ada.access,
    lambda house, shop, ada: "eyJhbGciOiJub25lIn0.e30.",
])  # fmt: skip
def test_oa_11_a_forged_hint_is_none(house: Any, browser: Any, shop: Asking, ada: Any, forge: Callable[..., str]) -> None:
    refused(ask(browser, shop, id_token_hint=forge(house, shop, ada), prompt="none"), "invalid_request")


def test_oa_11_two_factors_that_are_essential_are_not_skipped(browser: Any, shop: Asking) -> None:
    """She has none set up, so that it can't be had (RFC 9470 §5)."""
    for wish in (
        '{"value": "2", "essential": true}',
        '{"value": "*", "essential": true}',
        '{"values": ["2", "9"], "essential": true}',
        '{"value": "phr", "essential": true}',
    ):
        refused(ask(browser, shop, claims=f'{{"id_token": {{"acr": {wish}}}}}'), "unmet_authentication_requirements")
    wished = answer(ask(browser, shop, acr_values="2").location)
    assert shop.code(wished).acr == "1"


def test_oa_11_a_suspended_account_gets_no_code(house: Any, shop: Asking) -> None:
    bob = house.sign_up()
    browser = house.browser_of(bob)
    assert "code" in answer(allow(browser, ask(browser, shop)).location)
    waiting = ask(browser, shop, prompt="consent").location
    house.suspend(bob)
    assert ask(browser, shop).location.startswith("/sign-in")
    assert browser.get(waiting).location.startswith("/sign-in")
    refused(ask(browser, shop, prompt="none"), "login_required")


# OA-21

BOMBS: dict[str, list[tuple[str, str]]] = {
    "a megabyte of scope": [("scope", "a" * 1_000_000)],
    "ten thousand scopes": [("scope", " ".join(f"s{number}" for number in range(10_000)))],
    "five thousand parameters": [(f"p{number}", "x") for number in range(5_000)],
    "a thousand times the same": [("scope", "openid")] * 1_000,
    "deep claims": [("claims", '{"userinfo":' * 3_000)],
    "long claims": [("claims", '{"userinfo": {"name": {"values": [' + '"x",' * 50_000)],
    "long request": [("request", "a." * 500_000)],
    "long hint": [("id_token_hint", "a." * 100_000)],
    "long state": [("state", "s" * 100_000)],
    "a thousand resources": [("resource", f"https://r{number}.example/") for number in range(1_000)],
    "long prompt": [("prompt", "login " * 100_000)],
}  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS)
def test_oa_21_no_request_costs_more_than_its_refusal(browser: Any, shop: Asking, bomb: str) -> None:
    """CVE-2026-4634: at once, and never a fault of ours."""
    names = {name for name, _ in BOMBS[bomb]}
    given = [*((name, value) for name, value in shop.parameters().items() if name not in names), *BOMBS[bomb]]
    for method, place in (("GET", "query_string"), ("POST", "data")):
        with costing_little():
            page = browser.open("/oauth/authorize", method=method, **{place: _encoded(given)}, **_form(method))
        refusal = page.status_code in (400, 413) or (page.status_code == 303 and "error=" in page.location)
        assert refusal or page.location.startswith("/oauth/authorize?"), (method, page.status)


def _encoded(given: list[tuple[str, str]]) -> str:
    from urllib.parse import urlencode

    return urlencode(given)


def _form(method: str) -> dict[str, str]:
    return {"content_type": "application/x-www-form-urlencoded"} if method == "POST" else {}


def signed_hint(house: Any, subject: str, audience: str, *, iss: str = "", typ: str = "JWT") -> str:
    claims = {"iss": iss or house.service.settings.public_url, "sub": subject, "aud": audience, "exp": 1, "iat": 1}
    found: str = house.service.keys.sign(claims, typ=typ, algorithm="RS256")
    return found
