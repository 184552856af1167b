"""Personal access tokens: made with fresh proof, bounded by scopes, ended by their owner."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from authenticator.applications import OWN, Assignment
from authenticator.flows import personal_tokens
from authenticator.service import Service

if TYPE_CHECKING:
    from flask import Flask

    from authenticator.clock import SetClock
    from authenticator.testing.client import Answer, Browser
    from authenticator.testing.people import Account, AsUser, Outbox


@pytest.fixture
def ada(as_user: AsUser) -> Account:
    return as_user("ada@example.com")


def wish(clock: SetClock, *scopes: str, days: float = 30, **more: Any) -> dict[str, Any]:
    return {"name": "backup", "scopes": list(scopes), "expires_at": (clock.now() + timedelta(days=days)).isoformat(), **more}


def make(client: Browser, ada: Account, clock: SetClock, *scopes: str, **more: Any) -> Answer:
    return client.api("POST", "me/tokens", wish(clock, *scopes, **more), token=ada.access_token)


def test_a_token_reads_what_its_owner_let_it_read(client: Browser, ada: Account, clock: SetClock) -> None:
    made = make(client, ada, clock, "account:read")
    assert made.status == 201, made
    assert made["token"].startswith("pat_")
    assert len(made["token"]) == 4 + 43
    assert client.api("GET", "me", token=made["token"])["id"] == ada.id
    assert client.api("GET", "me/sessions", token=made["token"]).status == 200
    refused = client.api("PATCH", "me", {"locale": "de"}, token=made["token"])
    assert (refused.status, refused.code) == (403, "forbidden")
    assert refused.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="account"'


def test_a_token_that_may_change_also_reads(client: Browser, ada: Account, clock: SetClock) -> None:
    token = make(client, ada, clock, "account")["token"]
    assert client.api("PATCH", "me", {"locale": "de"}, token=token).status == 200
    assert client.api("GET", "me", token=token)["locale"] == "de"


def test_the_list_shows_no_secret_and_when_each_was_last_used(client: Browser, ada: Account, clock: SetClock, auth_app: Flask) -> None:
    made = make(client, ada, clock, "account:read")
    listed = client.api("GET", "me/tokens", token=ada.access_token).body
    assert [(one["name"], one["scopes"], one["last_used_at"]) for one in listed] == [("backup", ["account:read"], None)]
    assert "token" not in listed[0]
    clock.advance(minutes=11)
    client.browser(address="203.0.113.9").api("GET", "me", token=made["token"])
    auth_app.extensions["authenticator"].core.errands.flush()
    again = client.api("GET", "me/tokens", token=made["token"]).body[0]
    assert again["last_used_at"]
    assert again["last_used_from"] == "203.0.113.9"


def test_a_deleted_token_no_longer_works_and_its_owner_is_told(client: Browser, ada: Account, clock: SetClock, outbox: Outbox) -> None:
    made = make(client, ada, clock, "account:read")
    assert "backup" in outbox.last("ada@example.com")["text"]
    assert client.api("DELETE", f"me/tokens/{made['id']}", token=ada.access_token).status == 204
    assert client.api("GET", "me", token=made["token"]).code == "invalid_token"
    assert client.api("DELETE", f"me/tokens/{made['id']}", token=ada.access_token).status == 404
    kinds = [one["kind"] for one in client.api("GET", "me/events", token=ada.access_token).body]
    assert kinds[:2] == ["token_removed", "token_made"]


def test_a_token_ends_by_itself(client: Browser, ada: Account, clock: SetClock) -> None:
    token = make(client, ada, clock, "account:read", days=1)["token"]
    clock.advance(days=1, seconds=1)
    assert client.api("GET", "me", token=token).code == "invalid_token"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "a" * 61}, "name"),
        ({"name": "a\x07b"}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["users:read"]}, "scopes"),
        ({"scopes": ["offline_access"]}, "scopes"),
        ({"scopes": ["sign-in"]}, "scopes"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "0001-01-01T00:00:00+23:59"}, "expires_at"),
        ({"expires_at": "2099-01-01T00:00:00Z"}, "expires_at"),
    ],
)
def test_a_wish_that_goes_too_far_is_refused(client: Browser, ada: Account, clock: SetClock, change: dict[str, Any], field: str) -> None:
    answer = client.api("POST", "me/tokens", wish(clock, "account:read") | change, token=ada.access_token)
    assert (answer.status, answer.code, list(answer["errors"])) == (422, "validation_failed", [field])


def test_a_token_without_an_end_is_not_made(client: Browser, ada: Account) -> None:
    assert client.api("POST", "me/tokens", {"name": "x", "scopes": ["account"]}, token=ada.access_token).status == 422
    naive = {"name": "x", "scopes": ["account"], "expires_at": "2026-12-01T00:00:00"}
    assert client.api("POST", "me/tokens", naive, token=ada.access_token).status in (400, 422)


def test_an_old_sign_in_must_be_confirmed_first(client: Browser, ada: Account, clock: SetClock) -> None:
    clock.advance(minutes=9)
    fresh = client.api("POST", "token/refresh", {"refresh_token": ada.refresh_token})["access_token"]
    assert client.api("POST", "me/tokens", wish(clock, "account"), token=fresh).code == "step_up_required"


def test_there_are_fifty_at_the_most(client: Browser, ada: Account, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(personal_tokens, "MOST", 2)
    assert [make(client, ada, clock, "account:read").status for _ in range(3)] == [201, 201, 409]


def test_an_administrators_token_does_what_she_may_and_it_was_given(
    client: Browser, ada: Account, clock: SetClock, auth_app: Flask
) -> None:
    service = auth_app.extensions["authenticator"]
    narrow = make(client, ada, clock, "account")["token"]
    service.assign("operator", service.find_user(ada.id), Assignment(OWN, permission="users:read"))
    reads = make(client, ada, clock, "users:read")["token"]
    assert client.api("GET", "users", token=reads).status == 200
    assert client.api("GET", "users", token=narrow).code == "forbidden"
    assert client.api("GET", "me", token=reads).code == "forbidden"
    service.unassign("operator", service.find_user(ada.id), Assignment(OWN, permission="users:read"))
    assert client.api("GET", "users", token=reads).code == "forbidden"


def test_the_page_makes_shows_once_and_deletes(ada: Account) -> None:
    browser = ada.browser()
    page = browser.submit("/account/tokens", action="/account/tokens", name="my script", scope="account:read")
    assert page.status == 200
    assert "pat_" in page.text
    assert "pat_" not in browser.get("/account/tokens").text
    assert "my script" in browser.get("/account/tokens")
    gone = browser.submit("/account/tokens", action="/delete").follow()
    assert "It no longer works" in gone
    assert "my script" not in gone


def test_a_form_that_is_sent_twice_makes_one_token(ada: Account, clock: SetClock) -> None:
    browser = ada.browser()
    form = browser.get("/account/tokens").form("name")
    sent = {**form.values, "name": "my script", "scope": "account:read"}
    assert browser.post("/account/tokens", {**sent, "name": ""}).status == 422, "what was refused may be sent again"
    pages = [browser.post("/account/tokens", sent).html for _ in range(2)]
    texts = {page.partition('tabindex="0">pat_')[2][:43] for page in pages}
    assert len(texts) == 1
    assert browser.get("/account/tokens").html.count("<strong>my script</strong>") == 1
    clock.advance(minutes=2)
    late = browser.post("/account/tokens", sent)
    assert (late.status, "pat_" in late.html) == (409, False)


def test_a_second_click_waits_for_what_the_first_one_makes(ada: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser has dropped the first answer by then, and what is made is shown nowhere else."""
    browser = ada.browser()
    sent = {**browser.get("/account/tokens").form("name").values, "name": "my script", "scope": "account:read"}
    make, second = Service.make_token, []
    with ThreadPoolExecutor(1) as thread:

        def slow(*what: Any, **more: Any) -> Any:
            second.append(thread.submit(lambda: browser.post("/account/tokens", sent).html))
            time.sleep(0.4)
            return make(*what, **more)

        monkeypatch.setattr(Service, "make_token", slow)
        pages = [browser.post("/account/tokens", sent).html, second[0].result()]
    texts = {page.partition('tabindex="0">pat_')[2][:43] for page in pages}
    assert (len(texts), len(second), "" in texts) == (1, 1, False)


def test_the_page_tells_what_is_wrong_and_keeps_what_was_typed(ada: Account) -> None:
    page = ada.browser().submit("/account/tokens", action="/account/tokens", name="my script", expires_at="soon", scope="account")
    assert page.status == 422
    assert "within a year" in page
    assert page.form("name").values["name"] == "my script"


def test_the_export_lists_tokens_and_what_applications_hold(client: Browser, ada: Account, clock: SetClock) -> None:
    made = make(client, ada, clock, "account:read")
    export = client.api("GET", "me/export", token=ada.access_token).body
    assert [one["name"] for one in export["access_tokens"]] == ["backup"]
    assert export["applications"] == []
    assert made["token"] not in str(export)
