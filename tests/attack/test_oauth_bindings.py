"""OA-03, OA-05, OA-20: what a code is bound to besides its client, each broken alone while all the rest fits."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from joserfc.jwk import ECKey

from authenticator.applications import OWN
from authenticator.flows import roles
from authenticator.models import Client
from authenticator.testing.oauth import OAuthApp
from tests.attack.test_agreed_and_ended import ACCESS, DEVICE, EXCHANGE, TELLY, approved
from tests.attack.test_oauth_clients import proof

if TYPE_CHECKING:
    from tests.attack.conftest import Builder, House, Person, Visitor


@pytest.fixture(scope="module")
def app(house: House) -> OAuthApp:
    return OAuthApp.register(house.app, scope="openid profile email offline_access")


@pytest.fixture(scope="module")
def ada(house: House) -> Person:
    return house.sign_up()


@pytest.fixture(scope="module")
def browser(house: House, ada: Person) -> Visitor:
    return house.browser_of(ada)


def refused(answer: Any) -> bool:
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_grant"), answer.text
    return True


@pytest.mark.parametrize("verifier", ["a", "short" * 8, "x" * 42, "x" * 129, "ü" * 43, "x" * 42 + " ", "x" * 42 + "\n", "x" * 42 + "="])
def test_oa_05_a_verifier_that_is_none_redeems_not_even_the_code_of_its_own_challenge(
    app: OAuthApp, browser: Visitor, verifier: str
) -> None:
    """One that is short could be guessed from its challenge, which stands in the address (RFC 7636 §7.1)."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    code = app.code(browser, code_challenge=challenge)
    assert refused(app.token(**{**code, "code_verifier": verifier}))


def test_oa_20_a_code_that_was_asked_for_with_a_key_is_redeemed_by_that_key(house: House, app: OAuthApp, browser: Visitor) -> None:
    """RFC 9449 §10: by another key, or by none, a stolen code is worth nothing."""
    key, other = (ECKey.generate_key("P-256", private=True) for _ in range(2))
    for stolen in ({}, proof(house, other, "POST", "/oauth/token")):
        assert refused(app.token(**app.code(browser, dpop_jkt=key.thumbprint()), headers=stolen))
    code = app.code(browser, dpop_jkt=key.thumbprint())
    assert app.token(**code, headers=proof(house, key, "POST", "/oauth/token")).json["token_type"] == "DPoP"


def test_oa_03_a_code_for_more_than_she_agrees_to_now_is_worth_nothing(house: House, app: OAuthApp) -> None:
    person = house.sign_up()
    browser, auth = house.browser_of(person), house.service
    code = app.code(browser)
    auth.take_back(auth.find_user(person.id), app.id, Client())
    assert app.code(browser, scope="openid")["code"]
    assert refused(app.token(**code))


def test_oa_03_a_code_is_over_with_the_sign_in_that_it_came_of(build: Builder) -> None:
    house = build()
    app, browser = OAuthApp.register(house.app), house.browser_of(house.sign_up())
    house.clock.advance(days=house.service.settings.session_days, seconds=-30)
    code, late = app.code(browser), app.code(browser, scope="openid")
    assert app.token(**code).status_code == 200
    house.clock.advance(seconds=31)
    assert refused(app.token(**late))


def test_oa_14_an_exchanged_token_lives_no_longer_than_the_one_that_it_came_of(build: Builder) -> None:
    """Else whoever exchanges in a ring has a token for ever."""
    house = build()
    app = OAuthApp.register(house.app, grant_types=["authorization_code", EXCHANGE])
    token = app.tokens(house.browser_of(house.sign_up()))["access_token"]
    ends = app.introspect(token)["exp"]
    house.clock.advance(seconds=70)
    swapped = app.token(EXCHANGE, subject_token=token, subject_token_type=ACCESS).json
    assert app.introspect(swapped["access_token"])["exp"] == ends
    assert swapped["expires_in"] <= 50


def test_oa_17_a_token_is_active_until_the_second_in_which_it_ends(build: Builder) -> None:
    """RFC 7662 §4: whoever asks relies on the answer, whatever clock is his own."""
    house = build()
    app = OAuthApp.register(house.app)
    given = app.tokens(house.browser_of(house.sign_up()))
    house.clock.advance(seconds=given["expires_in"] - 30)
    assert app.introspect(given["access_token"])["active"]
    house.clock.advance(seconds=31)
    assert app.introspect(given["access_token"]) == {"active": False}


