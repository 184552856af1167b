"""LO-03: the applications that were given something in a sign-in are told of its end, at the back channel, by signed tokens."""

from __future__ import annotations

import socket
import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from authenticator.crypto import random_token
from authenticator.flows import consent, logout, released, sessions
from authenticator.models import Status
from authenticator.testing.receivers import receiving
from tests.attack.logouts import EVENT, HERE, SignedIn, an_application, claims, log_out

if TYPE_CHECKING:
    from tests.attack.conftest import Builder, House, Person


def work_off(house: House) -> None:
    house.service.core.errands.sweep()
    house.service.core.errands.flush(20)


def told(house: House, person: Person) -> list[str]:
    return [event.kind for event in house.service.core.store.events_of(person.id).items if "told" in event.kind]


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # by that name: what OpenID Connect still calls it
@pytest.mark.parametrize(("algorithm", "subject_type"), [("RS256", "public"), ("ES256", "pairwise"), ("EdDSA", "public")])
def test_lo_03_a_logout_token_is_as_it_should_be(house: House, algorithm: str, subject_type: str) -> None:
    her = SignedIn.of(house)
    with receiving() as receiver:
        shop = an_application(house, backchannel_logout_uri=receiver.uri, id_token_algorithm=algorithm, subject_type=subject_type)
        her.give(shop)
        her.give(shop)
        log_out(her.browser, id_token_hint=her.hint(shop))
        work_off(house)
        (token,) = receiver.heard
        assert receiver.headers[0]["content-type"] == "application/x-www-form-urlencoded"
    keys = KeySet.import_key_set(house.service.keys.jwks())
    read = jwt.decode(token, keys, algorithms=[algorithm])
    assert read.header["typ"] == "logout+jwt"
    user = house.service.user(her.person.id)
    assert user is not None
    facts = read.claims
    assert (facts["iss"], facts["aud"], facts["events"]) == ("http://localhost", shop.id, {EVENT: {}})
    assert facts["sub"] == released.subject(house.service.core, user, shop)
    assert facts["sid"] == released.sid_for(house.service.core, her.session.id, shop)
    assert 0 < facts["exp"] - facts["iat"] <= 120
    assert len(facts["jti"]) >= 20
    assert "nonce" not in facts
    assert told(house, her.person) == ["application_told"]


ENDS = ("sign-out", "page", "list", "others", "operator", "reset", "suspension", "deletion", "cap", "withdrawal")


@pytest.mark.parametrize("way", ENDS)
def test_lo_03_whichever_way_a_sign_in_ends_the_application_is_told(house: House, way: str) -> None:
    her = SignedIn.of(house)
    user = house.service.user(her.person.id)
    assert user is not None
    with receiving() as receiver:
        shop = an_application(house, backchannel_logout_uri=receiver.uri)
        her.give(shop, offline=way in ("others", "withdrawal"))
        if way == "sign-out":
            log_out(her.browser, id_token_hint=her.hint(shop))
        elif way == "page":
            her.browser.send_form("/sign-out", {}, page="/account")
        elif way == "list":
            house.service.end_session(user, her.session.id, HERE)
        elif way == "others":
            other = SignedIn.of(house, her.person)
            assert other.browser.send_form("/account/sessions/end-others", {}, page="/account/sessions").status_code == 303
        elif way == "operator":
            house.service.end_session(user, her.session.id, HERE, by="operator")
        elif way == "reset":
            house.service.end_sessions(user, "password_changed", HERE)
        elif way in ("suspension", "deletion"):
            status = Status.SUSPENDED if way == "suspension" else Status.LEAVING
            house.service.change_status(user, status, why="", by="operator")
        elif way == "cap":
            crowd(house, her)
        else:
            consent.withdraw(house.service.core, user, shop.id, HERE)
        work_off(house)
        assert len(receiver.heard) == 1, way
    assert told(house, her.person) == ["application_told"]


def crowd(house: House, her: SignedIn) -> None:
    for number in range(sessions.MOST):
        newer = replace(her.session, id=random_token(128), cookie=None, created_at=her.session.created_at + timedelta(seconds=number + 1))
        house.service.core.store.open_session(newer)
    user = house.service.user(her.person.id)
    assert user is not None
    sessions.cap(house.service.core, user)
    assert not her.alive


