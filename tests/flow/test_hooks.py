"""Whether a stranger's plug-in can take part in each way that the hooks promise, and can't do harm in others."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest
from flask import Flask

from authenticator.events import Event
from authenticator.plugin import Ask, AuthError, Factor, Field, Proof, Turn, User, Visit, hookimpl
from authenticator.testing.client import Answer, Browser
from authenticator.testing.people import AsUser, Outbox, SignInVia

ANSWER = "mellon"


class Riddle(Factor):
    """A second step: who has set it up must know a word."""

    name, label = "riddle", "Riddle"
    askers: ClassVar[set[str]] = set()

    def enrolled(self, user: User) -> bool:
        return user.id in self.askers

    def start(self, visit: Visit) -> Turn:
        return Ask((Field("word", "Word"),), kind="riddle", title="Speak, friend", keep={"right": ANSWER})

    def resume(self, visit: Visit, keep: Mapping[str, Any], answer: Mapping[str, str]) -> Turn:
        if answer["word"] != keep["right"]:
            raise AuthError("invalid_code")
        assert visit.user
        return Proof(visit.user.id, amr=("kba",))


class Stranger:
    """A plug-in whose every hook can be told what to do."""

    def __init__(self) -> None:
        self.sign_in: Any = None
        self.sign_up: Any = None
        self.claims: dict[str, Any] = {}
        self.events: list[Event] = []

    @hookimpl
    def auth_factors(self) -> Sequence[type[Factor]]:
        return [Riddle]

    @hookimpl
    def auth_listeners(self) -> Sequence[Any]:
        return [self.break_down, self.events.append]

    def break_down(self, event: Event) -> None:
        raise RuntimeError("a listener that fails")

    @hookimpl
    def auth_check_sign_in(self, user: Any) -> str | None:
        return told(self.sign_in)

    @hookimpl
    def auth_check_sign_up(self, identity: Any) -> str | None:
        return told(self.sign_up)

    @hookimpl
    def auth_claims(self, user: Any) -> dict[str, Any]:
        return self.claims

    @hookimpl
    def auth_mount(self, app: Flask) -> None:
        app.add_url_rule("/stranger", "stranger", lambda: "hello")


def told(what: Any) -> str | None:
    if isinstance(what, Exception):
        raise what
    return what  # type: ignore[no-any-return]


@pytest.fixture
def stranger() -> Stranger:
    Riddle.askers.clear()
    return Stranger()


@pytest.fixture
def auth_plugins(stranger: Stranger) -> tuple[Stranger]:
    return (stranger,)


def password_sign_in(client: Browser, email: str, password: str) -> Answer:
    return client.api("POST", "sign-in/password", {"email": email, "password": password})


REFUSALS = pytest.mark.parametrize(
    ("refusal", "code"),
    [
        ("sign_up_closed", "sign_up_closed"),
        ("forbidden", "forbidden"),
        ("no such code", "forbidden"),
        (RuntimeError("broken"), "forbidden"),
    ],
    ids=str,
)


@REFUSALS
def test_a_check_that_refuses_or_fails_lets_nobody_in(as_user: AsUser, stranger: Stranger, refusal: Any, code: str) -> None:
    ada = as_user()
    stranger.sign_in = refusal
    answer = password_sign_in(ada.client, ada.email, ada.password)
    assert (answer.status, answer.code) == (403, code)
    stranger.sign_in = None
    assert password_sign_in(ada.client, ada.email, ada.password).status == 200


@REFUSALS
def test_a_check_that_refuses_or_fails_makes_no_account(
    sign_in_via: SignInVia, stranger: Stranger, client: Browser, refusal: Any, code: str
) -> None:
    stranger.sign_up = refusal
    page = sign_in_via("google", "ada@example.com").page
    assert page.status == 403
    assert not client.signed_in
    stranger.sign_up = None
    assert sign_in_via("google", "ada@example.com").signed_in


def test_a_listener_that_fails_stops_neither_the_sign_in_nor_the_next_listener(as_user: AsUser, stranger: Stranger) -> None:
    ada = as_user()
    assert password_sign_in(ada.client, ada.email, "something else").status == 401
    kinds = [event.kind for event in stranger.events]
    assert "user_created" in kinds
    assert "signed_in" in kinds
    assert kinds[-1] == "sign_in_failed"
    told_to_them = "".join(str(event.detail) for event in stranger.events)
    assert ada.email not in told_to_them
    assert ada.password not in told_to_them


def test_a_plug_in_s_claims_are_in_the_access_token(as_user: AsUser, stranger: Stranger) -> None:
    stranger.claims = {"team": "analysts"}
    token = as_user().access_token
    payload = token.split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(payload + "=="))["team"] == "analysts"


def test_a_plug_in_can_not_say_who_somebody_is(
    as_user: AsUser, stranger: Stranger, client: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    ada = as_user()
    for reserved in ("sub", "sid", "exp", "aud", "iss", "amr"):
        stranger.claims = {reserved: "another"}
        answer = password_sign_in(client, ada.email, ada.password)
        assert answer.status == 500
        assert "access_token" not in answer.body
        assert f"give the claims {reserved}" in caplog.text


def test_a_plug_in_may_bring_routes(client: Browser) -> None:
    assert client.get("/stranger").html == "hello"


# A second step


def test_a_second_step_is_asked_for_and_finishes_the_sign_in(as_user: AsUser, client: Browser) -> None:
    ada = as_user()
    Riddle.askers.add(ada.id)
    asked = password_sign_in(client, ada.email, ada.password)
    assert (asked["status"], asked["challenge"]["kind"]) == ("challenge", "riddle")
    assert ANSWER not in str(asked.body)
    done = client.api("POST", "sign-in/continue", {"challenge": asked["challenge"]["id"], "word": ANSWER})
    assert done["status"] == "complete"
    assert done["user"]["id"] == ada.id
    sessions = client.api("GET", "me/sessions", token=done["access_token"]).body
    assert next(one["amr"] for one in sessions if one["current"]) == ["pwd", "kba", "mfa"]


def test_a_second_step_is_asked_for_after_a_provider_too(as_user: AsUser, sign_in_via: SignInVia, client: Browser) -> None:
    ada = as_user()
    sign_in_via.arrive(ada.browser().submit("/account", action="/account/link/google"), "grace@example.com")
    Riddle.askers.add(ada.id)
    page = sign_in_via("google", "grace@example.com").page
    assert page.path == "/sign-in/verify"
    assert not client.signed_in
    client.submit(page.follow(), word=ANSWER)
    assert client.signed_in


def test_half_a_sign_in_has_no_rights(as_user: AsUser, client: Browser) -> None:
    ada = as_user()
    Riddle.askers.add(ada.id)
    assert ada.sign_in(client).path == "/sign-in/verify"
    assert client.cookie("session") == ""
    assert client.get("/account").status == 303
    assert client.api("GET", "me").status == 401
    assert "Speak, friend" in client.get("/sign-in/verify")
    assert "Speak, friend" not in client.browser().get("/sign-in/verify").follow().follow()


def test_a_wrong_word_may_be_corrected_only_so_often(as_user: AsUser, client: Browser) -> None:
    ada = as_user()
    Riddle.askers.add(ada.id)
    challenge = password_sign_in(client, ada.email, ada.password)["challenge"]["id"]
    codes = [client.api("POST", "sign-in/continue", {"challenge": challenge, "word": "please"}).code for _ in range(6)]
    assert codes == ["invalid_code"] * 5 + ["challenge_expired"]
    assert client.api("POST", "sign-in/continue", {"challenge": challenge, "word": ANSWER}).code == "challenge_expired"


def test_one_person_s_second_step_does_not_finish_another_s(as_user: AsUser, client: Browser, outbox: Outbox) -> None:
    ada, bob = as_user("ada@example.com"), as_user("bob@example.com")
    Riddle.askers.update({ada.id, bob.id})
    hers = password_sign_in(client, ada.email, ada.password)["challenge"]["id"]
    his = password_sign_in(client, bob.email, bob.password)["challenge"]["id"]
    mixed = f"{hers.partition('.')[0]}.{his.partition('.')[2]}"
    assert client.api("POST", "sign-in/continue", {"challenge": mixed, "word": ANSWER}).code == "challenge_expired"
    assert client.api("POST", "sign-in/continue", {"challenge": his, "word": ANSWER})["user"]["id"] == bob.id
