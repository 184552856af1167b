"""User names: asked for, taken, changed, signed in with, and given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from flask import Flask

    from authenticator.clock import SetClock
    from authenticator.testing.client import Browser
    from authenticator.testing.people import AsUser, Outbox


def available(client: Browser, name: str) -> tuple[bool, str]:
    answer = client.api("GET", f"usernames/{name}")
    assert (answer.status, answer["username"]) == (200, name)
    return answer["available"], answer.body.get("reason", "")


def test_a_person_takes_a_free_name_signs_in_with_it_and_gives_it_up(auth_app: Flask, client: Browser, as_user: AsUser) -> None:
    ada, bob = as_user("ada@example.com"), as_user("bob@example.com")
    assert available(client, "Ada.L") == (True, "")
    me = client.api("PATCH", "me", {"username": "Ada.L"}, token=ada.access_token)
    assert (me.status, me["username"]) == (200, "Ada.L")
    assert available(client, "ADA.l") == (False, "taken")
    assert client.api("PATCH", "me", {"username": "ada.l"}, token=bob.access_token).code == "username_taken"
    for typed in ("Ada.L", "ada.l"):
        signed = client.api("POST", "sign-in/password", {"email": typed, "password": ada.password})
        assert signed["user"]["id"] == ada.id
    assert client.api("PATCH", "me", {"username": "adalove"}, token=ada.access_token)["username"] == "adalove"
    assert available(client, "ada.l") == (True, "")
    assert client.api("PATCH", "me", {"username": "ada.l"}, token=bob.access_token)["username"] == "ada.l"
    assert client.api("PATCH", "me", {"username": ""}, token=ada.access_token)["username"] is None
    assert client.api("POST", "sign-in/password", {"email": "adalove", "password": ada.password}).code == "invalid_credentials"
    kinds = [event.kind for event in auth_app.extensions["authenticator"].core.store.events_of(ada.id).items]
    assert kinds.count("username_changed") == 3


@pytest.mark.parametrize(
    ("name", "reason"),
    [("ab", "invalid"), ("ada@example.com", "invalid"), ("12345", "invalid"), ("Admin", "reserved"), ("root", "reserved")],
)
def test_a_name_that_nobody_can_have_is_told_with_the_reason(client: Browser, as_user: AsUser, name: str, reason: str) -> None:
    assert available(client, name) == (False, reason)
    answer = client.api("PATCH", "me", {"username": name}, token=as_user("ada@example.com").access_token)
    assert (answer.status, list(answer["errors"])) == (422, ["username"])


def test_a_name_in_other_letters_may_be_changed_back_and_forth(client: Browser, as_user: AsUser) -> None:
    ada = as_user("ada@example.com")
    for name in ("adalove", "AdaLove", "adalove"):
        assert client.api("PATCH", "me", {"username": name}, token=ada.access_token)["username"] == name
    assert available(client, "adalove") == (False, "taken")


def test_the_owner_is_told_when_her_name_changes_and_an_old_session_changes_none(
    client: Browser, as_user: AsUser, outbox: Outbox, clock: SetClock
) -> None:
    ada = as_user("ada@example.com")
    client.api("PATCH", "me", {"username": "first"}, token=ada.access_token)
    client.api("PATCH", "me", {"username": "second"}, token=ada.access_token)
    assert "user name was changed" in outbox.last(to="ada@example.com")["subject"]
    clock.advance(minutes=6)
    refreshed = client.api("POST", "token/refresh", {"refresh_token": ada.refresh_token})["access_token"]
    assert client.api("PATCH", "me", {"username": "third"}, token=refreshed).code == "step_up_required"
    assert client.api("GET", "me", token=refreshed)["username"] == "second"


def test_a_name_is_enough_beside_a_password_and_the_last_one_stays(client: Browser, as_user: AsUser) -> None:
    ada = as_user("ada@example.com")
    client.api("PATCH", "me", {"username": "adalove"}, token=ada.access_token)
    (only,) = client.api("GET", "me/emails", token=ada.access_token).body
    assert client.api("DELETE", f"me/emails/{only['id']}", token=ada.access_token).status == 204
    assert client.api("PATCH", "me", {"username": ""}, token=ada.access_token).code == "last_sign_in_method"
    assert available(client, "adalove") == (False, "taken")
    assert client.api("POST", "sign-in/password", {"email": "adalove", "password": ada.password}).status == 200
