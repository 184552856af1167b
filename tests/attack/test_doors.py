"""EN-01, BF-08: every door tells the same of every account, and what one door has locked no other opens."""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyotp
import pytest

from authenticator.models import Status
from tests.attack.test_codes import shown

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.attack.conftest import Builder, House, Person, Visitor

WRONG, NEW = "not the password of anybody", "nine herons on a quiet river"
numbers = itertools.count(200_000)


@pytest.fixture(scope="module")
def house(build: Builder) -> House:
    """The service with every door that needs nobody else."""
    return build(plugins=["password", "email", "phone", "passkey", "totp"])


@dataclass(frozen=True)
class Names:
    """What an account can be called by; of one length, so that answers which show them can be compared."""

    email: str
    phone: str
    username: str
    person: Person | None = None

    @property
    def password(self) -> str:
        return self.person.password if self.person else WRONG


def nobody() -> Names:
    return Names(f"{secrets.token_hex(6)}@example.com", f"+447400{next(numbers)}", f"u{secrets.token_hex(6)}")


def code_to(house: House, target: str) -> str:
    house.service.core.messages.flush()
    return next(one.code for one in reversed(house.sink.sent) if one.to == target and one.code)


def forgive(house: House, names: Names) -> None:
    """Forget how many messages went to these addresses."""
    house.service.core.store.forgive([f"message:{names.email}", f"message:{names.phone}"])


def somebody(house: House, *, with_password: bool = True) -> Names:
    """Somebody with an address, a number and a user name."""
    names = nobody()
    if with_password:
        person = house.sign_up(names.email)
        bearer, user = person.bearer, person
    else:
        begun = house.post("/sign-in/email", {"email": names.email}).json
        done = house.post("/sign-in/continue", {"challenge": begun["challenge"]["id"], "code": code_to(house, names.email)}).json
        bearer, user = {"Authorization": f"Bearer {done['access_token']}"}, None
    added = house.post("/me/phones", {"phone_number": names.phone}, headers=bearer).json
    proof = {"code": code_to(house, names.phone)}
    assert house.post(f"/me/phones/{added['id']}/verify", proof, headers=bearer).status_code == 200
    named = house.visitor().patch("/api/v1/me", json={"username": names.username}, headers=bearer)
    assert named.status_code == 200, named.text
    forgive(house, names)
    return Names(names.email, names.phone, names.username, user)


def _in_status(status: Status) -> Callable[[House], Names]:
    def made(house: House) -> Names:
        names = somebody(house)
        house.service.change_status(house.service.find_user(names.email), status, why="attack test", by="operator")
        return names

    return made


def _leaving(house: House) -> Names:
    names = somebody(house)
    assert names.person
    assert house.visitor().delete("/api/v1/me", headers=names.person.bearer).status_code == 202
    return names


def _with_two_steps(house: House) -> Names:
    names = somebody(house)
    assert names.person
    begun = house.post("/me/factors/totp", None, headers=names.person.bearer).json["challenge"]
    code = pyotp.TOTP(begun["options"]["secret"]).at(house.clock.now())
    assert house.post("/sign-in/continue", {"challenge": begun["id"], "code": code}, headers=names.person.bearer).status_code == 200
    return names


def _must_reset(house: House) -> Names:
    names = somebody(house)
    house.service.require_reset(house.service.find_user(names.email), by="operator")
    forgive(house, names)
    return names


def _listed(house: House) -> Names:
    """Nobody's account: an address and a number that wait on somebody's list to be proved."""
    names, owner = nobody(), house.sign_up()
    assert house.post("/me/emails", {"email": names.email}, headers=owner.bearer).status_code == 201
    assert house.post("/me/phones", {"phone_number": names.phone}, headers=owner.bearer).status_code == 201
    forgive(house, names)
    return names


STATES: dict[str, Callable[[House], Names]] = {
    "member": somebody,
    "suspended": _in_status(Status.SUSPENDED),
    "closed": _in_status(Status.CLOSED),
    "leaving": _leaving,
    "without a password": lambda house: somebody(house, with_password=False),
    "with two steps": _with_two_steps,
    "must choose a new password": _must_reset,
    "an address that waits": _listed,
}


@pytest.fixture(scope="module")
def states(house: House) -> dict[str, Names]:
    return {"unknown": nobody(), **{state: make(house) for state, make in STATES.items()}}


