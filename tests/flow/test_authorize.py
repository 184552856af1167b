"""Applications that send browsers here: every outcome of an authorization request (OpenID Connect Core §3.1.2)."""

from __future__ import annotations

import pytest
from flask import Flask

from authenticator.clock import SetClock
from authenticator.errors import AuthError
from authenticator.flows import authorization_target
from authenticator.service import Service
from authenticator.testing.asking import CALLBACK, CHALLENGE, Asking, answer
from authenticator.testing.client import Browser, Page
from authenticator.testing.people import Account, AsUser


@pytest.fixture
def auth(auth_app: Flask) -> Service:
    found: Service = auth_app.extensions["authenticator"]
    return found


@pytest.fixture
def shop(auth: Service) -> Asking:
    return Asking.of(auth)


def ask(browser: Browser, shop: Asking, **other: str | None) -> Page:
    return browser.get("/oauth/authorize", query_string=shop.parameters(**other))


def allow(page: Page) -> Page:
    return page.browser.submit(page, action="/consent", decision="allow")


def answered(page: Page) -> dict[str, str]:
    assert page.status == 303, page
    assert page.location.startswith(CALLBACK), page
    return answer(page.location)


def test_somebody_signs_in_agrees_and_is_led_back_with_a_code(client: Browser, shop: Asking, as_user: AsUser) -> None:
    ada = as_user()
    page = ask(client, shop, login_hint=ada.email)
    assert page.path == "/sign-in"
    form = page.follow()
    assert ada.email in form.html
    page = client.submit(form, email=ada.email, password=ada.password)
    assert page.path == "/oauth/authorize/continue"
    page = page.follow()
    assert "Allow Shop?" in page
    back = answered(allow(page))
    assert (back["state"], back["iss"]) == ("a state", client.base)
    code = shop.code(back)
    assert (code.user_id, code.client_id, code.redirect_uri, code.nonce) == (ada.id, shop.application.id, CALLBACK, "a nonce")
    assert (code.code_challenge, code.scopes, code.acr) == (CHALLENGE, ("openid",), "1")


def test_who_agreed_before_is_not_asked_again(shop: Asking, as_user: AsUser) -> None:
    browser = as_user().browser()
    first = allow(ask(browser, shop).follow())
    again = answered(ask(browser, shop))
    assert answered(first)["code"] != again["code"]


def test_nobody_is_signed_in_and_no_page_may_be_shown(client: Browser, shop: Asking) -> None:
    back = answered(ask(client, shop, prompt="none"))
    assert (back["error"], back["state"], back["iss"]) == ("login_required", "a state", client.base)


def test_without_a_page_a_code_comes_where_she_is_signed_in_and_has_agreed(shop: Asking, as_user: AsUser) -> None:
    browser = as_user().browser()
    assert answered(ask(browser, shop, prompt="none"))["error"] == "consent_required"
    allow(ask(browser, shop).follow())
    assert answered(ask(browser, shop, prompt="none"))["code"]


def test_prompt_login_has_her_prove_herself_again(shop: Asking, as_user: AsUser, clock: SetClock) -> None:
    ada = as_user()
    browser = ada.browser()
    first = shop.code(answered(allow(ask(browser, shop).follow())))
    clock.advance(seconds=5)
    page = ask(browser, shop, prompt="login").follow()
    assert page.path == "/confirm"
    page = confirmed(page.follow(), ada)
    second = shop.code(answered(page.follow()))
    assert second.auth_time >= first.auth_time + 5


def test_max_age_one_second_is_over(shop: Asking, as_user: AsUser, clock: SetClock) -> None:
    ada = as_user()
    browser = ada.browser()
    first = shop.code(answered(allow(ask(browser, shop).follow())))
    clock.advance(seconds=3)
    assert answered(ask(browser, shop, prompt="none", max_age="1"))["error"] == "login_required"
    page = ask(browser, shop, max_age="1").follow()
    assert page.path == "/confirm"
    second = shop.code(answered(confirmed(page.follow(), ada).follow()))
    assert second.auth_time > first.auth_time


def test_max_age_zero_ends_as_well(shop: Asking, as_user: AsUser, clock: SetClock) -> None:
    ada = as_user()
    browser = ada.browser()
    allow(ask(browser, shop).follow())
    clock.advance(seconds=2)
    page = ask(browser, shop, max_age="0").follow()
    assert answered(confirmed(page.follow(), ada).follow())["code"]


def test_max_age_of_hours_changes_nothing(shop: Asking, as_user: AsUser) -> None:
    browser = as_user().browser()
    first = shop.code(answered(allow(ask(browser, shop).follow())))
    second = shop.code(answered(ask(browser, shop, max_age="10000")))
    assert first.auth_time == second.auth_time


