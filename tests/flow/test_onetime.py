"""One-time links and codes, on a real store."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

from authenticator.clock import SetClock
from authenticator.errors import AuthError
from authenticator.flows import onetime
from authenticator.flows.core import Core
from authenticator.flows.onetime import OneTime

FACTS = {"user_id": "7", "to": "ada@example.com"}
WRONG = {"000000": "111111"}


@pytest.fixture
def core(auth_app: Flask) -> Core:
    found: Core = auth_app.extensions["authenticator"].core
    return found


@pytest.fixture
def sent(core: Core) -> OneTime:
    return onetime.issue(core, "reset", "7", FACTS, 1800)


def wrong(code: str) -> str:
    return WRONG.get(code, "000000")


def refused(code: str, *arguments: Any) -> None:
    action: Callable[..., Any] = onetime.redeem_link if code == "invalid_link" else onetime.redeem_code
    with pytest.raises(AuthError) as caught:
        action(*arguments)
    assert caught.value.code == code


def test_a_link_gives_its_facts_once(core: Core, sent: OneTime) -> None:
    assert onetime.look(core, "reset", sent.link_token) == FACTS
    assert onetime.look(core, "reset", sent.link_token) == FACTS
    assert onetime.redeem_link(core, "reset", sent.link_token) == FACTS
    refused("invalid_link", core, "reset", sent.link_token)
    refused("invalid_code", core, "reset", "7", sent.code)  # they go together


def test_a_code_gives_the_same_facts_once_and_may_be_typed_with_spaces(core: Core, sent: OneTime) -> None:
    assert onetime.redeem_code(core, "reset", "7", f" {sent.code[:3]} {sent.code[3:]} ") == FACTS
    refused("invalid_code", core, "reset", "7", sent.code)
    refused("invalid_link", core, "reset", sent.link_token)


def test_only_the_newest_of_a_person_works_and_nobody_elses_is_touched(core: Core, sent: OneTime) -> None:
    other = onetime.issue(core, "reset", "8", {"user_id": "8"}, 1800)
    newer = onetime.issue(core, "reset", "7", {"user_id": "7", "newer": True}, 1800)
    refused("invalid_link", core, "reset", sent.link_token)
    if sent.code != newer.code:
        refused("invalid_code", core, "reset", "7", sent.code)
    assert onetime.redeem_link(core, "reset", newer.link_token)["newer"] is True
    assert onetime.redeem_code(core, "reset", "8", other.code) == {"user_id": "8"}


def test_a_link_and_a_code_are_for_one_purpose_and_one_subject(core: Core, sent: OneTime) -> None:
    refused("invalid_link", core, "verify", sent.link_token)
    refused("invalid_code", core, "verify", "7", sent.code)
    refused("invalid_code", core, "reset", "8", sent.code)
    assert onetime.redeem_link(core, "reset", sent.link_token) == FACTS


@pytest.mark.parametrize("token", ["", ".", "x", "x.y", "é.é", "x" * 4000, "\x00.\x00"])
def test_a_made_up_link_is_no_link(core: Core, sent: OneTime, token: str) -> None:
    refused("invalid_link", core, "reset", token)


def test_a_wrong_secret_behind_the_right_handle_destroys_nothing(core: Core, sent: OneTime) -> None:
    handle = sent.link_token.partition(".")[0]
    for token in (handle, f"{handle}.", f"{handle}.{'x' * 43}", f"{sent.link_token}x"):
        refused("invalid_link", core, "reset", token)
    assert onetime.redeem_link(core, "reset", sent.link_token) == FACTS


def test_a_code_allows_five_tries_and_the_link_beside_it_still_works(core: Core, sent: OneTime) -> None:
    for _ in range(5):
        refused("invalid_code", core, "reset", "7", wrong(sent.code))
    refused("invalid_code", core, "reset", "7", sent.code)
    assert onetime.redeem_link(core, "reset", sent.link_token) == FACTS


def test_a_new_code_gives_new_tries_but_not_more_than_twenty_an_hour(core: Core, clock: SetClock) -> None:
    for _ in range(4):
        code = onetime.issue(core, "reset", "7", FACTS, 1800).code
        for _ in range(5):
            refused("invalid_code", core, "reset", "7", wrong(code))
    code = onetime.issue(core, "reset", "7", FACTS, 1800).code
    refused("rate_limited", core, "reset", "7", code)
    clock.advance(hours=1, seconds=1)
    code = onetime.issue(core, "reset", "7", FACTS, 1800).code
    assert onetime.redeem_code(core, "reset", "7", code) == FACTS


def test_guessing_where_there_is_no_code_looks_the_same(core: Core, sent: OneTime) -> None:
    answers = []
    for subject in ("7", "nobody"):
        seen = []
        for _ in range(22):
            with pytest.raises(AuthError) as caught:
                onetime.redeem_code(core, "reset", subject, wrong(sent.code))
            seen.append(caught.value.code)
        answers.append(seen)
    assert answers[0] == answers[1] == ["invalid_code"] * 20 + ["rate_limited"] * 2


def test_the_code_ends_before_the_link_and_both_in_time(core: Core, sent: OneTime, clock: SetClock) -> None:
    clock.advance(minutes=5, seconds=1)
    refused("invalid_code", core, "reset", "7", sent.code)
    clock.advance(minutes=24)
    assert onetime.look(core, "reset", sent.link_token) == FACTS
    clock.advance(minutes=1)
    refused("invalid_link", core, "reset", sent.link_token)


def test_what_was_withdrawn_is_worthless(core: Core, sent: OneTime) -> None:
    onetime.withdraw(core, "reset", "7")
    onetime.withdraw(core, "reset", "7")
    refused("invalid_link", core, "reset", sent.link_token)


def test_of_many_who_redeem_at_once_one_wins(core: Core, sent: OneTime) -> None:
    gate = threading.Barrier(8)

    def race(number: int) -> bool:
        gate.wait(30)
        try:
            if number % 4:
                onetime.redeem_link(core, "reset", sent.link_token)
            else:
                onetime.redeem_code(core, "reset", "7", sent.code)
        except AuthError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(race, range(8))) == 1
