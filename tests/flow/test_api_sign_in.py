"""Whether a program can do these stories through the JSON API, and whether an attacker can not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from authenticator_google import Google
from flask import Flask
from flask.testing import FlaskClient

from authenticator.app import create_app
from authenticator.clock import SetClock
from authenticator.emulator import Emulator

API = "/api/v1"
PASSWORD = "five quiet green teapots"
CREDENTIALS = {"email": "ada@example.com", "password": PASSWORD}
PERSON = {**CREDENTIALS, "given_name": "Ada", "family_name": "Lovelace"}


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    emulator = Emulator((Google,))
    emulator.auto = True
    with emulator.serve():
        yield emulator


@pytest.fixture
def app(tmp_path: Path, clock: SetClock, emulator: Emulator) -> Iterator[Flask]:
    app = create_app(
        {
            "AUTHENTICATOR_ENVIRONMENT": "development",
            "AUTHENTICATOR_DATA_DIR": str(tmp_path),
            "AUTHENTICATOR_PLUGINS": ["password", "google"],
            "AUTHENTICATOR_FRESH_SECONDS": "60",
            "AUTHENTICATOR_EMULATOR_URL": emulator.base_url,
        },
        clock=clock,
        env_file=None,
    )
    yield app
    app.extensions["authenticator"].core.store.close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def code_for(client: FlaskClient) -> str:
    return str(client.get("/dev/outbox", headers={"Accept": "application/json"}).json[0]["code"])  # type: ignore[index]


def call(client: FlaskClient, path: str, body: Any = None, *, expect: int = 200, method: str = "POST", token: str = "") -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = client.open(API + path, method=method, json=body, headers=headers)
    assert answer.status_code == expect, answer.text
    return answer.json if answer.data else None


def signed_up(client: FlaskClient, **changed: str) -> Any:
    waiting = call(client, "/sign-up/password", PERSON | changed, expect=202)
    return call(client, "/sign-in/continue", {"challenge": waiting["challenge"]["id"], "code": code_for(client)})


def back_from(away: Any) -> dict[str, str]:
    """What the provider's redirect to the callback carries, as a program reads it off."""
    location = requests.get(away["url"], allow_redirects=False, timeout=10).headers["Location"]
    return dict(parse_qsl(urlsplit(location).query))


def test_the_answer_to_a_sign_up_is_the_same_for_a_known_address(client: FlaskClient) -> None:
    signed_up(client)
    again = call(client, "/sign-up/password", PERSON, expect=202)
    fresh = call(client, "/sign-up/password", PERSON | {"email": "bea@example.com"}, expect=202)
    for waiting in (again, fresh):
        waiting["challenge"] = {
            name: value for name, value in waiting["challenge"].items() if name not in ("id", "text", "options", "expires_in")
        }
    assert again == fresh


def test_a_new_code_can_be_asked_for(client: FlaskClient, clock: SetClock) -> None:
    waiting = call(client, "/sign-up/password", PERSON, expect=202)
    old = code_for(client)
    clock.advance(seconds=61)
    again = call(client, "/sign-in/continue", {"challenge": waiting["challenge"]["id"], "resend": True})
    assert again["status"] == "challenge"
    new = code_for(client)
    challenge = again["challenge"]["id"]
    if old != new:
        call(client, "/sign-in/continue", {"challenge": challenge, "code": old}, expect=401)
    assert call(client, "/sign-in/continue", {"challenge": challenge, "code": new})["status"] == "complete"


def test_a_program_signs_in_through_a_redirect_provider(client: FlaskClient) -> None:
    away = call(client, "/sign-in/google", {"login_hint": "ada@example.com"})
    assert away["status"] == "redirect"
    assert away["challenge"]["kind"] == "redirect"
    back = back_from(away)
    done = call(client, "/sign-in/continue", {"challenge": away["challenge"]["id"], **back})
    assert (done["status"], done["user"]["email"], done["user"]["email_verified"]) == ("complete", "ada@example.com", True)
    call(client, "/sign-in/continue", {"challenge": away["challenge"]["id"], **back}, expect=401)


def test_a_callback_of_another_conversation_is_refused(client: FlaskClient) -> None:
    mine, other = call(client, "/sign-in/google"), call(client, "/sign-in/google")
    foreign = back_from(other)
    assert call(client, "/sign-in/continue", {"challenge": mine["challenge"]["id"], **foreign}, expect=401)["code"] == "challenge_expired"


def test_a_challenge_without_its_secret_half_is_refused(client: FlaskClient) -> None:
    waiting = call(client, "/sign-up/password", PERSON, expect=202)
    ticket, _, binding = waiting["challenge"]["id"].partition(".")
    for challenge in (ticket, f"{ticket}.", f".{binding}", f"{ticket}.{binding[:-1]}", f"{ticket}.{'x' * 43}", ""):
        assert (
            call(client, "/sign-in/continue", {"challenge": challenge, "code": code_for(client)}, expect=401)["code"] == "challenge_expired"
        )


