"""OA-03, OA-04, OA-05, OA-07, OA-21: authorization codes that are stolen, used twice, raced for; and requests that are no requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from authenticator.testing.oauth import OAuthApp
from tests.attack.costs import costing_little

if TYPE_CHECKING:
    from tests.attack.conftest import House, Person, Visitor

AtOnce = Callable[[Sequence[Callable[[], Any]]], list[Any]]


@pytest.fixture(scope="module")
def shop(house: House) -> OAuthApp:
    return OAuthApp.register(house.app)


@pytest.fixture(scope="module")
def ada(house: House) -> Person:
    return house.sign_up()


@pytest.fixture(scope="module")
def browser(house: House, ada: Person) -> Visitor:
    return house.browser_of(ada)


def refused(answer: Any, error: str = "invalid_grant", status: int = 400) -> bool:
    assert (answer.status_code, answer.json["error"]) == (status, error), answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    return True


def test_oa_03_a_code_that_is_used_twice_ends_what_it_gave(house: House, shop: OAuthApp, browser: Visitor, ada: Person) -> None:
    code = shop.code(browser)
    first = shop.token(**code)
    assert first.status_code == 200
    tokens = first.json
    assert shop.userinfo(tokens["access_token"]).status_code == 200
    assert refused(shop.token(**code))
    assert shop.userinfo(tokens["access_token"]).status_code == 401
    assert refused(shop.refresh(tokens["refresh_token"]))
    assert "code_reused" in {event.kind for event in house.service.events(house.service.find_user(ada.id), limit=20).items}
    assert any("for safety" in message.subject for message in house.mail_to(ada.email))


def test_oa_03_half_a_minute_later_and_after_the_code_is_gone_too(house: House, shop: OAuthApp, browser: Visitor) -> None:
    for seconds in (30, 61, 3600):
        code = shop.code(browser)
        tokens = shop.token(**code).json
        house.clock.advance(seconds=seconds)
        fresh = shop.refresh(tokens["refresh_token"]).json
        assert refused(shop.token(**code))
        assert shop.userinfo(fresh["access_token"]).status_code == 401, seconds
        assert refused(shop.refresh(fresh["refresh_token"]))


def test_oa_03_after_a_minute_a_code_is_worth_nothing(house: House, shop: OAuthApp, browser: Visitor) -> None:
    code = shop.code(browser)
    house.clock.advance(seconds=61)
    assert refused(shop.token(**code))


def test_oa_03_a_code_is_for_one_client_and_one_address(house: House, shop: OAuthApp, browser: Visitor) -> None:
    other = OAuthApp.register(house.app, client_name="Other")
    assert refused(other.token(**shop.code(browser)))
    for address in ("https://shop.example/callback/", "https://shop.example/Callback", "", None):
        code = shop.code(browser)
        assert refused(shop.token(**{**code, "redirect_uri": address})), address
        assert refused(shop.token(**code)), "whoever brings a code has spent it"


def test_oa_03_a_code_ends_with_the_sign_in_and_the_consent_that_it_came_of(house: House, shop: OAuthApp) -> None:
    eve = house.sign_up()
    browser = house.browser_of(eve)
    code = shop.code(browser)
    house.service.take_back(house.service.find_user(eve.id), shop.id, _nobody())
    assert refused(shop.token(**code))
    code = shop.code(browser)
    assert browser.send_form("/sign-out", {}, page="/account").status_code == 303
    assert refused(shop.token(**code))
    browser = house.browser_of(eve)
    code = shop.code(browser)
    house.suspend(eve)
    assert refused(shop.token(**code))


def _nobody() -> Any:
    from authenticator.models import Client

    return Client()


@pytest.mark.parametrize("round_", range(3))
def test_oa_04_of_fifty_who_redeem_a_code_at_once_one_is_given_tokens_that_stay(
    shop: OAuthApp, browser: Visitor, at_once: AtOnce, round_: int
) -> None:
    code = shop.code(browser)
    answers = at_once([lambda: shop.token(**code)] * 50)
    won = [answer.json for answer in answers if answer.status_code == 200]
    assert len(won) == 1
    assert all(refused(answer) for answer in answers if answer.status_code != 200)
    assert shop.userinfo(won[0]["access_token"]).status_code == 200
    assert shop.refresh(won[0]["refresh_token"]).status_code == 200


def test_oa_04_on_two_nodes_too(house: House, build: Any, shop: OAuthApp, browser: Visitor, at_once: AtOnce) -> None:
    second = build(url=house.url)
    second.clock.advance(seconds=(house.clock.now() - second.clock.now()).total_seconds())
    there = OAuthApp(second.app, shop.application, shop.secret)
    for _ in range(3):
        code = shop.code(browser)
        answers = at_once([lambda code=code, node=node: node.token(**code) for node in (shop, there) * 10])  # type: ignore[misc]
        assert Counter(answer.status_code for answer in answers) == {200: 1, 400: 19}
    code = shop.code(browser)
    tokens = shop.token(**code).json
    assert refused(there.token(**code))
    assert refused(shop.refresh(tokens["refresh_token"])), "a second use elsewhere ends it as well"


def test_oa_05_the_verifier_must_be_the_one_of_the_challenge(shop: OAuthApp, browser: Visitor) -> None:
    for wrong in (None, "", "x", "a" * 42, "a" * 43, "a" * 129, "a" * 42 + "é", "b" * 128, " " * 43):
        code = shop.code(browser)
        assert refused(shop.token(**{**code, "code_verifier": wrong})), wrong
        assert refused(shop.token(**code)), "and there is one try"


def test_oa_05_no_verifier_is_taken_for_a_code_without_a_challenge(house: House, browser: Visitor) -> None:
    """A challenge that somebody cut out of the request on its way is noticed (RFC 9700 §2.1.1)."""
    plain = OAuthApp.register(house.app, client_name="Plain", require_pkce=False)
    code = plain.code(browser, code_challenge=None, code_challenge_method=None)
    assert refused(plain.token(**code))
    code = plain.code(browser, code_challenge=None, code_challenge_method=None)
    assert plain.token(**{**code, "code_verifier": None}).status_code == 200


def test_oa_07_no_password_no_implicit_and_nothing_unregistered(house: House, shop: OAuthApp, ada: Person) -> None:
    assert refused(shop.token("password", username=ada.email, password=ada.password), "unsupported_grant_type")
    assert refused(shop.token("implicit"), "unsupported_grant_type")
    assert refused(shop.token("urn:ietf:params:oauth:grant-type:jwt-bearer", assertion="x"), "unsupported_grant_type")
    assert refused(shop.post("/oauth/token"), "invalid_request")
    for grant in ("client_credentials", "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange"):
        assert refused(shop.token(grant), "unauthorized_client")
    only = OAuthApp.register(house.app, client_name="Only itself", grant_types=["client_credentials"], redirect_uris=[])
    for grant in ("authorization_code", "refresh_token"):
        assert refused(only.token(grant, code="x", refresh_token="x"), "unauthorized_client")
    told = shop.call("GET", "/.well-known/openid-configuration").json
    assert told["response_types_supported"] == ["code"]
    assert not {"password", "implicit"} & set(told["grant_types_supported"])


def test_oa_08_a_parameter_that_comes_twice_is_refused(shop: OAuthApp, browser: Visitor) -> None:
    code = shop.code(browser)
    for name in ("code", "grant_type", "redirect_uri", "code_verifier"):
        pairs = [*code.items(), (name, code[name])]
        body = "&".join(f"{key}={value}" for key, value in pairs)
        answer = shop.call(
            "POST", "/oauth/token", data=body, headers={"Authorization": shop.basic()}, content_type="application/x-www-form-urlencoded"
        )
        assert refused(answer, "invalid_request"), name
    assert shop.token(**code).status_code == 200, "and the code was not looked at"


BOMBS: dict[str, str] = {
    "a scope of a megabyte": "scope=" + "a" * 1_000_000,
    "a long scope": "scope=" + "a" * 60_000,
    "ten thousand scopes": "scope=" + "+".join(["a"] * 10_000),
    "five thousand parameters": "&".join(f"p{number}=1" for number in range(5_000)),
    "a deep name": "a" + "[a]" * 10_000 + "=1",
    "a long code": "code=" + "a" * 60_000,
    "a long verifier": "code=x&code_verifier=" + "a" * 60_000,
    "no form": '{"grant_type": "client_credentials"}',
    "bytes": "grant_type=%ff%fe%00&code=%00",
}


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/device", "/oauth/introspect", "/oauth/revoke", "/oauth/par", "/oauth/userinfo"])
def test_oa_21_bombs_in_parameters_are_refused_at_once(shop: OAuthApp, path: str, name: str) -> None:
    for grant in ("client_credentials", "authorization_code", "refresh_token"):
        with costing_little():
            answer = shop.call(
                "POST",
                path,
                data=f"grant_type={grant}&token=x&{BOMBS[name]}",
                headers={"Authorization": shop.basic()},
                content_type="application/x-www-form-urlencoded",
            )
        unread = path in ("/oauth/revoke", "/oauth/introspect") and answer.json in ({}, {"active": False})  # they read `token` alone
        assert answer.status_code in (400, 401, 413) or unread, answer.text
        assert len(answer.data) < 5_000
