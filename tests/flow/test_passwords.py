"""Stories of people who change their password, or set their first one."""

from __future__ import annotations

from flask import Flask

from authenticator.clock import SetClock
from authenticator.flows.core import Core
from authenticator.testing.client import Answer, Browser
from authenticator.testing.people import AsUser, Outbox, SignInVia

NEW = "nine herons on a quiet river"
ADA = "ada@example.com"


def sign_in(client: Browser, password: str) -> Answer:
    return client.browser().api("POST", "sign-in/password", {"email": ADA, "password": password})


def test_a_person_changes_her_password_and_stays_signed_in_only_here(as_user: AsUser, client: Browser, outbox: Outbox) -> None:
    ada = as_user()
    here, there = ada.browser(), ada.browser()
    cookie = here.cookie("session")
    page = here.get("/account/password")
    assert "/account/password" in here.get("/account").links
    done = here.submit(page, current_password=ada.password, new_password=NEW)
    assert (done.status, done.path) == (303, "/account/password")
    assert "Your password is set" in done.follow()
    assert here.cookie("session") not in ("", cookie)
    assert not there.signed_in
    assert client.api("GET", "me", token=ada.access_token).code == "token_revoked"
    assert sign_in(client, ada.password).code == "invalid_credentials"
    assert sign_in(client, NEW).status == 200
    assert "Your password was changed" in outbox.last(to=ADA)["subject"]


def test_what_is_wrong_is_said_beside_its_field(as_user: AsUser) -> None:
    ada = as_user()
    browser = ada.browser()
    wrong = browser.submit("/account/password", current_password="not hers at all", new_password=NEW)
    assert (wrong.status, "Your current password is not right" in wrong) == (401, True)
    poor = browser.submit(wrong, current_password=ada.password, new_password="lovelace")
    assert (poor.status, "New password: This is too close to your name" in poor) == (422, True)
    assert ada.password not in poor.html
    assert browser.submit(poor, current_password=ada.password, new_password=NEW).status == 303


def test_a_program_changes_the_password(as_user: AsUser, client: Browser) -> None:
    ada = as_user()
    other = sign_in(client, ada.password)
    wish = {"current_password": ada.password, "new_password": NEW}
    assert client.api("POST", "me/password", wish, token=ada.access_token).status == 204
    assert client.api("GET", "me", token=ada.access_token).status == 200
    assert client.api("POST", "token/refresh", {"refresh_token": ada.refresh_token}).status == 200
    assert client.api("POST", "token/refresh", {"refresh_token": other["refresh_token"]}).status == 401
    assert sign_in(client, NEW).status == 200


def test_somebody_with_only_google_sets_a_first_password(sign_in_via: SignInVia, client: Browser, clock: SetClock, outbox: Outbox) -> None:
    browser = sign_in_via("google").page.browser
    page = browser.get("/account/password")
    assert "You have no password yet" in page
    assert "current_password" not in page.form("new_password").names
    clock.advance(minutes=6)
    stale = browser.submit(page, new_password=NEW)
    assert (stale.status, "Confirm that it is you" in stale) == (403, True)
    assert sign_in(client, NEW).code == "invalid_credentials"
    back = sign_in_via.arrive(browser.submit(stale, action="/account/confirm/google")).page
    assert back.path == "/account/password"
    assert browser.submit(back.follow(), new_password=NEW).status == 303
    assert "A password was set" in outbox.last(to=ADA)["subject"]
    assert sign_in(client, NEW).status == 200


def test_who_has_nothing_to_type_beside_a_password_is_told(sign_in_via: SignInVia, client: Browser) -> None:
    browser = sign_in_via("facebook", "nomail").page.browser
    if not browser.signed_in:  # without an address the provider's people stay outside
        return
    answer = browser.submit("/account/password", new_password=NEW)
    assert (answer.status, "Add an e-mail address" in answer) == (422, True)


def test_the_change_is_in_the_history(as_user: AsUser, client: Browser, auth_app: Flask) -> None:
    core: Core = auth_app.extensions["authenticator"].core
    ada = as_user()
    client.api("POST", "me/password", {"current_password": ada.password, "new_password": NEW}, token=ada.access_token)
    changed = next(event for event in core.store.events_of(ada.id).items if event.kind == "password_changed")
    assert (changed.client.address, changed.detail["session"]) == ("127.0.0.1", ada.session_id)
