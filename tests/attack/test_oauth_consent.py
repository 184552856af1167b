"""Attacks on consent: OA-10 of the attack list."""

from __future__ import annotations

from typing import Any

import pytest

from authenticator.crypto import digest
from authenticator.errors import AuthError
from authenticator.testing.asking import Asking, answer

CONSENT = "/oauth/authorize/consent"


@pytest.fixture
def shop(house: Any) -> Asking:
    return Asking.of(house.service, scopes=("openid", "profile", "email"))


@pytest.fixture(scope="module")
def ada(house: Any) -> Any:
    return house.sign_up()


@pytest.fixture(scope="module")
def browser(house: Any, ada: Any) -> Any:
    return house.browser_of(ada)


def ask(browser: Any, shop: Asking, **other: str | None) -> Any:
    return browser.get("/oauth/authorize", query_string=shop.parameters(**other))


def request_in(page: Any) -> str:
    return str(page.location.partition("request=")[2])


def cookie_digest(browser: Any) -> str:
    return digest(browser.get_cookie("auth_session").value)


def decide(browser: Any, page: Any, **fields: str) -> Any:
    return browser.send_form(CONSENT, {"request": request_in(page), "decision": "allow", **fields}, page=page.location)


def test_oa_10_first_use_and_new_scopes_are_asked_for(browser: Any, shop: Asking) -> None:
    assert answer(ask(browser, shop, prompt="none").location)["error"] == "consent_required"
    assert ask(browser, shop).location.startswith("/oauth/authorize/continue")
    assert "code" in answer(decide(browser, ask(browser, shop)).location)
    assert answer(ask(browser, shop, scope="openid email", prompt="none").location)["error"] == "consent_required"
    assert answer(ask(browser, shop, claims='{"userinfo": {"email": null}}', prompt="none").location)["error"] == "consent_required"


def test_oa_10_to_look_at_the_page_agrees_to_nothing(house: Any, browser: Any, ada: Any, shop: Asking) -> None:
    page = ask(browser, shop)
    for _ in range(3):
        assert browser.get(page.location).status_code == 200
    for method in ("GET", "HEAD", "PUT"):
        query = {"request": request_in(page), "decision": "allow", "csrf_token": browser.csrf("/account")}
        assert browser.open(CONSENT, method=method, query_string=query).status_code == 405
    assert house.service.core.store.grant(ada.id, shop.application.id) is None


def test_oa_10_nobody_else_sends_the_form(house: Any, browser: Any, ada: Any, shop: Asking) -> None:
    page = ask(browser, shop)
    fields = {"request": request_in(page), "decision": "allow"}
    token, foreign = browser.csrf("/account"), house.visitor().csrf()
    for forged in ({}, {"csrf_token": ""}, {"csrf_token": foreign}):
        assert browser.post(CONSENT, data={**fields, **forged}).status_code == 403
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        assert browser.post(CONSENT, data={**fields, "csrf_token": token}, headers=headers).status_code == 403
    assert house.service.core.store.grant(ada.id, shop.application.id) is None


def test_oa_10_the_page_can_not_be_framed(browser: Any, shop: Asking) -> None:
    shown = browser.get(ask(browser, shop).location)
    assert shown.headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in shown.headers["Content-Security-Policy"]


def test_oa_10_what_an_application_calls_itself_is_text(house: Any, browser: Any) -> None:
    evil = Asking.of(house.service, name='<img src=x onerror=alert(1)>"><script>', logo_uri='https://img.example/x"; script-src *', client_uri='javascript:alert(1)', scopes=("openid", "<b>all</b>"))  # fmt: skip
    page = browser.get(ask(browser, evil, scope="openid <b>all</b>").location)
    assert page.status_code == 200
    for bad in ("<img src=x", "<script>", "<b>all"):
        assert bad not in page.text
    assert "script-src *" not in page.headers["Content-Security-Policy"]


def test_oa_10_the_page_says_who_asks_for_what_and_as_whom(browser: Any, shop: Asking) -> None:
    page = browser.get(ask(browser, shop, scope="openid profile email").location)
    for words in ("Allow Shop?", "Ada Byron", "See your name", "See your e-mail address", "shop.example", 'value="deny"'):
        assert words in page.text, words


