"""Whether people can see their sign-ins, end them, and prove once more that it is them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from flask import Flask

if TYPE_CHECKING:
    from authenticator.clock import SetClock
    from authenticator.testing.client import Browser
    from authenticator.testing.people import AsUser


def test_a_person_sees_where_she_is_signed_in(client: Browser, as_user: AsUser) -> None:
    ada = as_user("ada@example.com")
    ada.browser(agent="Firefox on her laptop", address="203.0.113.9")
    listed = client.api("GET", "me/sessions", token=ada.access_token).body
    assert [(one["agent"], one["current"], one["provider"]) for one in listed] == [
        ("Firefox on her laptop", False, "password"),
        ("Testing/1.0", True, "password"),
    ]
    assert listed[0]["address"] == "203.0.113.9"
    assert listed[0]["amr"] == ["pwd"]


def test_a_person_ends_a_sign_in_on_a_machine_that_she_lost(client: Browser, as_user: AsUser) -> None:
    ada = as_user("ada@example.com")
    lost = ada.browser(agent="lost")
    kept = ada.browser(agent="kept")
    session = next(one["id"] for one in client.api("GET", "me/sessions", token=ada.access_token).body if one["agent"] == "lost")
    assert client.api("DELETE", f"me/sessions/{session}", token=ada.access_token).status == 204
    assert not lost.signed_in
    assert kept.signed_in
    assert client.api("DELETE", f"me/sessions/{session}", token=ada.access_token).status == 404


def test_a_person_signs_out_everywhere_else(client: Browser, as_user: AsUser) -> None:
    ada, bob = as_user("ada@example.com"), as_user("bob@example.com")
    others = [ada.browser() for _ in range(3)]
    assert client.api("DELETE", "me/sessions", token=ada.access_token).status == 204
    assert not any(browser.signed_in for browser in others)
    assert [one["current"] for one in client.api("GET", "me/sessions", token=ada.access_token).body] == [True]
    assert client.api("GET", "me", token=bob.access_token).status == 200


def test_a_long_list_of_sign_ins_comes_in_pages(client: Browser, as_user: AsUser) -> None:
    ada = as_user("ada@example.com")
    for number in range(4):
        ada.browser(agent=f"number {number}")
    seen, url = [], "me/sessions?limit=2"
    while url:
        answer = client.api("GET", url, token=ada.access_token)
        seen += [one["agent"] for one in answer.body]
        link = answer.headers.get("Link", "")
        url = link.partition("<")[2].partition(">")[0].removeprefix(client.base)
    assert seen == ["number 3", "number 2", "number 1", "number 0", "Testing/1.0"]


def test_signing_out_leads_to_the_sign_in_page_and_ends_only_this_browser(as_user: AsUser) -> None:
    ada = as_user("ada@example.com")
    here, there = ada.browser(), ada.browser()
    page = here.submit("/account", action="/sign-out")
    assert (page.status, page.path) == (303, "/sign-in")
    assert not here.signed_in
    assert there.signed_in


def test_a_browser_stays_signed_in_for_thirty_days(as_user: AsUser, clock: SetClock) -> None:
    browser = as_user("ada@example.com").browser()
    clock.advance(days=29)
    assert browser.signed_in
    clock.advance(days=2)
    assert not browser.signed_in


def test_after_a_while_a_person_confirms_before_she_changes_how_she_signs_in(as_user: AsUser, clock: SetClock) -> None:
    ada = as_user("ada@example.com")
    browser = ada.browser()
    clock.advance(minutes=6)
    way = next(form for form in browser.get("/account").forms if "/account/link/" in form.action)
    refused = browser.post(way.action, way.values)
    assert refused.status == 403
    confirming = browser.submit(refused, action="/account/confirm/password")
    assert confirming.status == 303
    done = browser.submit(confirming.follow(), password=ada.password)
    assert (done.status, done.path) == (303, "/account")
    way = next(form for form in browser.get("/account").forms if "/account/link/" in form.action)
    assert browser.post(way.action, way.values).status in (200, 302, 303)


def test_the_list_says_when_a_sign_in_was_last_used(auth_app: Flask, as_user: AsUser, clock: SetClock) -> None:
    ada = as_user()
    browser = ada.browser()
    clock.advance(minutes=11)
    assert browser.get("/account").status == 200
    auth_app.extensions["authenticator"].core.errands.flush()
    (one,) = [one for one in browser.api("GET", "me/sessions").body if one["current"]]
    used = datetime.fromisoformat(one["last_used_at"]) - datetime.fromisoformat(one["created_at"])
    assert timedelta(minutes=11) <= used < timedelta(minutes=12)


def test_a_person_sees_and_ends_her_devices_on_the_page(as_user: AsUser) -> None:
    ada = as_user()
    firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
    lost, mine = ada.browser(agent=firefox), ada.browser()
    page = mine.get("/account/sessions")
    assert "Firefox on Windows" in page
    assert "this one" in page
    listed = mine.api("GET", "me/sessions").body
    found = next(one["id"] for one in listed if one["browser"] == "Firefox")
    form = page.form(action=f"/account/sessions/{found}/end")
    done = mine.post(form.action, form.values).follow()
    assert "That sign-in was ended." in done
    assert "ended by you" in done
    assert not lost.signed_in
    form = done.form(action="/end-others")
    assert "All other sign-ins were ended." in mine.post(form.action, form.values).follow()
    assert ada.client.api("GET", "me", token=ada.access_token).status == 401
    assert mine.signed_in


def test_a_sign_in_of_somebody_else_cannot_be_ended_on_the_page(as_user: AsUser) -> None:
    ada, eve = as_user("ada@example.com"), as_user("eve@example.com")
    browser = eve.browser()
    values = browser.get("/account/sessions").form(action="/end-others").values
    assert browser.post(f"/account/sessions/{ada.session_id}/end", values).status == 404
    assert ada.client.api("GET", "me", token=ada.access_token).status == 200


def test_a_person_reads_what_happened_to_her_account(as_user: AsUser) -> None:
    ada = as_user()
    browser = ada.browser()
    ada.client.api("POST", "sign-in/password", {"email": ada.email, "password": "wrong"})
    page = browser.get("/account/history")
    for words in ("The account was made", "Signed in", "A sign-in did not succeed"):
        assert words in page
    kinds = [event["kind"] for event in browser.api("GET", "me/events").body]
    assert kinds == ["sign_in_failed", "new_device", "signed_in", "user_created"]


def test_a_long_history_comes_in_pages(as_user: AsUser, auth_app: Flask) -> None:
    ada = as_user()
    history = auth_app.extensions["authenticator"].core.history
    for _ in range(60):
        history.record("profile_changed", user_id=ada.id)
    browser = ada.browser()
    page = browser.get("/account/history")
    older = next(link for link in page.links if "after=" in link)
    assert "The account was made" not in page
    assert "The account was made" in browser.get(older)
    assert browser.get("/account/history?after=made-up").status == 400