def test_lo_03_where_nothing_ended_nobody_is_told(house: House) -> None:
    her = SignedIn.of(house)
    with receiving() as receiver:
        family = her.give(an_application(house, backchannel_logout_uri=receiver.uri))
        with logout.ending(house.service.core, [family]):
            pass  # whoever wanted to end it died here
        for _ in range(5):
            house.clock.advance(seconds=70)
            work_off(house)
        assert receiver.heard == []
    assert told(house, her.person) == []


def test_lo_03_a_crash_between_the_end_and_the_telling_loses_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    her = SignedIn.of(house)
    with receiving() as receiver:
        her.give(an_application(house, backchannel_logout_uri=receiver.uri))
        with monkeypatch.context() as patch:
            patch.setattr(type(house.service.core.errands), "accepted", lambda *_: None)
            house.service.sign_out(her.session, HERE)
        house.service.core.errands.flush()
        assert receiver.heard == []
        house.clock.advance(seconds=61)
        work_off(house)
        assert len(receiver.heard) == 1


@pytest.mark.parametrize("trouble", [400, 500, 302, "down"])
def test_lo_03_an_application_that_does_not_understand_is_told_again_and_at_last_given_up(house: House, trouble: Any) -> None:
    her = SignedIn.of(house)
    with receiving(200 if trouble == "down" else trouble) as receiver:
        uri = f"http://127.0.0.1:{closed_port()}/logout" if trouble == "down" else receiver.uri
        shop = an_application(house, backchannel_logout_uri=uri)
        her.give(shop)
        log_out(her.browser, id_token_hint=her.hint(shop))
        house.service.core.errands.flush(20)
        for pause in (2, 6, 30):
            house.clock.advance(seconds=pause)
            work_off(house)
        if trouble != "down":
            assert len({claims(token)["jti"] for token in receiver.heard}) == 4
            issued = [claims(token)["iat"] for token in receiver.heard]
            assert issued == sorted(issued)
            assert issued[-1] - issued[0] >= 38
            assert all(claims(token)["exp"] - claims(token)["iat"] <= 120 for token in receiver.heard)
        assert told(house, her.person) == []
        for _ in range(12):
            house.clock.advance(hours=1)
            work_off(house)
        assert told(house, her.person) == ["application_not_told"]
        heard = len(receiver.heard)
        house.clock.advance(hours=5)
        work_off(house)
        assert len(receiver.heard) == heard


def test_lo_03_an_application_that_is_back_is_told_once(house: House) -> None:
    her = SignedIn.of(house)
    with receiving(500) as receiver:
        shop = an_application(house, backchannel_logout_uri=receiver.uri)
        her.give(shop)
        log_out(her.browser, id_token_hint=her.hint(shop))
        house.service.core.errands.flush(20)
        receiver.status = 204
        for pause in (2, 6, 30, 90):
            house.clock.advance(seconds=pause)
            work_off(house)
        assert len(receiver.heard) == 2
    assert told(house, her.person) == ["application_told"]


@pytest.mark.slow
def test_lo_03_a_slow_application_delays_nobody(house: House) -> None:
    her = SignedIn.of(house)
    with receiving(200, delay=30) as slow, receiving() as quick:
        for uri in (slow.uri, quick.uri):
            her.give(an_application(house, backchannel_logout_uri=uri))
        begun = time.monotonic()
        house.service.sign_out(her.session, HERE)
        assert time.monotonic() - begun < 8, "the slow one was waited for"
        while not quick.heard and time.monotonic() - begun < 8:
            time.sleep(0.02)
        assert len(quick.heard) == 1
        house.service.core.errands.flush(20)
        assert time.monotonic() - begun < 15  # the slow one was not waited for
        assert told(house, her.person) == ["application_told"]


def test_lo_03_applications_of_strangers_never_share_a_queue_with_the_operators(house: House) -> None:
    her = SignedIn.of(house)
    mine = an_application(house, backchannel_logout_uri="https://a.example/out")
    theirs = [
        an_application(house, backchannel_logout_uri=f"https://a{number}.example/out", registration="dynamic") for number in range(40)
    ]
    lanes = [logout._lane(application) for application in (mine, *theirs)]
    assert lanes[0] == f"logout {mine.id}"
    assert lanes[0] not in lanes[1:]
    assert len(set(lanes[1:])) <= logout.LANES
    assert her.alive


def test_lo_03_in_production_no_inner_address_is_told(build: Builder) -> None:
    manor = build(environment="production", public_url="https://auth.example")
    with receiving() as receiver:
        assert not manor.service.core.outside.allows(receiver.uri)
        assert not manor.service.core.outside.allows("https://10.0.0.1/logout")


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