def test_an_application_may_register_how_fresh_it_wants_a_sign_in(shop: Asking, as_user: AsUser, clock: SetClock) -> None:
    browser = as_user().browser()
    allow(ask(browser, shop).follow())
    shop.change(default_max_age=60)
    assert answered(ask(browser, shop))["code"]
    clock.advance(seconds=100)
    assert ask(browser, shop).follow().path == "/confirm"
    assert answered(ask(browser, shop, max_age="10000"))["code"]


def test_an_account_is_chosen(shop: Asking, as_user: AsUser) -> None:
    browser = as_user().browser()
    allow(ask(browser, shop).follow())
    page = ask(browser, shop, prompt="select_account").follow()
    assert "Go on as Ada" in page
    assert answered(browser.submit(page, action="/account").follow())["code"]


def test_another_account_is_chosen(shop: Asking, as_user: AsUser) -> None:
    ada, bob = as_user(), as_user("bob@example.com", given_name="Bob")
    browser = ada.browser()
    page = ask(browser, shop, prompt="select_account").follow()
    page = browser.submit(page, action="/sign-out").follow().follow()
    page = browser.submit(page, email=bob.email, password=bob.password).follow()
    assert "Allow Shop?" in page
    assert shop.code(answered(allow(page))).user_id == bob.id


def test_the_hint_of_an_id_token_is_for_the_person_it_names(shop: Asking, as_user: AsUser) -> None:
    ada, bob = as_user(), as_user("bob@example.com")
    browser = ada.browser()
    allow(ask(browser, shop).follow())
    hers, his = (hint(shop, person.id) for person in (ada, bob))
    assert answered(ask(browser, shop, prompt="none", id_token_hint=hers))["code"]
    assert answered(ask(browser, shop, prompt="none", id_token_hint=his))["error"] == "login_required"
    page = ask(browser, shop, id_token_hint=his).follow()
    assert "asks for somebody else" in page
    assert not [form for form in page.forms if form.action.endswith("/account")]


def test_an_account_may_be_asked_for_by_claims(shop: Asking, as_user: AsUser) -> None:
    browser = as_user().browser()
    allow(ask(browser, shop).follow())
    other = '{"id_token": {"sub": {"value": "1234"}}}'
    assert answered(ask(browser, shop, prompt="none", claims=other))["error"] == "login_required"


@pytest.mark.parametrize(
    "more",
    [
        {"ui_locales": "se"},
        {"ui_locales": "fr-CA fr en", "claims_locales": "se"},
        {"display": "page"},
        {"display": "popup"},
        {"acr_values": "1 2"},
        {"acr_values": "urn:mace:incommon:iap:silver"},
        {"extra": "foobar", "something_new": "1"},
        {"login_hint": "buffy@example.com"},
        {"state": None},
        {"nonce": "x" * 512},
        {"claims": '{"userinfo": {"name": {"essential": true}}, "other": 1}'},
        {"claims": '{"id_token": {"auth_time": {"essential": true}, "acr": null}}'},
        {"prompt": "consent"},
    ],
)  # fmt: skip
def test_what_may_be_sent_along_breaks_nothing(shop: Asking, as_user: AsUser, more: dict[str, str | None]) -> None:
    shop.change(scopes=("openid", "profile"))
    browser = as_user().browser()
    allow(ask(browser, shop, scope="openid profile").follow())
    page = ask(browser, shop, scope="openid profile", **more)
    back = answered(allow(page.follow()) if "prompt" in more else page)
    assert back["code"], back
    assert ("state" in back) == ("state" not in more)


def test_claims_are_passed_on_as_far_as_they_are_known(shop: Asking, as_user: AsUser) -> None:
    shop.change(scopes=("openid", "profile"))
    browser = as_user().browser()
    asked = '{"userinfo": {"name": {"essential": true}, "email": null, "shoe_size": null}, "id_token": {"acr": {"values": ["1"]}}}'
    code = shop.code(answered(allow(ask(browser, shop, claims=asked).follow())))
    assert code.claims == {"userinfo": {"name": {"essential": True}}, "id_token": {"acr": {"values": ["1"]}}}


def test_an_address_keeps_its_own_query(shop: Asking, as_user: AsUser) -> None:
    shop.change(redirect_uris=(f"{CALLBACK}?foo=bar",))
    browser = as_user().browser()
    back = answered(allow(ask(browser, shop).follow()))
    assert (back["foo"], back["state"]) == ("bar", "a state")
    assert back["code"]


def test_an_answer_may_come_in_a_form_that_posts_itself(shop: Asking, as_user: AsUser) -> None:
    browser = as_user().browser()
    page = allow(ask(browser, shop, response_mode="form_post").follow())
    back = answer("", page.html)
    assert (page.status, back["action"], back["state"], back["iss"]) == (200, CALLBACK, "a state", browser.base)
    assert shop.code(back).redirect_uri == CALLBACK
    policy = page.headers["Content-Security-Policy"]
    assert "form-action 'self' https://shop.example;" in policy
    assert policy.endswith("; script-src 'self'")
    assert answer("", ask(browser, shop, response_mode="form_post", prompt="none", scope="openid nope").html)["error"] == "invalid_scope"


