"""Attacks on where the authorization endpoint leads browsers: OA-01 and OA-09 of the attack list."""

from __future__ import annotations

from typing import Any

import pytest

from authenticator.testing.asking import Asking, answer

HOME = "https://shop.example/callback"
LOCAL = "http://127.0.0.1:8123/back"


@pytest.fixture(scope="module")
def browser(house: Any) -> Any:
    return house.browser_of(house.sign_up())


@pytest.fixture(scope="module")
def shop(house: Any) -> Asking:
    return Asking.of(house.service, redirect_uris=(HOME, f"{HOME}?tenant=1", "com.example.shop:/back"))


@pytest.fixture(scope="module")
def native(house: Any) -> Asking:
    return Asking.of(house.service, redirect_uris=(LOCAL, "http://[::1]/back"), auth_method="none")


def nowhere(browser: Any, asking: Asking, **other: str | None) -> None:
    """A page, and no redirect, whatever else is wrong with the request."""
    for more in ({}, {"response_type": "token"}, {"response_mode": "form_post"}, {"prompt": "none"}, {"scope": "nonsense"}):
        page = browser.get("/oauth/authorize", query_string=asking.parameters(**{**more, **other}))
        assert (page.status_code, page.location) == (400, None), (other, more)
        assert "evil" not in page.text
        assert "http-equiv" not in page.text
        pushed = browser.post("/oauth/authorize", data=asking.parameters(**{**more, **other}))
        assert (browser.get(pushed.location) if pushed.location else pushed).status_code == 400


WRONG = {
    "upper case host": "https://SHOP.example/callback",
    "upper case path": "https://shop.example/Callback",
    "upper case scheme": "HTTPS://shop.example/callback",
    "other scheme": "http://shop.example/callback",
    "other port": "https://shop.example:8443/callback",
    "the usual port": "https://shop.example:443/callback",
    "longer path": f"{HOME}/evil",
    "shorter path": "https://shop.example/",
    "slash at the end": f"{HOME}/",
    "parent": f"{HOME}/../callback",
    "encoded parent": f"{HOME}/%2e%2e/evil",
    "double slash": "https://shop.example//callback",
    "extra query": f"{HOME}?x=1",
    "more of a registered query": f"{HOME}?tenant=1&x=evil",
    "empty query": f"{HOME}?",
    "fragment": f"{HOME}#evil",
    "sub-domain": "https://evil.shop.example/callback",
    "prefix of a host": "https://shop.example.evil.example/callback",
    "user": "https://shop.example@evil.example/callback",
    "regex dot": "https://shopXexample/callback",
    "backslash": "https://shop.example\\@evil.example/callback",
    "encoded": "https%3A%2F%2Fshop.example%2Fcallback",
    "space": f"{HOME} ",
    "line break": f"{HOME}\r\nLocation: https://evil.example",
    "NUL": f"{HOME}\0",
    "script": "javascript:alert(1)//https://shop.example/callback",
    "data": "data:text/html,evil",
    "without scheme": "//shop.example/callback",
    "path only": "/callback",
    "two in one": f"{HOME},https://evil.example",
    "scheme of its own, other path": "com.example.shop:/evil",
    "look-alike": "https://shоp.example/callback",
    "long": f"{HOME}?{'x' * 5000}",
    "missing": None,
}


@pytest.mark.parametrize("how", WRONG)
def test_oa_01_an_address_that_is_not_the_very_one_is_never_gone_to(browser: Any, shop: Asking, how: str) -> None:
    """RFC 6749 §4.1.2.1, RFC 9700 §4.1.3, CVE-2024-52289."""
    nowhere(browser, shop, redirect_uri=WRONG[how])


@pytest.mark.parametrize("uri", [
    "http://127.0.0.1:8123/other",
    "http://127.0.0.2:8123/back",
    "http://localhost:8123/back",
    "https://127.0.0.1:8123/back",
    "http://127.0.0.1.evil.example:8123/back",
    "http://127.0.0.1:8123@evil.example/back",
    "http://127.0.0.1:99999/back",
    "http://127.0.0.1:0/back",
    "http://127.0.0.1:08123/back",
    "http://127.0.0.1:/back",
    "http://127.0.0.1:81\u0662/back",
    "http://127.0.0.1:8123/back?x=1",
    "http://127.0.0.1:8123/back#x",
    "http://[::1]:8123/back/",
    "http://[::ffff:127.0.0.1]/back",
    "http://2130706433/back",
])  # fmt: skip
def test_oa_01_on_ones_own_machine_nothing_but_the_port_varies(browser: Any, native: Asking, uri: str) -> None:
    """RFC 8252 §7.3."""
    nowhere(browser, native, redirect_uri=uri)


@pytest.mark.parametrize("uri", [LOCAL, "http://127.0.0.1/back", "http://127.0.0.1:51004/back", "http://[::1]:40000/back"])
def test_oa_01_a_program_may_listen_at_any_port(browser: Any, native: Asking, uri: str) -> None:
    page = browser.get("/oauth/authorize", query_string=native.parameters(redirect_uri=uri, prompt="none"))
    assert page.location.startswith(f"{uri}?")
    assert answer(page.location)["error"] == "consent_required"


def test_oa_01_https_never_varies_its_port(house: Any, browser: Any) -> None:
    secure = Asking.of(house.service, redirect_uris=("https://127.0.0.1:8123/back",))
    nowhere(browser, secure, redirect_uri="https://127.0.0.1:8124/back")


@pytest.mark.parametrize(
    "client_id", ["", "app_unknown", "authenticator", "1", "x" * 5_000, "https://evil.example/client.json", "a\0b", "é"]
)
def test_oa_01_nobody_is_led_anywhere_for_an_application_that_is_none(browser: Any, shop: Asking, client_id: str) -> None:
    nowhere(browser, shop, client_id=client_id)
    nowhere(browser, shop, client_id=None)


def test_oa_01_an_application_that_is_switched_off_gets_nobody(house: Any, browser: Any) -> None:
    """Nor where a person has already begun to sign in for it, or its address was taken away."""
    gone = Asking.of(house.service)
    waiting = [browser.get("/oauth/authorize", query_string=gone.parameters()).location for _ in range(2)]
    gone.change(redirect_uris=("https://shop.example/new",))
    assert browser.get(waiting[0]).status_code == 400
    gone.change(enabled=False, redirect_uris=(HOME,))
    nowhere(browser, gone)
    assert browser.get(waiting[1]).status_code == 400
    decided = browser.send_form("/oauth/authorize/consent", {"request": waiting[1].partition("=")[2], "decision": "allow"}, page="/account")
    assert (decided.status_code, decided.location) == (400, None)


def test_oa_09_what_waits_for_one_browser_is_no_other_ones(house: Any, browser: Any, shop: Asking) -> None:
    waiting = browser.get("/oauth/authorize", query_string=shop.parameters()).location
    other = house.browser_of(house.sign_up())
    request_id = waiting.partition("request=")[2]
    assert other.get(waiting).status_code == 400
    for path in ("/oauth/authorize/consent", "/oauth/authorize/account"):
        taken = other.send_form(path, {"request": request_id, "decision": "allow"}, page="/account")
        assert (taken.status_code, taken.location) == (400, None)
    assert browser.get(waiting).status_code == 200
