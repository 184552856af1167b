"""Whether the history has each sign-in once, as what it was, and listeners hear of it once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import pyotp
import pytest
from flask import Flask

from authenticator.clock import SetClock
from authenticator.events import Event
from authenticator.flows import sessions
from authenticator.models import Status
from authenticator.plugin import hookimpl
from authenticator.testing.client import Answer
from authenticator.testing.people import Account, AsUser, SignInVia

SIGN_INS = ("signed_in", "sign_in_failed", "sign_in_refused", "user_created")


class Ear:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[Event] = []

    @hookimpl
    def auth_listeners(self) -> Sequence[Callable[[Event], None]]:
        return [self.heard.append]


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def auth_plugins(ear: Ear) -> tuple[Ear]:
    return (ear,)


def history(app: Flask, user_id: str) -> list[Event]:
    """The sign-ins in somebody's history, newest first."""
    page = app.extensions["authenticator"].core.store.events_of(user_id)
    return [event for event in page.items if event.kind in SIGN_INS]


def sign_in(account: Account, password: str = "") -> Answer:
    return account.client.api("POST", "sign-in/password", {"email": account.email, "password": password or account.password})


def test_a_sign_in_and_a_wrong_password_stand_there_as_what_they_were(as_user: AsUser, auth_app: Flask, ear: Ear) -> None:
    ada = as_user()
    assert sign_in(ada, "something else").status == 401
    done = sign_in(ada)
    found = history(auth_app, ada.id)
    assert [event.kind for event in found] == ["signed_in", "sign_in_failed", "user_created"]
    assert found[0].detail == {"provider": "password", "session": done["session_id"]}
    assert found[1].client.agent == "Testing/1.0"


def test_listeners_hear_of_each_attempt_once_and_of_what_is_written(as_user: AsUser, auth_app: Flask, ear: Ear) -> None:
    ada = as_user()
    sign_in(ada, "something else")
    sign_in(ada)
    written = {event.id: event.kind for event in history(auth_app, ada.id)}
    heard = [event for event in ear.heard if event.kind in SIGN_INS]
    assert max(Counter(event.id for event in heard).values()) == 1
    assert {event.id: event.kind for event in heard if event.id in written} == written
    assert [event.kind for event in heard] == ["user_created", "signed_in", "sign_in_failed", "signed_in"]


def test_an_attempt_at_nobody_s_account_is_written_too(as_user: AsUser, auth_app: Flask) -> None:
    ada = as_user()
    ada.client.api("POST", "sign-in/password", {"email": "nobody@example.com", "password": "something else"})
    newest = auth_app.extensions["authenticator"].core.store.events().items[0]
    assert (newest.kind, newest.user_id) == ("sign_in_failed", None)
    assert "nobody" not in str(newest)


def test_half_a_sign_in_stays_a_failure_until_the_second_step(as_user: AsUser, auth_app: Flask, clock: SetClock) -> None:
    ada = as_user()
    begun = ada.client.api("POST", "me/factors/totp", token=ada.access_token)["challenge"]
    app = pyotp.TOTP(begun["options"]["secret"])
    ada.client.api("POST", "sign-in/continue", {"challenge": begun["id"], "code": app.at(clock.now())}, token=ada.access_token)
    challenge = sign_in(ada)["challenge"]["id"]
    half = history(auth_app, ada.id)[0]
    assert half.kind == "sign_in_failed"
    clock.advance(seconds=30)
    ada.client.api("POST", "sign-in/continue", {"challenge": challenge, "code": app.at(clock.now())})
    whole = history(auth_app, ada.id)[0]
    assert (whole.kind, whole.id) == ("signed_in", half.id)


def test_a_locked_account_s_attempts_are_written(as_user: AsUser, auth_app: Flask) -> None:
    ada = as_user()
    assert [sign_in(ada, "something else").status for _ in range(7)][-1] == 429
    assert [event.kind for event in history(auth_app, ada.id)].count("sign_in_failed") == 7


def test_a_suspended_account_s_attempts_are_written(as_user: AsUser, sign_in_via: SignInVia, auth_app: Flask, ear: Ear) -> None:
    ada = as_user("someone@example.com")
    sign_in_via.arrive(ada.browser().submit("/account", action="/account/link/google"), "grace@example.com")
    service = auth_app.extensions["authenticator"]
    service.change_status(service.find_user(ada.id), Status.SUSPENDED, why="test", by="operator")
    assert sign_in(ada).status == 401
    assert sign_in_via("google", "grace@example.com").page.status == 403
    assert [event.kind for event in history(auth_app, ada.id)][:2] == ["sign_in_refused", "sign_in_failed"]
    assert [event.kind for event in ear.heard][-2:] == ["sign_in_refused", "sign_in_refused"]


def test_the_oldest_of_too_many_sign_ins_ends(as_user: AsUser, auth_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MOST", 3)
    monkeypatch.setattr(sessions, "SOMETIMES", ("",))  # each time
    ada = as_user()
    newest = [sign_in(ada)["session_id"] for _ in range(4)]
    core = auth_app.extensions["authenticator"].core
    core.errands.flush()
    left = [session.id for session in core.store.sessions_of(ada.id, core.clock.now()).items]
    assert left == newest[:0:-1]
    assert core.store.session_by_id(ada.session_id).close_reason == "too_many"
