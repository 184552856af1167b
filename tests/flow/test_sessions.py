"""Whether people can see their sign-ins, end them, and prove once more that it is them."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
