"""BF: guessing, from one address and from many, at every door; and those who lock others out on purpose."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

import pytest

from authenticator.limits import Backoff

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.test import TestResponse

    from tests.attack.conftest import Builder, House, Person

WRONG = "not the password of anybody"
NEW = "nine herons on a quiet river"


def lock(house: House, person: Person) -> None:
    """Fail until the account is locked, each time from another address."""
    tried = [house.try_password(person.email, WRONG).status_code for _ in range(7)]
    assert tried == [401] * 6 + [429]


def reset_link(house: House, person: Person) -> str:
    assert house.post("/password/forgot", {"email": person.email}).status_code == 202
    found = re.search(r"token=(\S+)$", house.mail_to(person.email)[-1].link)
    assert found
    return found[1]


# BF-01: one account, many addresses


def test_bf_01_an_account_is_not_guessed_from_many_addresses(manor: House) -> None:
    """NIST SP 800-63B-4 §3.2.2: the wait doubles, whoever asks from wherever."""
    person = manor.sign_up()
    lock(manor, person)
    right = manor.try_password(person.email, person.password)
    assert (right.status_code, right.json["code"]) == (429, "rate_limited")
    assert 1 <= int(right.headers["Retry-After"]) <= 30
    waits = []
    for _ in range(4):
        wait = int(manor.try_password(person.email, WRONG).headers["Retry-After"])
        waits.append(wait)
        manor.clock.advance(seconds=wait)
        assert manor.try_password(person.email, WRONG).status_code == 401
    assert waits[0] <= 30
    assert all(later > 1.5 * before for before, later in itertools.pairwise(waits[1:]))


def test_bf_01_no_more_than_a_hundred_guesses_in_a_row_are_ever_looked_at(manor: House) -> None:
    person = manor.sign_up()
    core, key = manor.service.core, f"account:password:user:{person.id}"
    counter = Backoff(key, free=1000)
    for _ in range(100):
        assert core.store.count_attempts([counter], core.clock.now()) == 0
    manor.clock.advance(days=30)
    for _ in range(3):
        assert manor.try_password(person.email, person.password).status_code == 429
    assert manor.post("/password/reset", {"token": reset_link(manor, person), "new_password": NEW}).status_code == 204
    assert manor.try_password(person.email, NEW).status_code == 200


def test_bf_01_guesses_at_once_are_counted_one_by_one(manor: House, at_once: Callable[..., list[Any]]) -> None:
    person = manor.sign_up()
    answers = at_once([lambda: manor.try_password(person.email, WRONG).status_code for _ in range(16)])
    assert 1 <= answers.count(401) <= 6, answers
    assert answers.count(401) + answers.count(429) == 16, answers


# BF-03: forged addresses

FORGED = ["X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP", "True-Client-IP", "X-Client-IP", "X-Cluster-Client-IP", "Client-IP", "Via", "X-Forwarded"]  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_bf_03_a_forged_address_gets_no_bucket_of_its_own(build: Builder, name: str) -> None:
    house = _production(build)
    answers = []
    for number in range(35):
        value = f"for=203.0.113.{number}" if name == "Forwarded" else f"203.0.113.{number}"
        answer = house.try_password(f"{name.lower()}{number}@example.com", WRONG, address="198.51.100.7", headers={name: value})
        answers.append(answer.status_code)
    assert answers == [401] * 30 + [429] * 5


_houses: dict[int, House] = {}


def _production(build: Builder) -> House:
    """One house for all of these; its minute passes between two tests."""
    house = _houses.get(id(build))
    if house is None:
        house = _houses[id(build)] = build(environment="production", public_url="https://auth.example")
    house.clock.advance(minutes=2)
    return house


def test_bf_03_the_history_knows_where_a_sign_in_came_from(build: Builder) -> None:
    house = _production(build)
    person = house.sign_up()
    headers = dict.fromkeys(FORGED, "203.0.113.9")
    body = {"email": person.email, "password": person.password}
    assert house.post("/sign-in/password", body, address="198.51.100.8", headers=headers).status_code == 200
    page = house.service.sessions(house.service.find_user(person.id))
    assert {session.client.address for session in page.items} >= {"198.51.100.8"}
    assert "203.0.113.9" not in {session.client.address for session in page.items}


def test_bf_03_addresses_of_one_ipv6_network_are_one(build: Builder) -> None:
    house = _production(build)
    answers = [
        house.try_password(f"six{number}@example.com", WRONG, address=f"2001:db8:7:7::{number + 1:x}").status_code for number in range(32)
    ]
    assert answers == [401] * 30 + [429] * 2


# BF-08: the other doors


def test_bf_08_what_one_door_has_locked_no_other_opens(manor: House) -> None:
    """The page, the API, confirming in a session and changing the password count together."""
    person = manor.sign_up()
    inside, tokens = manor.browser_of(person), manor.sign_in(person)
    lock(manor, person)
    body = {"current_password": person.password, "new_password": NEW}
    doors: dict[str, TestResponse] = {
        "page": manor.visitor().send_form("/sign-in/password", {"email": person.email, "password": person.password}),
        "first form": manor.visitor().send_form("/sign-in", {"provider": "password", "email": person.email, "password": person.password}),
        "API": manor.try_password(person.email, person.password),
        "change by API": manor.post("/me/password", body, headers=tokens.bearer),
        "change on the page": inside.send_form("/account/password", body, page="/account/password"),
    }
    inside.send_form("/account/confirm/password", {}, page="/account")
    doors["confirming"] = inside.send_form("/sign-in/verify", {"password": person.password}, page="/sign-in/verify")
    assert {door: answer.status_code for door, answer in doors.items()} == dict.fromkeys(doors, 429)
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in doors.values())


@pytest.mark.parametrize("door", ["change", "confirm"])
def test_bf_08_guessing_inside_a_stolen_session_locks_like_outside(manor: House, door: str) -> None:
    person = manor.sign_up()
    inside, answers = manor.browser_of(person), []
    for _ in range(7):
        if door == "change":
            answer = inside.send_form("/account/password", {"current_password": WRONG, "new_password": NEW}, page="/account/password")
        else:
            inside.send_form("/account/confirm/password", {}, page="/account")
            answer = inside.send_form("/sign-in/verify", {"password": WRONG}, page="/sign-in/verify")
        answers.append(answer.status_code)
    assert answers == [401] * 6 + [429]
    assert manor.try_password(person.email, person.password).status_code == 429


# BF-09: locked out on purpose


def test_bf_09_a_locked_out_person_comes_back_by_a_reset_at_once(manor: House) -> None:
    """ASVS 5.0 6.1.1."""
    person = manor.sign_up()
    lock(manor, person)
    assert manor.post("/password/reset", {"token": reset_link(manor, person), "new_password": NEW}).status_code == 204
    assert manor.try_password(person.email, NEW).status_code == 200


def test_bf_09_a_session_goes_on_while_the_password_is_locked(manor: House) -> None:
    person = manor.sign_up()
    lock(manor, person)
    assert manor.get("/me", person.access).status_code == 200
    assert manor.refresh(person.refresh).status_code == 200


def test_bf_09_the_lock_ends_by_itself_within_an_hour(manor: House) -> None:
    person = manor.sign_up()
    core, key = manor.service.core, f"account:password:user:{person.id}"
    for _ in range(40):
        wait = core.store.count_attempts([Backoff(key)], core.clock.now())
        manor.clock.advance(seconds=wait)
    manor.clock.advance(hours=1)
    assert manor.try_password(person.email, person.password).status_code == 200
    assert manor.try_password(person.email, person.password).status_code == 200


def test_bf_09_locking_one_person_locks_nobody_else(manor: House) -> None:
    ada, eve = manor.sign_up(), manor.sign_up()
    lock(manor, ada)
    assert manor.try_password(eve.email, eve.password).status_code == 200


# BF-10: bombing, spraying, restarts


def test_bf_10_nobodys_mailbox_is_filled_with_resets(manor: House) -> None:
    person = manor.sign_up()
    manor.service.core.store.forgive([f"message:{person.email}"])
    before = len(manor.mail_to(person.email))
    answers = [manor.post("/password/forgot", {"email": person.email}) for _ in range(20)]
    assert [answer.status_code for answer in answers] == [202] * 3 + [429] * 17
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in answers[3:])
    assert len(manor.mail_to(person.email)) - before == 3


def test_bf_10_another_name_of_the_same_person_fills_it_no_further(manor: House) -> None:
    from dataclasses import replace

    from authenticator.models import LoginKey, NewKey

    person = manor.sign_up()
    store, name = manor.service.core.store, f"name{person.id[-6:]}x"
    store.add_login_key(person.id, NewKey(LoginKey("username", name), way_in=False), manor.clock.now())
    assert store.save_user(replace(manor.service.find_user(person.id), username=name))
    store.forgive([f"message:{person.email}"])
    before = len(manor.mail_to(person.email))
    for who in (person.email, name, name, name):
        assert manor.post("/password/forgot", {"email": who}).status_code == 202
    assert len(manor.mail_to(person.email)) - before == 3


def test_bf_10_one_address_asks_for_ten_messages_an_hour(manor: House) -> None:
    answers = [manor.post("/password/forgot", {"email": f"bomb{number}@example.com"}, address="198.51.100.30") for number in range(12)]
    assert [answer.status_code for answer in answers] == [202] * 10 + [429] * 2


def test_bf_10_one_password_is_not_tried_on_a_thousand_names(manor: House) -> None:
    manor.clock.advance(minutes=2)
    answers = [manor.try_password(f"spray{number}@example.com", "Summer2026!", address="198.51.100.31") for number in range(40)]
    assert [answer.status_code for answer in answers] == [401] * 30 + [429] * 10
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in answers[30:])


def test_bf_10_a_restart_forgets_no_counter(build: Builder) -> None:
    """Counters are in the store, so that every worker shares them and they outlive each."""
    first = build(environment="production", public_url="https://auth.example")
    person = first.sign_up()
    lock(first, person)
    for _ in range(3):
        first.post("/password/forgot", {"email": "bombed@example.com"})
    second = build(url=first.url, environment="production", public_url="https://auth.example")
    assert second.try_password(person.email, person.password).status_code == 429
    assert second.post("/password/forgot", {"email": "bombed@example.com"}).status_code == 429