def test_oa_10_an_answer_counts_for_one_click_which_may_be_a_double_one(house: Any, browser: Any, shop: Asking) -> None:
    """A browser shows what the last of two clicks brings, and that must be no error. Nothing puts off the end of it."""
    page = ask(browser, shop)
    fields = {"request": request_in(page), "decision": "allow", "csrf_token": browser.csrf(page.location)}
    codes = set()
    for _ in range(3):
        codes.add(answer(browser.post(CONSENT, data=fields).location)["code"])
        house.clock.advance(seconds=1.5)
    assert len(codes) == 3
    assert "code" in answer(browser.get(page.location).location)
    house.clock.advance(seconds=1)
    again = browser.post(CONSENT, data=fields)
    assert (again.status_code, again.location) == (400, None)
    assert (browser.get(page.location).status_code, browser.get(page.location).location) == (400, None)


def test_oa_10_many_answers_at_once_are_answered_alike(house: Any, browser: Any, ada: Any, shop: Asking, at_once: Any) -> None:
    page = ask(browser, shop)
    fields = {"request": request_in(page), "decision": "allow", "csrf_token": browser.csrf(page.location)}
    cookies = "; ".join(f"{name}={browser.get_cookie(name).value}" for name in ("auth_session", "auth_browser"))

    def send() -> str:
        return house.visitor().post(CONSENT, data=fields, headers={"Cookie": cookies}).location or ""

    codes = {answer(one)["code"] for one in at_once([send] * 8)}
    assert len(codes) == 8
    house.clock.advance(seconds=6)
    assert send() == ""


@pytest.mark.parametrize("decision", ["", "yes", "deny allow", "ALLOW"])
def test_oa_10_what_is_no_answer_is_none(browser: Any, shop: Asking, decision: str) -> None:
    page = ask(browser, shop)
    assert decide(browser, page, decision=decision).location.startswith("/oauth/authorize/continue")


def test_oa_10_fields_of_the_form_widen_nothing(house: Any, browser: Any, ada: Any, shop: Asking) -> None:
    decide(browser, ask(browser, shop), scope="openid profile email", client_id="app_other", redirect_uri="https://evil.example")
    assert house.service.core.store.grant(ada.id, shop.application.id).scopes == ("openid",)


def test_oa_10_somebody_who_signs_in_meanwhile_has_not_agreed(house: Any, shop: Asking) -> None:
    """The form of one person's page does nothing in the session of the next."""
    one, other = house.sign_up(), house.sign_up()
    browser = house.browser_of(one)
    page = ask(browser, shop)
    token = browser.csrf(page.location)
    browser.send_form("/sign-out", {}, page="/account")
    browser.send_form("/sign-in/password", {"email": other.email, "password": other.password})
    posted = browser.post(CONSENT, data={"request": request_in(page), "decision": "allow", "csrf_token": token})
    assert posted.status_code == 403
    assert house.service.core.store.grant(other.id, shop.application.id) is None


def test_oa_10_an_unproven_program_never_gets_a_code_without_a_page(house: Any, browser: Any) -> None:
    """RFC 8252 §8.6: anything on the machine could pass for it."""
    for kind in ("dynamic", "document"):
        program = Asking.of(house.service, registration=kind, auth_method="none", redirect_uris=("http://127.0.0.1/back",), trusted=True)
        assert "code" in answer(decide(browser, ask(browser, program)).location)
        assert "Nobody here has checked" in browser.get(ask(browser, program).location).text
        assert answer(ask(browser, program, prompt="none").location)["error"] == "consent_required"


def test_oa_10_consent_that_is_taken_back_is_gone(house: Any, browser: Any, ada: Any, shop: Asking) -> None:
    from authenticator.models import Client

    decide(browser, ask(browser, shop))
    house.service.take_back(house.service.find_user(ada.id), shop.application.id, Client())
    assert answer(ask(browser, shop, prompt="none").location)["error"] == "consent_required"


def test_oa_10_an_answer_that_began_before_another_one_puts_off_nothing(house: Any, browser: Any, shop: Asking) -> None:
    """Both have seen the request waiting, and both answer it within the few seconds that it took."""
    page, secret = ask(browser, shop), browser.get_cookie("auth_browser").value
    both = [house.service.awaited(request_in(page), secret)[1] for _ in range(2)]
    for waiting in both:
        house.service.answered(waiting)
    house.service.chosen_account(house.service.awaited(request_in(page), secret)[1], house.service.signed_behind(cookie_digest(browser)))
    house.clock.advance(seconds=6)
    with pytest.raises(AuthError) as error:
        house.service.awaited(request_in(page), secret)
    assert error.value.code == "challenge_expired"