def test_dv_01_a_device_is_given_nothing_when_the_sign_in_that_let_it_in_is_over(build: Builder) -> None:
    house = build()
    browser = house.browser_of(house.sign_up())
    house.clock.advance(days=house.service.settings.session_days, seconds=-30)
    telly, code = approved(house, browser)
    house.clock.advance(seconds=31)
    assert refused(telly.token(DEVICE, device_code=code))


def test_oa_14_what_has_just_ended_elsewhere_is_exchanged_no_more(house: House, browser: Visitor) -> None:
    """At the very moment, before this process has looked at what other processes ended."""
    app = OAuthApp.register(house.app, grant_types=["authorization_code", EXCHANGE])
    token = app.tokens(browser)["access_token"]
    claims = app.introspect(token)
    house.service.require_open(claims["jti"])  # looks, and then not again for half a second
    family = house.service.core.store.sessions_of(claims["sub"], house.clock.now(), kinds=("grant",)).items[0]
    assert house.service.core.store.close_session(family.id, "test", house.clock.now())
    answer = app.token(EXCHANGE, subject_token=token, subject_token_type=ACCESS)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_oa_17_a_spent_refresh_token_is_told_to_be_good_to_nobody(app: OAuthApp, browser: Visitor) -> None:
    spent = app.tokens(browser)["refresh_token"]
    fresh = app.refresh(spent).json["refresh_token"]
    assert app.introspect(spent) == {"active": False}
    assert app.introspect(fresh)["active"]


def test_rf_05_nobody_takes_back_the_tokens_of_another_application(house: House, app: OAuthApp) -> None:
    """Those above all that have no family which would show whose they are."""
    robot = OAuthApp.register(house.app, grant_types=["client_credentials"], redirect_uris=[], scope="reports:read")
    token = robot.token("client_credentials").json["access_token"]
    assert app.revoke(token).status_code == 200
    assert robot.introspect(token)["active"]
    robot.revoke(token)
    assert robot.introspect(token) == {"active": False}


def test_oa_14_a_token_without_openid_says_nothing_of_its_person(app: OAuthApp, browser: Visitor) -> None:
    answer = app.userinfo(app.tokens(browser, scope="email")["access_token"])
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]
    assert "@" not in answer.text


def test_tk_05_what_the_door_hands_out_is_exchanged_by_nobody(house: House, browser: Visitor) -> None:
    """It is of a sign-in and for this very service: whoever is called with it may not go on with it as that person's application."""
    api = [house.service.settings.token_audience]
    app = OAuthApp.register(house.app, scope="openid email", resources=api, grant_types=["authorization_code", EXCHANGE])
    handed = browser.get("/verify").headers["X-Auth-Token"]
    answer = app.token(EXCHANGE, subject_token=handed, subject_token_type=ACCESS)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")
    assert app.userinfo(handed).status_code == 401
    assert app.introspect(handed) == {"active": False}


def test_oa_14_applications_act_for_each_other_in_no_endless_row(house: House, browser: Visitor) -> None:
    app = OAuthApp.register(house.app, grant_types=["authorization_code", EXCHANGE])
    token, statuses = app.tokens(browser)["access_token"], []
    for _ in range(6):
        answer = app.token(EXCHANGE, subject_token=token, subject_token_type=ACCESS)
        statuses.append(answer.status_code)
        token = answer.json.get("access_token", token)
    assert statuses == [200, 200, 200, 200, 400, 400]


def test_oa_19_the_service_is_no_client_of_its_own_even_where_it_is_stored(house: House) -> None:
    """It is stored as an application once it declares rights of its own."""
    roles.declare(house.service.core, "operator", roles.find(house.service.core, OWN), "reports:read")
    assert house.service.core.store.application(OWN) is not None
    assert house.service.find_application(OWN) is None


def test_dv_01_one_address_begins_no_more_than_sixty_in_ten_minutes(house: House) -> None:
    telly = OAuthApp.register(house.app, client_name="Telly", **TELLY)
    asking = house.visitor("203.0.113.77")
    statuses = [asking.post("/oauth/device", data={"client_id": telly.id}).status_code for _ in range(61)]
    assert statuses == [200] * 60 + [429]


def test_rf_04_without_offline_access_nothing_outlives_the_sign_in_by_its_time(build: Builder) -> None:
    house = build(session_days=2)
    app, browser = OAuthApp.register(house.app), house.browser_of(house.sign_up())
    token = app.tokens(browser, scope="openid")["refresh_token"]
    house.clock.advance(days=2, seconds=1)
    assert refused(app.refresh(token))