def on_page(house: House, path: str, fields: dict[str, str], *shown_at: str) -> list[TestResponse]:
    """A form that is sent, and what the browser sees afterwards."""
    browser = house.visitor()
    return [browser.send_form(path, fields, page=path), *(browser.get(page) for page in shown_at)]


Door = Callable[["House", Names], tuple[str, list[Any]]]


def _password(alias: str, *, page: bool) -> Door:
    def tried(house: House, names: Names) -> tuple[str, list[Any]]:
        typed = getattr(names, alias)
        fields = {"email": typed, "password": WRONG}
        return typed, on_page(house, "/sign-in/password", fields) if page else [house.post("/sign-in/password", fields)]

    return tried


def _forgot(alias: str, *, page: bool) -> Door:
    def asked(house: House, names: Names) -> tuple[str, list[Any]]:
        typed = getattr(names, alias)
        if page:
            return typed, on_page(house, "/forgot-password", {"email": typed}, "/reset-password?sent=1")
        guess = {"email": typed, "code": "000000", "new_password": NEW}
        return typed, [house.post("/password/forgot", {"email": typed}), house.post("/password/reset", guess)]

    return asked


def _code(way: str, field: str, *, page: bool) -> Door:
    def asked(house: House, names: Names) -> tuple[str, list[Any]]:
        typed = getattr(names, way)
        if page:
            return typed, on_page(house, f"/sign-in/{way}", {field: typed}, "/sign-in/verify")
        begun = house.post(f"/sign-in/{way}", {field: typed})
        right = code_to(house, typed)
        wrong = {"challenge": begun.json["challenge"]["id"], "code": f"{(int(right) + 1) % 10**6:06d}"}
        return typed, [begun, house.post("/sign-in/continue", wrong)]

    return asked


def _added(way: str, field: str) -> Door:
    """Somebody signed in puts it on her own list."""

    def added(house: House, names: Names) -> tuple[str, list[Any]]:
        typed, owner = getattr(names, way), house.sign_up(f"{secrets.token_hex(6)}@example.org")
        answer = house.post(f"/me/{way}s", {field: typed}, headers=owner.bearer)
        tried = house.post(f"/me/{way}s/{answer.json['id']}/verify", {"code": "000000"}, headers=owner.bearer)
        return typed, [answer, tried]

    return added


def _signed_up(way: str, field: str) -> Door:
    def begun(house: House, names: Names) -> tuple[str, list[Any]]:
        typed = getattr(names, way)
        more = {"password": NEW, "given_name": "A", "family_name": "B"} if way == "email" else {}
        provider = "password" if way == "email" else way
        return typed, [house.post(f"/sign-up/{provider}", {field: typed, **more})]

    return begun


DOORS: dict[str, Door] = {
    **{f"password by {alias}": _password(alias, page=False) for alias in ("email", "phone", "username")},
    **{f"password by {alias}, page": _password(alias, page=True) for alias in ("email", "phone", "username")},
    **{f"forgotten by {alias}": _forgot(alias, page=False) for alias in ("email", "phone", "username")},
    "forgotten by email, page": _forgot("email", page=True),
    "forgotten by username, page": _forgot("username", page=True),
    "mailed code": _code("email", "email", page=False),
    "mailed code, page": _code("email", "email", page=True),
    "texted code": _code("phone", "phone_number", page=False),
    "texted code, page": _code("phone", "phone_number", page=True),
    "address added": _added("email", "email"),
    "number added": _added("phone", "phone_number"),
    "sign-up by address": _signed_up("email", "email"),
    "sign-up by number": _signed_up("phone", "phone_number"),
}


@pytest.mark.parametrize("door", DOORS)
def test_en_01_a_door_says_the_same_of_every_account(house: House, states: dict[str, Names], door: str) -> None:
    """Status, headers, cookies and every byte but ids, dates and what was typed (ASVS 5.0 6.3.8)."""
    seen: dict[str, Any] = {}
    for state, names in states.items():
        forgive(house, names)
        typed, answers = DOORS[door](house, names)
        seen[state] = [re.sub(r'"id": "\d+"', "", shown(answer, typed)) for answer in answers]
        assert answers[0].status_code in (200, 201, 202, 303, 401), (state, answers[0].text)
    differing = {state: answer for state, answer in seen.items() if answer != seen["unknown"]}
    assert not differing, next(iter(differing.values())) + seen["unknown"]


SHUT = ("suspended", "closed", "leaving")  # who must choose a new password and knows the old one is told so