@pytest.mark.parametrize("value", [{"$ne": None}, {"$gt": ""}, {"$regex": ".*"}, ["ada@example.com"], 1, True, None, 1.5])
@pytest.mark.parametrize("name", ["email", "password"])
def test_an_operator_is_not_text(client: FlaskClient, name: str, value: Any) -> None:
    for path in ("/sign-in/password", "/sign-up/password"):
        refused = call(client, path, PERSON | {name: value}, expect=400)
        assert refused["code"] == "invalid_request"
    call(client, "/token/refresh", {"refresh_token": value}, expect=400)
    call(client, "/sign-in/continue", {"challenge": value}, expect=400)
    call(client, "/sign-in/continue", {"challenge": "a.b", "code": value}, expect=400)


def test_a_refused_value_is_not_repeated(client: FlaskClient) -> None:
    for body in ({"email": "x", "password": "hunter2\0"}, {"email": ["hunter2"]}, {"hunter2 " * 9: "x"}, {"password": "hunter2"}):
        answer = client.post(f"{API}/sign-up/password", json=body)
        assert 400 <= answer.status_code < 500
        assert "hunter2" not in answer.text


def test_a_refresh_token_is_spent_and_its_reuse_ends_the_session(client: FlaskClient, clock: SetClock) -> None:
    first = signed_up(client)
    second = call(client, "/token/refresh", {"refresh_token": first["refresh_token"]})
    assert call(client, "/token/refresh", {"refresh_token": first["refresh_token"]})["refresh_token"] == second["refresh_token"]
    clock.advance(seconds=11)
    assert call(client, "/token/refresh", {"refresh_token": first["refresh_token"]}, expect=401)["code"] == "refresh_reused"
    call(client, "/token/refresh", {"refresh_token": second["refresh_token"]}, expect=401)


def test_somebody_elses_session_is_answered_like_none(client: FlaskClient) -> None:
    ada, bea = signed_up(client), signed_up(client, email="bea@example.com")
    foreign = call(client, f"/me/sessions/{bea['session_id']}", method="DELETE", token=ada["access_token"], expect=404)
    assert foreign == call(client, "/me/sessions/never-was", method="DELETE", token=ada["access_token"], expect=404)
    call(client, "/me", method="GET", token=bea["access_token"])


def test_one_can_end_another_of_ones_own_sessions(client: FlaskClient) -> None:
    first = signed_up(client)
    second = call(client, "/sign-in/password", CREDENTIALS)
    call(client, f"/me/sessions/{first['session_id']}", method="DELETE", token=second["access_token"], expect=204)
    call(client, "/token/refresh", {"refresh_token": first["refresh_token"]}, expect=401)
    assert call(client, "/me", method="GET", token=first["access_token"], expect=401)["code"] == "token_revoked"


def test_an_old_sign_in_may_not_touch_the_ways_in(client: FlaskClient, clock: SetClock) -> None:
    first = signed_up(client)
    clock.advance(seconds=61)
    fresh = call(client, "/token/refresh", {"refresh_token": first["refresh_token"]})
    (way,) = call(client, "/me/identities", method="GET", token=fresh["access_token"])
    refused = call(client, f"/me/identities/{way['id']}", method="DELETE", token=fresh["access_token"], expect=403)
    assert refused["code"] == "step_up_required"


def test_a_browsers_cookie_reads_but_changes_nothing(app: Flask, client: FlaskClient) -> None:
    signed_up(client)
    browser = app.test_client()
    page = browser.get("/sign-in")
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found
    browser.post("/sign-in/password", data={"csrf_token": found[1], **CREDENTIALS})
    assert browser.get(f"{API}/me").json["email"] == "ada@example.com"  # type: ignore[index]
    mine = next(entry for entry in browser.get(f"{API}/me/sessions").json or [] if entry["current"])
    for method, path in (
        ("POST", "/sign-out"),
        ("DELETE", "/me/sessions"),
        ("DELETE", f"/me/sessions/{mine['id']}"),
        ("DELETE", "/me/identities/x"),
    ):
        refused = browser.open(API + path, method=method, headers={"Origin": "http://localhost:8000", "Sec-Fetch-Site": "same-origin"})
        assert refused.status_code == 401
    assert browser.get(f"{API}/me").status_code == 200


def test_a_bad_token_beside_a_good_cookie_is_refused(app: Flask, client: FlaskClient) -> None:
    signed_up(client)
    for header in ("Bearer nonsense", "Bearer ", "Basic YTpi", "Bearer a b"):
        assert client.get(f"{API}/me", headers={"Authorization": header}).status_code == 401


@pytest.mark.parametrize("path", ["/sign-in/password", "/sign-up/password", "/sign-in/continue", "/token/refresh"])
def test_nothing_is_done_on_get(client: FlaskClient, path: str) -> None:
    answer = client.get(API + path, headers={"X-HTTP-Method-Override": "POST"})
    assert answer.status_code == 405


def test_an_access_token_ends_after_two_minutes(client: FlaskClient, clock: SetClock) -> None:
    signed = signed_up(client)
    clock.advance(seconds=131)
    assert call(client, "/me", method="GET", token=signed["access_token"], expect=401)["code"] == "token_expired"
