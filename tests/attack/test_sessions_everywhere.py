"""SE-02, SE-03, SE-04, SE-09: whatever ends a session ends it at every door of every process, and a new proof is a new cookie."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pyotp
import pytest

from authenticator.applications import OWN, Assignment
from authenticator.crypto import random_token
from authenticator.flows import sessions
from tests.attack.test_session import is_signed_in, value_of, with_cookie

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.attack.conftest import Builder, House, Person, Visitor

NEW = "nine herons on a quiet river"
PLUGINS = ["password", "totp"]


@pytest.fixture(scope="module")
def twins(build: Builder) -> tuple[House, House]:
    """Two processes of one service."""
    first = build(plugins=PLUGINS)
    return first, build(url=first.url, plugins=PLUGINS)


@pytest.fixture(scope="module")
def cached_twins(build: Builder, request: pytest.FixtureRequest) -> tuple[House, House]:
    """The same with Redis between them."""
    redis_url = request.getfixturevalue("valkey_server").url
    first = build(plugins=PLUGINS, redis_url=redis_url)
    return first, build(url=first.url, plugins=PLUGINS, redis_url=redis_url)


@pytest.fixture
def moments(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[float], None]]:
    """The time that a process goes by when it looks for ended sessions; called, it passes."""
    from time import monotonic

    passed = [0.0]
    monkeypatch.setattr(sessions, "time", SimpleNamespace(monotonic=lambda: monotonic() + passed[0]))

    def wait(seconds: float) -> None:
        passed[0] += seconds

    yield wait
    assert sessions.LOOK_EVERY < 1, "the promise is a second"


@dataclass
class Victim:
    """Somebody with a program and a browser, both to be put out, and another of each, with which she does so herself."""

    house: House
    person: Person
    browser: Visitor
    cookie: str
    inside: Person
    window: Visitor

    @property
    def ids(self) -> list[str]:
        """The two sessions that are to end."""
        found = self.house.service.signed_by_cookie(self.cookie)
        assert found
        return [self.person.session, found.session.id]

    def call(self, method: str, path: str, body: Any = None) -> TestResponse:
        answer = self.house.visitor().open(f"/api/v1{path}", method=method, json=body, headers=self.inside.bearer)
        assert answer.status_code in (200, 201, 202, 204), answer.text
        return answer

    def send(self, path: str, page: str, **fields: str) -> None:
        answer = self.window.send_form(path, fields, page=page)
        assert answer.status_code == 303, answer.text


def victim(house: House) -> Victim:
    person = house.sign_up()
    browser = house.browser_of(person)
    return Victim(house, person, browser, value_of(house, browser), house.sign_in(person), house.browser_of(person))


def administrator(house: House) -> Person:
    person = house.sign_up()
    house.service.assign("operator", house.service.find_user(person.id), Assignment(OWN, permission="users:write"))
    return person


def by_administrator(one: Victim, method: str, path: str, body: Any = None) -> None:
    answer = one.house.visitor().open(
        f"/api/v1/users/{one.person.id}{path}", method=method, json=body, headers=administrator(one.house).bearer
    )
    assert answer.status_code in (200, 202, 204), answer.text


def link_in(house: House, email: str, path: str) -> str:
    pattern = rf"/{path}\?token=([^&\s]+)"
    return next(match[1] for one in reversed(house.mail_to(email)) if (match := re.search(pattern, one.link or one.text)))


def _signs_out(one: Victim) -> None:
    assert one.browser.send_form("/sign-out", {}, page="/account").status_code == 303
    assert one.house.post("/sign-out", None, headers=one.person.bearer).status_code == 204


def _ends_each_on_the_page(one: Victim) -> None:
    for session_id in one.ids:
        one.send(f"/account/sessions/{session_id}/end", "/account/sessions")


def _ends_each_by_program(one: Victim) -> None:
    for session_id in one.ids:
        one.call("DELETE", f"/me/sessions/{session_id}")


def _is_ended_one_by_one(one: Victim) -> None:
    for session_id in one.ids:
        by_administrator(one, "DELETE", f"/sessions/{session_id}")


def _resets(one: Victim) -> str:
    one.house.service.core.store.forgive([f"message:{one.person.email}"])
    assert one.house.post("/password/forgot", {"email": one.person.email}).status_code == 202
    return link_in(one.house, one.person.email, "reset-password")


def _resets_by_program(one: Victim) -> None:
    assert one.house.post("/password/reset", {"token": _resets(one), "new_password": NEW}).status_code == 204


def _resets_on_the_page(one: Victim) -> None:
    token, browser = _resets(one), one.house.visitor()
    answer = browser.send_form("/reset-password", {"token": token, "new_password": NEW}, page=f"/reset-password?token={token}")
    assert answer.status_code == 303, answer.text
    assert not is_signed_in(browser)


def _resets_by_code(one: Victim) -> None:
    _resets(one)
    code = one.house.mail_to(one.person.email)[-1].code
    body = {"email": one.person.email, "code": code, "new_password": NEW}
    assert one.house.post("/password/reset", body).status_code == 204


def _takes_an_address_back(one: Victim) -> None:
    one.house.service.core.store.forgive([f"message:{one.person.email}"])
    one.call("POST", "/me/emails", {"email": f"thief{random_token(64).lower().replace('_', 'x').replace('-', 'x')}@example.com"})
    token, browser = link_in(one.house, one.person.email, "cancel-change"), one.house.visitor()
    answer = browser.send_form("/cancel-change", {"token": token}, page=f"/cancel-change?token={token}")
    assert answer.status_code == 303, answer.text


def _replays_a_refresh_token(one: Victim) -> None:
    one.send("/account/sessions/end-others", "/account/sessions")  # the program's token is what is left to be tried
    thief = one.house.sign_in(one.person)
    second = one.house.refresh(thief.refresh).json["refresh_token"]
    assert one.house.refresh(second).status_code == 200
    assert one.house.refresh(thief.refresh).json["code"] == "refresh_reused"
    assert one.house.get("/me", thief.access).status_code == 401


def _has_too_many(one: Victim) -> None:
    core, now = one.house.service.core, one.house.clock.now()
    old = core.store.session_by_id(one.person.session)
    assert old
    for number in range(sessions.MOST):
        at = now + timedelta(seconds=number)
        core.store.open_session(replace(old, id=random_token(128), created_at=at, auth_time=at, cookie=None, refresh=None))
    sessions.cap(core, one.house.service.find_user(one.person.id))
    assert {core.store.session_by_id(session_id).close_reason for session_id in (one.person.session, one.inside.session)} == {"too_many"}


WAYS: dict[str, Callable[[Victim], Any]] = {
    "signs out": _signs_out,
    "ends each on the page": _ends_each_on_the_page,
    "ends all others on the page": lambda one: one.send("/account/sessions/end-others", "/account/sessions"),
    "ends each by program": _ends_each_by_program,
    "ends all others by program": lambda one: one.call("DELETE", "/me/sessions"),
    "is ended one by one by an administrator": _is_ended_one_by_one,
    "is ended by an administrator": lambda one: by_administrator(one, "DELETE", "/sessions"),
    "is suspended": lambda one: by_administrator(one, "POST", "/status", {"status": "suspended", "reason": "attack test"}),
    "is closed": lambda one: by_administrator(one, "POST", "/status", {"status": "closed", "reason": "attack test"}),
    "must choose a new password": lambda one: by_administrator(one, "POST", "/require-reset"),
    "changes the password by program": lambda one: one.call("POST", "/me/password", {"current_password": one.person.password, "new_password": NEW}),
    "changes the password on the page": lambda one: one.send(
        "/account/password", "/account/password", current_password=one.person.password, new_password=NEW
    ),
    "resets the password by a link": _resets_on_the_page,
    "resets the password by program": _resets_by_program,
    "resets the password by a code": _resets_by_code,
    "deletes the account by program": lambda one: one.call("DELETE", "/me"),
    "deletes the account on the page": lambda one: one.send("/account/data/delete", "/account/data", sure="1"),
    "takes an address back": _takes_an_address_back,
    "has a stolen refresh token replayed": _replays_a_refresh_token,
    "has too many": _has_too_many,
}  # fmt: skip


def is_dead(house: House, person: Person, cookie: str) -> None:
    """Nothing opens with what the program and the browser hold."""
    for method, path in (("GET", "/me"), ("GET", "/me/sessions"), ("POST", "/sign-out"), ("GET", "/users")):
        assert house.visitor().open(f"/api/v1{path}", method=method, headers=person.bearer).status_code == 401, path
    assert house.refresh(person.refresh).status_code == 401
    browser = with_cookie(house, cookie)
    for page in ("/account", "/account/profile", "/account/sessions", "/account/data"):
        assert browser.get(page).status_code == 303, page
    assert browser.get("/api/v1/me").status_code == 401


def put_out(here: House, there: House, how: str, wait: Callable[[float], None]) -> None:
    one = victim(here)
    assert there.get("/me", one.person.access).status_code == 200
    assert is_signed_in(with_cookie(there, one.cookie))
    WAYS[how](one)
    if how != "has too many":  # which is tidied up aside, after the answer
        is_dead(here, one.person, one.cookie)
    wait(sessions.LOOK_EVERY + 0.01)
    for node in (here, there):
        is_dead(node, one.person, one.cookie)


@pytest.mark.parametrize("how", WAYS)
def test_se_03_whatever_ends_a_session_ends_it_on_every_node(
    twins: tuple[House, House], how: str, moments: Callable[[float], None]
) -> None:
    """ASVS 5.0 7.4.1, 7.4.2, 7.4.5."""
    put_out(*twins, how, moments)


CLOSERS = (
    "signs out",
    "ends all others by program",
    "is closed",
    "resets the password by program",
    "deletes the account by program",
    "has a stolen refresh token replayed",
    "has too many",
)


def test_se_03_with_redis_between_the_nodes_too(cached_twins: tuple[House, House], moments: Callable[[float], None]) -> None:
    """One of each way in which the store is told that sessions ended."""
    for how in CLOSERS:
        put_out(*cached_twins, how, moments)


@pytest.mark.parametrize("how", ["deletes the account by program", "deletes the account on the page"])
def test_se_03_who_is_erased_at_once_is_signed_in_nowhere(build: Builder, how: str, moments: Callable[[float], None]) -> None:
    """Her sessions are gone from the store then, so that nothing is left there to say that they have ended."""
    here = build(plugins=PLUGINS, deletion_days=0)
    there = build(url=here.url, plugins=PLUGINS, deletion_days=0)
    put_out(here, there, how, moments)
    assert here.try_password("nobody@example.com", NEW).status_code == 401


# SE-02: a new proof is a new cookie


def confirm(browser: Visitor, **steps: str) -> None:
    browser.send_form("/account/confirm/password", {}, page="/account")
    for name, value in steps.items():
        answer = browser.send_form("/sign-in/verify", {name: value}, page="/sign-in/verify")
        assert answer.status_code == 303, answer.text


def with_app(house: House, person: Person) -> Callable[[], str]:
    """Set up an authenticator app; its codes, each of a new step."""
    begun = house.post("/me/factors/totp", {}, headers=person.bearer).json["challenge"]
    app, late = pyotp.TOTP(begun["options"]["secret"]), [0]

    def code() -> str:
        house.clock.advance(seconds=30)
        late[0] += 1
        return str(app.at(house.clock.now()))

    done = house.post("/sign-in/continue", {"challenge": begun["id"], "code": code()}, headers=person.bearer)
    assert done.json["status"] == "linked", done.text
    return code


def test_se_02_every_proof_gives_a_new_cookie_and_kills_the_one_before(build: Builder) -> None:
    """Sign-in, second step, step-up and a new password (ASVS 5.0 7.2.4)."""
    house = build(plugins=PLUGINS)
    person = house.sign_up()
    code = with_app(house, person)
    browser, planted = house.visitor(), random_token()
    browser.set_cookie("auth_session", planted, domain="localhost")
    seen = [planted]

    def is_new() -> None:
        value = value_of(house, browser)
        assert value
        assert value not in seen
        assert is_signed_in(browser)
        assert not any(is_signed_in(with_cookie(house, old)) for old in seen)
        seen.append(value)

    browser.send_form("/sign-in/password", {"email": person.email, "password": person.password})
    assert value_of(house, browser) in ("", planted), "half a sign-in is no session"
    assert browser.send_form("/sign-in/verify", {"code": code()}, page="/sign-in/verify").status_code == 303
    is_new()
    confirm(browser, password=person.password, code=code())
    is_new()
    fields = {"current_password": person.password, "new_password": NEW}
    assert browser.send_form("/account/password", fields, page="/account/password").status_code == 303
    is_new()
    browser.send_form("/sign-out", {}, page="/account")
    browser.send_form("/sign-in/password", {"email": person.email, "password": NEW})
    assert browser.send_form("/sign-in/verify", {"code": code()}, page="/sign-in/verify").status_code == 303
    is_new()


# SE-04: what the clock ends


def acr(access: str) -> str:
    return str(json.loads(base64.urlsafe_b64decode(access.split(".")[1] + "=="))["acr"])


def test_se_04_no_use_makes_a_session_live_longer(build: Builder) -> None:
    """The limit counts from the sign-in, however often it is refreshed, used or confirmed (NIST SP 800-63B-4 §2.2.3)."""
    house = build(plugins=PLUGINS)
    person = house.sign_up()
    browser = house.browser_of(person)
    token = person.refresh
    for _ in range(5):
        house.clock.advance(days=5, hours=23)
        token = house.refresh(token).json["refresh_token"]
        confirm(browser, password=person.password)
    house.clock.advance(hours=4)
    assert house.refresh(token).status_code == 200
    assert is_signed_in(browser)
    house.clock.advance(hours=2)
    assert house.refresh(token).status_code == 401
    assert not is_signed_in(browser)


def test_se_04_a_trusted_browser_is_no_proof_of_anything(build: Builder) -> None:
    """It spares the second step at sign-in, and there alone; what was proved two ways fades in a day."""
    house = build(plugins=PLUGINS)
    person = house.sign_up()
    code = with_app(house, person)
    browser = house.visitor()
    fields = {"email": person.email, "password": person.password}
    browser.send_form("/sign-in/password", fields)
    browser.send_form("/sign-in/verify", {"code": code(), "trust": "1"}, page="/sign-in/verify")
    assert shown_acr(browser) == "2"
    browser.send_form("/sign-out", {}, page="/account")
    assert browser.send_form("/sign-in/password", fields).location.endswith("/account"), "it is trusted"
    assert shown_acr(browser) == "1"
    house.clock.advance(minutes=6)
    assert browser.send_form("/account/two-step/totp/remove", {}, page="/account/two-step").status_code == 403
    browser.send_form("/account/confirm/password", {}, page="/account")
    answer = browser.send_form("/sign-in/verify", {"password": person.password}, page="/sign-in/verify")
    assert answer.location.endswith("/sign-in/verify"), "confirming asks for the second step in every browser"
    assert browser.send_form("/account/two-step/totp/remove", {}, page="/account/two-step").status_code == 403
    browser.send_form("/sign-in/verify", {"code": code()}, page="/sign-in/verify")
    assert shown_acr(browser) == "2"
    house.clock.advance(hours=24, minutes=1)
    assert shown_acr(browser) == "1"
    confirm(browser, password=person.password, code=code())
    assert shown_acr(browser) == "2"


def shown_acr(browser: Visitor) -> str:
    """What the access token says that the account page shows."""
    found = re.search(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", browser.send_form("/account/token", {}, page="/account").text)
    assert found
    return acr(found[0])


# SE-09: how many


def test_se_09_of_two_hundred_sign_ins_the_newest_hundred_are_left(build: Builder) -> None:
    """ASVS 5.0 7.1.2. The cap is looked after at some sign-ins only, so the last one is repeated until it was."""
    house = build(plugins=PLUGINS)
    person = house.sign_up()
    made = [person]
    while len(made) < 200 or not made[-1].session.startswith(sessions.SOMETIMES):
        house.clock.advance(seconds=1)
        made.append(house.sign_in(person))
        assert len(made) < 500
    house.service.core.errands.flush()
    user, find = house.service.find_user(person.id), house.service.core.store.session_by_id
    page = house.service.sessions(user, limit=200)
    assert [one.id for one in page.items] == [one.session for one in reversed(made[-sessions.MOST :])]
    assert {find(one.session).close_reason for one in made[: -sessions.MOST]} == {"too_many"}
    house.service.ended.look_again()
    assert house.get("/me", made[0].access).status_code == 401
    assert house.refresh(made[0].refresh).status_code == 401
    assert house.get("/me", made[-1].access).status_code == 200
