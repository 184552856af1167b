"""An administrator looks after other people's accounts through the API."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from authenticator.applications import OWN, Assignment
from authenticator.testing.client import Answer, Browser
from authenticator.testing.people import Account, AsUser, Outbox


@pytest.fixture
def admin(as_user: AsUser, auth_app: Flask) -> Account:
    account = as_user("root@example.com", given_name="Grace")
    service = auth_app.extensions["authenticator"]
    for permission in ("users:read", "users:write"):
        service.assign("operator", service.find_user(account.id), Assignment(OWN, permission=permission))
    return account


def call(client: Browser, who: Account, method: str, path: str, body: Any = None, **headers: str) -> Answer:
    return client.api(method, path, body, token=who.access_token, headers=headers)


def test_a_stranger_may_not_look(client: Browser, as_user: AsUser, admin: Account) -> None:
    ada = as_user("ada@example.com")
    for method, path in (
        ("GET", "users"),
        ("POST", "users"),
        ("GET", f"users/{admin.id}"),
        ("DELETE", f"users/{admin.id}/sessions"),
        ("GET", "events"),
    ):
        refused = call(client, ada, method, path, {} if method == "POST" else None)
        assert (refused.status, refused["code"]) == (403, "forbidden")
        assert client.api(method, path, {} if method == "POST" else None).status == 401


def test_reading_is_not_writing(client: Browser, as_user: AsUser, admin: Account, auth_app: Flask) -> None:
    service = auth_app.extensions["authenticator"]
    reader, ada = as_user("reader@example.com"), as_user("ada@example.com")
    service.assign("operator", service.find_user(reader.id), Assignment(OWN, permission="users:read"))
    assert call(client, reader, "GET", f"users/{ada.id}")["email"] == "ada@example.com"
    refused = call(client, reader, "POST", f"users/{ada.id}/status", {"status": "suspended", "reason": "x"})
    assert (refused.status, refused["code"]) == (403, "forbidden")


def test_people_are_found_by_exactly_what_they_are_called(client: Browser, as_user: AsUser, admin: Account) -> None:
    ada = as_user("ada@example.com")
    for query in ("email=ada@example.com", "email=ADA@Example.COM", f"id={ada.id}"):
        assert [user["id"] for user in call(client, admin, "GET", f"users?{query}").body] == [ada.id]
    assert call(client, admin, "GET", "users?email=ad@example.com").body == []
    assert call(client, admin, "GET", "users?email=ada@example.com&id=1").status == 400
    assert call(client, admin, "GET", "users?email=%25").status == 422
    assert call(client, admin, "GET", "users?phone_number=abc").status == 422


def test_the_list_comes_in_pages(client: Browser, as_user: AsUser, admin: Account) -> None:
    people = [admin.id, *(as_user(f"p{number}@example.com").id for number in range(3))]
    first = call(client, admin, "GET", "users?limit=3")
    after = first.headers["Link"].partition("after=")[2].partition("&")[0].partition(">")[0]
    second = call(client, admin, "GET", f"users?limit=3&after={after}")
    assert [user["id"] for user in (*first.body, *second.body)] == people
    assert "Link" not in second.headers
    assert call(client, admin, "GET", "users?limit=201").status == 400
    assert call(client, admin, "GET", "users?after=made-up").status == 400


def test_a_suspended_person_is_out_at_once_and_the_reason_is_kept(client: Browser, as_user: AsUser, admin: Account) -> None:
    ada = as_user("ada@example.com")
    done = call(client, admin, "POST", f"users/{ada.id}/status", {"status": "suspended", "reason": "Sent spam."})
    assert (done.status, done["status"]) == (200, "suspended")
    assert call(client, ada, "GET", "me").status == 401
    (step,) = call(client, admin, "GET", f"users/{ada.id}/status").body
    assert (step["before"], step["after"], step["reason"], step["by"]) == ("active", "suspended", "Sent spam.", admin.id)
    call(client, admin, "POST", f"users/{ada.id}/status", {"status": "active", "reason": "Cleared."})
    assert ada.sign_in(client.browser()).status == 303


def test_a_status_that_is_none_is_refused(client: Browser, as_user: AsUser, admin: Account) -> None:
    ada = as_user("ada@example.com")
    for body in ({"status": "asleep", "reason": ""}, {"status": "leaving", "reason": ""}, {"status": "active"}):
        assert call(client, admin, "POST", f"users/{ada.id}/status", body).status == 422
    assert call(client, admin, "POST", "users/1/status", {"status": "active", "reason": ""}).status == 404


def test_nobody_does_this_to_herself_or_to_somebody_who_may_more(client: Browser, as_user: AsUser, admin: Account, auth_app: Flask) -> None:
    service = auth_app.extensions["authenticator"]
    writer = as_user("writer@example.com")
    service.assign("operator", service.find_user(writer.id), Assignment(OWN, permission="users:write"))
    suspend = {"status": "suspended", "reason": "coup"}
    assert call(client, writer, "POST", f"users/{admin.id}/status", suspend).status == 403
    assert call(client, admin, "POST", f"users/{admin.id}/status", suspend).status == 403
    assert call(client, admin, "POST", f"users/{writer.id}/status", suspend).status == 200


def test_sign_ins_of_others_are_seen_and_ended(client: Browser, as_user: AsUser, admin: Account) -> None:
    ada = as_user("ada@example.com")
    browser = ada.browser()
    listed = call(client, admin, "GET", f"users/{ada.id}/sessions").body
    assert len(listed) == 2
    other = next(one["id"] for one in listed if one["id"] != ada.session_id)
    assert call(client, admin, "DELETE", f"users/{ada.id}/sessions/{other}").status == 204
    assert not browser.signed_in
    assert call(client, admin, "DELETE", f"users/{admin.id}/sessions/{ada.session_id}").status in (403, 404)
    assert call(client, admin, "DELETE", f"users/{ada.id}/sessions").body == {"ended": 1}
    assert call(client, ada, "GET", "me").status == 401
    ended = call(client, admin, "GET", f"users/{ada.id}/sessions?ended=true").body
    assert {one["end_reason"] for one in ended} == {"ended_by_operator"}
    kinds = [event["kind"] for event in call(client, admin, "GET", f"users/{ada.id}/events").body]
    assert kinds[:2] == ["sessions_ended", "session_ended"]


def test_an_account_is_made_once_and_its_owner_invited(client: Browser, admin: Account, outbox: Outbox) -> None:
    body = {"email": "New@Example.com", "name": {"given": "Nova"}}
    made = call(client, admin, "POST", "users", body, **{"Idempotency-Key": "k-1"})
    again = call(client, admin, "POST", "users", body, **{"Idempotency-Key": "k-1"})
    assert (made.status, again.status) == (201, 201)
    assert made.body == again.body
    assert made["email_verified"] is False
    other = call(client, admin, "POST", "users", {"email": "other@example.com"}, **{"Idempotency-Key": "k-1"})
    assert (other.status, other["code"]) == (409, "conflict")
    taken = call(client, admin, "POST", "users", body)
    assert (taken.status, taken["code"]) == (409, "email_taken")
    assert len(outbox.all(to="new@example.com")) == 1
    assert "/reset-password?token=" in outbox.last(to="new@example.com")["link"]


def test_an_account_without_an_address_is_refused(client: Browser, admin: Account) -> None:
    for body in ({}, {"email": "no address"}, {"phone_number": "12"}, {"email": "a@example.com", "password": "x"}):
        assert call(client, admin, "POST", "users", body).status == 422


def test_a_new_password_is_required_and_chosen_by_nobody_but_its_owner(
    client: Browser, as_user: AsUser, admin: Account, outbox: Outbox
) -> None:
    ada = as_user("ada@example.com")
    assert call(client, admin, "POST", f"users/{ada.id}/require-reset", {}).status == 202
    assert call(client, ada, "GET", "me").status == 401
    refused = client.api("POST", "sign-in/password", {"email": ada.email, "password": ada.password})
    assert (refused.status, refused["code"]) == (403, "reset_required")
    token = outbox.last(to=ada.email)["link"].partition("token=")[2]
    new = "eleven purple anvils sing"
    assert client.api("POST", "password/reset", {"token": token, "new_password": new}).status == 204
    assert client.api("POST", "sign-in/password", {"email": ada.email, "password": new}).status == 200


def test_everything_that_was_done_is_in_the_history(client: Browser, as_user: AsUser, admin: Account) -> None:
    ada = as_user("ada@example.com")
    call(client, admin, "POST", f"users/{ada.id}/status", {"status": "suspended", "reason": "x"})
    everything = call(client, admin, "GET", "events").body
    change = next(event for event in everything if event["kind"] == "status_changed")
    assert (change["user_id"], change["detail"]["by"]) == (ada.id, admin.id)
