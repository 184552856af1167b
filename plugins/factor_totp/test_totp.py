"""Whether codes from an authenticator app count when they should: in their time, once, and for their owner."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest
from authenticator_totp.codes import matching_step, new_secret, qr_code, setup_uri
from flask import Flask

from authenticator.clock import Clock, SetClock
from authenticator.models import LoginKey
from authenticator.testing.client import Answer, Browser
from authenticator.testing.people import Account, AsUser

NOW = datetime(2026, 3, 1, 12, 0, 15, tzinfo=UTC)
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # of RFC 6238, appendix B


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the test moves the clock on, or the next step would begin between two lines of it now and then."""
    begun = Clock().now()
    monkeypatch.setattr(Clock, "now", lambda _: begun)


def code_at(moment: datetime, secret: str = SECRET) -> str:
    return pyotp.TOTP(secret).at(moment)


def set_up(account: Account, clock: SetClock) -> str:
    """The key of an app that is now asked for."""
    begun = account.client.api("POST", "me/factors/totp", token=account.access_token)
    secret = str(begun["challenge"]["options"]["secret"])
    answer = {"challenge": begun["challenge"]["id"], "code": code_at(clock.now(), secret)}
    assert account.client.api("POST", "sign-in/continue", answer, token=account.access_token)["status"] == "linked"
    return secret


def challenge(account: Account) -> str:
    asked = account.client.api("POST", "sign-in/password", {"email": account.email, "password": account.password})
    return str(asked["challenge"]["id"])


def try_code(account: Account, code: str) -> Answer:
    return account.client.api("POST", "sign-in/continue", {"challenge": challenge(account), "code": code})


# Codes


@pytest.mark.parametrize(("seconds", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")])
def test_codes_are_those_of_the_rfc(seconds: int, code: str) -> None:
    assert matching_step(SECRET, code, datetime.fromtimestamp(seconds, UTC)) == seconds // 30


@pytest.mark.parametrize(("steps", "taken"), [(-3, False), (-2, False), (-1, True), (0, True), (1, True), (2, False), (3, False)])
def test_one_step_either_side_is_taken(steps: int, taken: bool) -> None:
    code = code_at(NOW + timedelta(seconds=30 * steps))
    assert (matching_step(SECRET, code, NOW) is not None) is taken


@pytest.mark.parametrize("code", ["", "12345", "1234567", "12345a", "１２３４５６", "-12345", "123456\n123456", "²²²²²²"])
def test_what_is_no_code_never_fits(code: str) -> None:
    assert matching_step(SECRET, code, NOW) is None


def test_a_code_may_be_typed_in_two_halves() -> None:
    code = code_at(NOW)
    assert matching_step(SECRET, f" {code[:3]} {code[3:]} ", NOW) is not None


def test_keys_are_random_and_long_enough() -> None:
    keys = {new_secret() for _ in range(50)}
    assert len(keys) == 50
    assert all(re.fullmatch(r"[A-Z2-7]{32}", key) for key in keys)


def test_the_address_and_the_picture_say_whose_it_is() -> None:
    uri = setup_uri(SECRET, account="ada@example.com", issuer="Ada & Söhne: Test")
    parts = urlsplit(uri)
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert unquote(parts.path) == "/Ada & Söhne: Test:ada@example.com"
    assert parse_qs(parts.query)["secret"] == [SECRET]
    picture = qr_code(uri)
    assert picture.startswith("<svg")
    assert "viewBox" in picture
    for forbidden in ("style", "script", "href", "on"):
        assert not re.search(rf"\s{forbidden}\w*=", picture)


# Through the service


def test_a_code_works_once_even_in_another_sign_in(as_user: AsUser, clock: SetClock) -> None:
    ada = as_user()
    secret = set_up(ada, clock)
    assert try_code(ada, code_at(clock.now(), secret)).code == "invalid_code"  # the one that set it up
    clock.advance(seconds=30)
    code = code_at(clock.now(), secret)
    assert try_code(ada, code)["status"] == "complete"
    assert try_code(ada, code).code == "invalid_code"


def test_an_older_code_than_the_last_one_is_no_longer_taken(as_user: AsUser, clock: SetClock) -> None:
    ada = as_user()
    secret = set_up(ada, clock)
    clock.advance(minutes=5)
    ahead, here = code_at(clock.now() + timedelta(seconds=30), secret), code_at(clock.now(), secret)
    assert try_code(ada, ahead)["status"] == "complete"
    assert try_code(ada, here).code == "invalid_code"


def test_of_many_who_send_one_code_at_once_one_gets_in(as_user: AsUser, clock: SetClock) -> None:
    ada = as_user()
    secret = set_up(ada, clock)
    clock.advance(seconds=30)
    code, waiting = code_at(clock.now(), secret), [challenge(ada) for _ in range(4)]

    def answer(ticket: str) -> Answer:
        return ada.client.browser().api("POST", "sign-in/continue", {"challenge": ticket, "code": code})

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(answer, waiting))
    assert [one["status"] for one in answers if one.status == 200] == ["complete"]
    assert {one.code for one in answers if one.status != 200} <= {"invalid_code", "rate_limited"}


def test_one_person_s_code_is_not_another_s(as_user: AsUser, clock: SetClock) -> None:
    ada, bob = as_user("ada@example.com"), as_user("bob@example.com")
    secret = set_up(ada, clock)
    set_up(bob, clock)
    clock.advance(seconds=30)
    assert try_code(bob, code_at(clock.now(), secret)).code == "invalid_code"


def test_a_wrong_code_sets_nothing_up(as_user: AsUser, clock: SetClock) -> None:
    ada = as_user()
    begun = ada.client.api("POST", "me/factors/totp", token=ada.access_token)
    answer = {"challenge": begun["challenge"]["id"], "code": code_at(clock.now(), new_secret())}
    assert ada.client.api("POST", "sign-in/continue", answer, token=ada.access_token).code == "invalid_code"
    assert ada.client.api("GET", "me/factors", token=ada.access_token)["factors"] == []
    assert "access_token" in ada.client.api("POST", "sign-in/password", {"email": ada.email, "password": ada.password}).body


def test_the_key_is_kept_with_the_step_and_never_shown_again(as_user: AsUser, clock: SetClock, client: Browser, auth_app: Flask) -> None:
    ada = as_user()
    secret = set_up(ada, clock)
    login = auth_app.extensions["authenticator"].core.store.find_login(LoginKey("totp", ada.id))
    assert json.loads(login.secret) == {"secret": secret, "step": int(clock.now().timestamp()) // 30}
    assert not login.key.way_in
    for path in ("me", "me/factors", "me/identities", "me/events"):
        assert secret not in str(client.api("GET", path, token=ada.access_token).body)
    asked = client.api("POST", "sign-in/password", {"email": ada.email, "password": ada.password})
    assert secret not in str(asked.body)
