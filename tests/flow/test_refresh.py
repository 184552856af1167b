"""Whether a program stays signed in by its refresh token, also when an answer gets lost."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest
    from flask import Flask

    from authenticator.clock import SetClock
    from authenticator.testing.client import Answer, Browser
    from authenticator.testing.people import AsUser


def refreshed(client: Browser, token: str) -> Answer:
    return client.api("POST", "token/refresh", {"refresh_token": token})


def test_a_program_gets_new_tokens_for_its_refresh_token(client: Browser, as_user: AsUser) -> None:
    ada = as_user()
    answer = refreshed(client, ada.refresh_token)
    assert answer.status == 200
    assert (answer["token_type"], answer["expires_in"], answer["session_id"]) == ("Bearer", 120, ada.session_id)
    assert answer["refresh_token"] != ada.refresh_token
    assert client.api("GET", "me", token=answer["access_token"]).status == 200
    assert client.api("GET", "me", token=ada.access_token).status == 200, "the old access token lives until its time is up"


def test_a_program_stays_signed_in_for_a_month_and_no_longer(client: Browser, as_user: AsUser, clock: SetClock) -> None:
    token = as_user().refresh_token
    for _ in range(29):
        clock.advance(days=1)
        answer = refreshed(client, token)
        assert answer.status == 200
        token = answer["refresh_token"]
    assert 0 < answer["refresh_expires_in"] <= 86_400
    clock.advance(days=1, seconds=1)
    assert (refreshed(client, token).status, refreshed(client, token).code) == (401, "invalid_token")


def test_a_lost_answer_can_be_asked_for_again(client: Browser, as_user: AsUser, clock: SetClock) -> None:
    token = as_user().refresh_token
    first = refreshed(client, token)
    clock.advance(seconds=5)
    again = refreshed(client, token)
    assert first["refresh_token"] == again["refresh_token"]
    assert refreshed(client, again["refresh_token"]).status == 200


def test_a_token_is_signed_by_the_very_key_that_it_names(
    auth_app: Flask, client: Browser, as_user: AsUser, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where one key takes over from another at that moment."""
    keys = auth_app.extensions["authenticator"].keys
    before = keys.current()
    keys.rotate()
    clock.advance(minutes=11)
    after = keys.current()
    assert before.kid != after.kid
    turns = itertools.cycle((before, after))
    token = as_user().refresh_token
    monkeypatch.setattr(keys, "current", lambda *_: next(turns))
    for _ in range(3):
        answer = refreshed(client, token)
        assert client.api("GET", "me", token=answer["access_token"]).status == 200
        token = answer["refresh_token"]


def test_an_expired_access_token_is_told_apart_from_a_bad_one(client: Browser, as_user: AsUser, clock: SetClock) -> None:
    ada = as_user()
    clock.advance(minutes=3)
    assert client.api("GET", "me", token=ada.access_token).code == "token_expired"
    assert client.api("GET", "me", token="x.y.z").code == "invalid_token"
    fresh = refreshed(client, ada.refresh_token)
    assert client.api("GET", "me", token=fresh["access_token"]).status == 200


def test_each_sign_in_has_tokens_of_its_own(client: Browser, as_user: AsUser) -> None:
    ada = as_user()
    second: Any = client.api("POST", "sign-in/password", {"email": ada.email, "password": ada.password})
    assert client.api("POST", "sign-out", token=ada.access_token).status == 204
    assert refreshed(client, ada.refresh_token).status == 401
    assert refreshed(client, second["refresh_token"]).status == 200