@pytest.mark.parametrize("state", SHUT)
def test_en_01_the_right_password_of_who_may_not_come_in_looks_like_a_wrong_one(house: House, states: dict[str, Names], state: str) -> None:
    names, unknown = states[state], nobody()
    for alias in ("email", "phone", "username"):
        answers = []
        for who, password in ((names, names.password), (unknown, names.password)):
            typed = getattr(who, alias)
            fields = {"email": typed, "password": password}
            house.service.core.store.forgive([f"account:password:user:{house.service.find_user(names.email).id}"])
            given = [house.post("/sign-in/password", fields), *on_page(house, "/sign-in/password", fields)]
            assert [one.status_code for one in given] == [401, 401]
            answers.append([shown(one, typed) for one in given])
        assert answers[0] == answers[1]


def test_en_01_a_taken_user_name_is_taken_whoever_has_it(house: House, states: dict[str, Names]) -> None:
    """The check tells what anybody can see who tries to take it; and nothing of whose it is."""
    seen = {}
    for state, names in states.items():
        if state not in ("unknown", "an address that waits"):
            seen[state] = shown(house.visitor().get(f"/api/v1/usernames/{names.username}"), names.username)
    assert len(set(seen.values())) == 1, seen
    assert '"taken"' in seen["member"]


# BF-08: one count for all doors


def lock(house: House, typed: str) -> None:
    assert [house.try_password(typed, WRONG).status_code for _ in range(7)] == [401] * 6 + [429]


def ways_to_use_it(house: House, names: Names, inside: Visitor, bearer: dict[str, str]) -> dict[str, TestResponse]:
    """The right password at every door that takes one."""
    password, found = names.password, {}
    for alias in ("email", "phone", "username"):
        typed = getattr(names, alias)
        found[f"API by {alias}"] = house.try_password(typed, password)
        found[f"page by {alias}"] = house.visitor().send_form("/sign-in/password", {"email": typed, "password": password})
    found["API in capitals"] = house.try_password(names.email.upper(), password)
    found["first form"] = house.visitor().send_form("/sign-in", {"provider": "password", "email": names.email, "password": password})
    found["confirm by API"] = house.post("/me/confirm/password", {"password": password}, headers=bearer)
    body = {"current_password": password, "new_password": NEW}
    found["change by API"] = house.post("/me/password", body, headers=bearer)
    found["change on the page"] = inside.send_form("/account/password", body, page="/account/password")
    inside.send_form("/account/confirm/password", {}, page="/account")
    found["confirm on the page"] = inside.send_form("/sign-in/verify", {"password": password}, page="/sign-in/verify")
    return found


@pytest.mark.parametrize("alias", ["email", "phone", "username"])
def test_bf_08_whatever_name_was_guessed_by_every_door_is_locked(house: House, alias: str) -> None:
    """CVE-2026-9798, CVE-2022-24857."""
    names = somebody(house)
    assert names.person
    inside, bearer = house.browser_of(names.person), names.person.bearer
    lock(house, getattr(names, alias))
    answers = ways_to_use_it(house, names, inside, bearer)
    assert {door: answer.status_code for door, answer in answers.items()} == dict.fromkeys(answers, 429)
    house.clock.advance(minutes=2)
    assert house.try_password(getattr(names, alias), names.password).status_code == 200, "the lock ends by itself"


def test_bf_08_guesses_are_counted_together_whatever_name_they_are_made_by(house: House) -> None:
    names = somebody(house)
    tried = itertools.islice(itertools.cycle((names.email, names.phone, names.username, names.email.upper())), 7)
    assert [house.try_password(typed, WRONG).status_code for typed in tried] == [401] * 6 + [429]


def test_bf_09_while_the_password_is_locked_a_code_and_a_reset_let_its_owner_in(house: House) -> None:
    """ASVS 5.0 6.1.1."""
    names = somebody(house)
    lock(house, names.email)
    for way, field in (("email", "email"), ("phone", "phone_number")):
        typed = getattr(names, way)
        begun = house.post(f"/sign-in/{way}", {field: typed}).json["challenge"]["id"]
        done = house.post("/sign-in/continue", {"challenge": begun, "code": code_to(house, typed)})
        assert done.json["status"] == "complete", done.text
    assert house.try_password(names.email, names.password).status_code == 429, "a code does not open what it has no part in"
    forgive(house, names)
    house.post("/password/forgot", {"email": names.email})
    body = {"email": names.email, "code": code_to(house, names.email), "new_password": NEW}
    assert house.post("/password/reset", body).status_code == 204
    assert house.try_password(names.username, NEW).status_code == 200
