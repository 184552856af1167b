"""RL-02, RL-04 and RF-06 with a real database that hangs or is killed: 503 at every door, no false word about any token, and all is as before."""

from __future__ import annotations

import os
import pwd
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from werkzeug.test import TestResponse

from authenticator.testing import servers
from authenticator.testing.databases import absent
from authenticator.testing.oauth import OAuthApp
from tests.attack.conftest import at_once

if TYPE_CHECKING:
    from tests.attack.conftest import Builder, House

Doors = dict[str, Callable[[], TestResponse]]


@pytest.fixture
def mortal(store_kind: str) -> Iterator[servers.Server]:
    """A server of this test's own, that may be hurt: in SQLite's turn it is PostgreSQL, for there is no server of SQLite."""
    try:
        server = servers.mongod() if store_kind == "mongodb" else servers.postgresql()
    except (servers.Missing, ImportError) as error:
        absent(str(error))
    with server:
        yield server


@pytest.fixture
def house(build: Builder, mortal: servers.Server) -> House:
    return build(url=f"{mortal.url}{'hangs' if mortal.url.startswith('mongodb') else 'postgres'}")


def freeze(server: servers.Server) -> Callable[[], None]:
    server.freeze()
    return server.thaw


def kill(server: servers.Server) -> Callable[[], None]:
    server.kill()
    if server.url.startswith("mongodb"):
        return lambda: servers.start_mongod(server)
    return lambda: servers.start_postgresql(server, pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None)


def answered(door: Callable[[], TestResponse]) -> TestResponse:
    """The answer when the database is back: whoever is told to come again does."""
    end = time.monotonic() + 30
    while (answer := door()).status_code == 503 and time.monotonic() < end:
        time.sleep(0.05)
    return answer


@pytest.mark.parametrize("hurt", [freeze, kill])
def test_rl_04_a_database_that_does_not_answer_is_told_at_every_door_and_nothing_is_lost(
    house: House, mortal: servers.Server, hurt: Callable[[servers.Server], Callable[[], None]]
) -> None:
    app, person = OAuthApp.register(house.app, grant_types=["authorization_code", "refresh_token", "client_credentials"]), house.sign_up()
    browser = house.browser_of(person)
    tokens, code = app.tokens(browser), app.code(browser)
    doors: Doors = {
        "refresh": lambda: app.refresh(tokens["refresh_token"]),
        "own refresh": lambda: house.refresh(person.refresh),
        "code": lambda: app.token(**code),
        "itself": lambda: app.token("client_credentials"),
        "introspect": lambda: app.post("/oauth/introspect", token=tokens["access_token"]),
        "userinfo": lambda: app.userinfo(tokens["access_token"]),
        "door": lambda: browser.get("/verify"),
        "door by token": lambda: house.visitor().get("/verify", headers=person.bearer),
        "API": lambda: house.get("/me", person.access),
        "account": lambda: browser.get("/account"),
    }
    house.service.ended.look_again()
    heal = hurt(mortal)
    try:
        answers = dict(zip(doors, at_once(list(doors.values())), strict=True))
    finally:
        heal()
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(doors, 503)
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers.values())
    house.clock.advance(seconds=15)
    again = {name: answered(door) for name, door in doors.items()}
    assert {name: answer.status_code for name, answer in again.items()} == dict.fromkeys(doors, 200)
    assert again["introspect"].json["active"] is True
    assert "refresh_reused" not in [event.kind for event in house.service.events(house.service.find_user(person.id)).items]