def test_a_page_application_may_read_the_answer_in_the_fragment(auth: Service, as_user: AsUser) -> None:
    page_app = Asking.of(auth, auth_method="none")
    page = allow(ask(as_user().browser(), page_app, response_mode="fragment").follow())
    assert page.location.startswith(f"{CALLBACK}#code=")
    assert answered(page)["state"] == "a state"


def test_a_request_may_be_posted(shop: Asking, as_user: AsUser) -> None:
    browser = as_user().browser()
    allow(ask(browser, shop).follow())
    for extra in ("", "x" * 2000 + " " + "y" * 1990):
        page = browser.post(
            "/oauth/authorize", shop.parameters(ui_locales=extra[:2040], login_hint=extra[:2000], state="posted " + extra[:3000])
        )
        assert page.path == "/oauth/authorize"
        assert len(page.location) < 5000
        assert answered(page.follow())["state"].startswith("posted")


def test_without_nonce_a_client_registered_without_pkce_succeeds(shop: Asking, as_user: AsUser) -> None:
    """As the OpenID Foundation's suite asks of the code flow."""
    shop.change(require_pkce=False)
    page = ask(as_user().browser(), shop, nonce=None, code_challenge=None, code_challenge_method=None)
    assert not shop.code(answered(allow(page.follow()))).code_challenge


def test_plain_oauth_needs_no_openid_scope(shop: Asking, as_user: AsUser) -> None:
    shop.change(scopes=("openid", "orders:read"))
    browser = as_user().browser()
    page = ask(browser, shop, scope=None, redirect_uri=None).follow()
    assert "orders:read" in page
    code = shop.code(answered(allow(page)))
    assert (code.scopes, code.redirect_uri) == (("orders:read",), "")


def test_who_has_no_account_may_make_one_on_the_way(client: Browser, shop: Asking) -> None:
    assert ask(client, shop, prompt="create").path == "/sign-up"


def test_after_a_form_the_browser_may_go_to_the_application(client: Browser, shop: Asking, as_user: AsUser) -> None:
    """Browsers hold a form's redirects against its page's `form-action`."""
    page = ask(client, shop).follow()
    assert "form-action 'self' https://shop.example;" in page.headers["Content-Security-Policy"]
    ada = as_user()
    consent = client.submit(page, email=ada.email, password=ada.password).follow()
    assert "form-action 'self' https://shop.example;" in consent.headers["Content-Security-Policy"]


def confirmed(page: Page, person: Account) -> Page:
    """The way through the page that asks for a proof again."""
    page = page.browser.submit(page, action="/account/confirm/password").follow()
    return page.browser.submit(page, password=person.password)


def hint(shop: Asking, subject: str) -> str:
    now = int(shop.auth.core.clock.now().timestamp())
    claims = {"iss": shop.auth.settings.public_url, "sub": subject, "aud": shop.application.id, "iat": now - 90_000, "exp": now - 86_400}
    return shop.auth.keys.sign(claims, typ="JWT", algorithm="RS256")


def test_a_program_that_listens_by_ipv6_gets_its_answer(auth: Service, as_user: AsUser) -> None:
    """A browser ignores an address of IPv6 in `form-action`, and would hold back what leads there (RFC 8252 §7.3)."""
    program = Asking.of(auth, auth_method="none", redirect_uris=("http://[::1]/callback",))
    consent = ask(as_user().browser(), program, redirect_uri="http://[::1]:49152/callback").follow()
    assert "form-action 'self' http:;" in consent.headers["Content-Security-Policy"]
    assert allow(consent).location.startswith("http://[::1]:49152/callback?code=")


def test_a_developer_is_told_which_address_was_asked_for_and_which_are_registered(auth: Service, shop: Asking, client: Browser) -> None:
    """Flask prints http://127.0.0.1:5000 where http://localhost:5000 was registered. What strangers may have written is never repeated."""
    auth.change_application(shop.application, {"redirect_uris": ["http://localhost:5000/back"]})
    page = ask(client, shop, redirect_uri="http://127.0.0.1:5000/back")
    assert page.status == 400
    assert "http://127.0.0.1:5000/back" in page
    assert "http://localhost:5000/back" in page
    assert "call.example" not in ask(client, shop, redirect_uri="https://call.example/back")
    with pytest.raises(AuthError) as refused:
        authorization_target.find(shop.application, {"redirect_uri": ["http://127.0.0.1:5000/back"]})
    assert "127.0.0.1" not in refused.value.detail, "nobody but a developer"
