"""Addresses and numbers of one's own: added, proved, made primary, removed, on pages and by programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from flask import Flask

    from authenticator.clock import SetClock
    from authenticator.testing.client import Browser
    from authenticator.testing.people import Account, AsUser, Outbox

NUMBER = "+447400123456"


def token_in(message: dict[str, Any]) -> str:
    return str(message["link"]).partition("token=")[2]


def add(client: Browser, person: Account, email: str) -> dict[str, Any]:
    answer = client.api("POST", "me/emails", {"email": email}, token=person.access_token)
    assert answer.status == 201, answer
    return dict(answer.body)


def prove(client: Browser, person: Account, outbox: Outbox, email: str) -> str:
    contact = add(client, person, email)
    code = outbox.code(to=email)
    answer = client.api("POST", f"me/emails/{contact['id']}/verify", {"code": code}, token=person.access_token)
    assert (answer.status, answer["verified"]) == (200, True), answer
    return str(contact["id"])


def listed(client: Browser, person: Account, kind: str = "emails") -> list[tuple[str, bool, bool]]:
    found = client.api("GET", f"me/{kind}", token=person.access_token).body
    return [(one["value"], one["verified"], one["primary"]) for one in found]


def kinds(app: Flask, person: Account) -> list[str]:
    service = app.extensions["authenticator"]
    return [event.kind for event in service.core.store.events_of(person.id).items]


# By programs


def test_a_program_adds_proves_promotes_and_removes_an_address(auth_app: Flask, client: Browser, as_user: AsUser, outbox: Outbox) -> None:
    ada = as_user("ada@example.com")
    contact = add(client, ada, "Ada.Work@Example.com")
    assert (contact["value"], contact["shown"], contact["verified"], contact["primary"]) == (
        "ada.work@example.com",
        "Ada.Work@Example.com",
        False,
        False,
    )
    assert listed(client, ada) == [("ada@example.com", True, True), ("ada.work@example.com", False, False)]
    code = outbox.code(to="ada.work@example.com")
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    path = f"me/emails/{contact['id']}"
    assert client.api("POST", f"{path}/verify", {"code": wrong}, token=ada.access_token).code == "invalid_code"
    assert client.api("PATCH", path, {"primary": True}, token=ada.access_token).code == "validation_failed"
    assert client.api("POST", f"{path}/verify", {"code": code}, token=ada.access_token)["verified"]
    assert client.api("PATCH", path, {"primary": True}, token=ada.access_token)["primary"]
    assert client.api("GET", "me", token=ada.access_token)["email"] == "ada.work@example.com"
    first = client.api("GET", "me/emails", token=ada.access_token).body[0]["id"]
    assert client.api("DELETE", f"me/emails/{first}", token=ada.access_token).status == 204
    assert listed(client, ada) == [("ada.work@example.com", True, True)]
    assert kinds(auth_app, ada)[:4] == ["contact_removed", "contact_made_primary", "contact_proved", "contact_added"]
    assert client.api("POST", "sign-in/password", {"email": "ada.work@example.com", "password": ada.password})["status"] == "complete"
    assert client.api("POST", "sign-in/password", {"email": "ada@example.com", "password": ada.password}).code == "invalid_credentials"


def test_a_new_code_takes_the_place_of_the_old_one(client: Browser, as_user: AsUser, outbox: Outbox) -> None:
    ada = as_user("ada@example.com")
    contact = add(client, ada, "work@example.com")
    old = outbox.code(to="work@example.com")
    path = f"me/emails/{contact['id']}/verify"
    assert client.api("POST", path, {}, token=ada.access_token).status == 202
    assert client.api("POST", path, {"resend": True}, token=ada.access_token).status == 202
    new = outbox.code(to="work@example.com")
    assert len(outbox.all(to="work@example.com")) == 3
    if old != new:
        assert client.api("POST", path, {"code": old}, token=ada.access_token).code == "invalid_code"
    assert client.api("POST", path, {"code": new}, token=ada.access_token).status == 200
    assert client.api("POST", path, {"code": new}, token=ada.access_token).status == 200, "to prove it twice is fine"


def test_a_mailed_link_proves_the_address_through_the_api(client: Browser, as_user: AsUser, outbox: Outbox) -> None:
    ada = as_user("ada@example.com")
    add(client, ada, "work@example.com")
    token = token_in(outbox.last(to="work@example.com"))
    assert client.api("POST", "verify", {"token": token}).status == 204
    assert listed(client, ada)[1] == ("work@example.com", True, False)
    assert client.api("POST", "verify", {"token": token}).code == "invalid_link"
    assert client.api("POST", "verify", {"token": "no.such"}).code == "invalid_link"


def test_an_address_is_on_the_list_once_and_ten_are_enough(client: Browser, as_user: AsUser) -> None:
    ada = as_user("ada@example.com")
    first = add(client, ada, "work@example.com")
    assert add(client, ada, "WORK@example.com")["id"] == first["id"]
    again = client.api("POST", "me/emails", {"email": "ADA@example.com"}, token=ada.access_token)
    assert (again.code, list(again["errors"])) == ("validation_failed", ["email"])
    for number in range(8):
        add(client, ada, f"more{number}@example.com")
    assert client.api("POST", "me/emails", {"email": "eleventh@example.com"}, token=ada.access_token).code == "validation_failed"


def test_a_program_that_lost_the_answer_repeats_the_call(client: Browser, as_user: AsUser, outbox: Outbox) -> None:
    ada = as_user("ada@example.com")
    calls = [
        client.api("POST", "me/emails", {"email": "work@example.com"}, token=ada.access_token, headers={"Idempotency-Key": "once"})
        for _ in range(2)
    ]
    assert [call.status for call in calls] == [201, 201]
    assert calls[0].body == calls[1].body
    assert len(outbox.all(to="work@example.com")) == 1


@pytest.mark.parametrize(
    "body", [{}, {"email": ""}, {"email": "ada"}, {"email": 7}, {"email": ["a@example.com"]}, {"email": "a@b.c\x00"}, {"mail": "x"}]
)
def test_what_is_no_address_is_refused(client: Browser, as_user: AsUser, body: dict[str, Any]) -> None:
    ada = as_user("ada@example.com")
    answer = client.api("POST", "me/emails", body, token=ada.access_token)
    assert answer.status in (400, 422)
    assert len(listed(client, ada)) == 1


def test_a_number_is_proved_by_text_message_and_has_its_country(client: Browser, as_user: AsUser, outbox: Outbox) -> None:
    ada = as_user("ada@example.com")
    added = client.api("POST", "me/phones", {"phone_number": "+44 7400 123456"}, token=ada.access_token)
    assert (added.status, added["value"], added["country"], added["verified"]) == (201, NUMBER, "GB", False)
    message = outbox.last(to=NUMBER)
    assert message["channel"] == "sms"
    proved = client.api("POST", f"me/phones/{added['id']}/verify", {"code": message["code"]}, token=ada.access_token)
    assert (proved["verified"], proved["primary"]) == (True, True)
    me = client.api("GET", "me", token=ada.access_token)
    assert (me["phone_number"], me["phone_number_verified"]) == (NUMBER, True)
    assert client.api("POST", "me/phones", {"phone_number": "12"}, token=ada.access_token).code == "validation_failed"
    assert client.api("DELETE", f"me/phones/{added['id']}", token=ada.access_token).status == 204
    assert listed(client, ada, "phones") == []


def test_an_address_that_was_removed_is_free_for_others(client: Browser, as_user: AsUser, outbox: Outbox) -> None:
    ada, bob = as_user("ada@example.com"), as_user("bob@example.com")
    contact = prove(client, ada, outbox, "shared@example.com")
    assert client.api("DELETE", f"me/emails/{contact}", token=ada.access_token).status == 204
    assert "removed" in outbox.last(to="shared@example.com")["subject"]
    prove(client, bob, outbox, "shared@example.com")
    assert ("shared@example.com", True, False) in listed(client, bob)


def test_the_last_address_beside_a_password_stays(client: Browser, as_user: AsUser, outbox: Outbox) -> None:
    ada = as_user("ada@example.com")
    (only,) = client.api("GET", "me/emails", token=ada.access_token).body
    assert client.api("DELETE", f"me/emails/{only['id']}", token=ada.access_token).code == "last_sign_in_method"
    assert listed(client, ada) == [("ada@example.com", True, True)]
    assert client.api("POST", "sign-in/password", {"email": "ada@example.com", "password": ada.password}).status == 200
    prove(client, ada, outbox, "work@example.com")
    assert client.api("DELETE", f"me/emails/{only['id']}", token=ada.access_token).status == 204
    assert listed(client, ada) == [("work@example.com", True, True)], "the next proved one is primary now"


def test_an_address_on_the_list_is_no_way_in_that_can_be_unlinked_alone(client: Browser, as_user: AsUser, outbox: Outbox) -> None:
    ada = as_user("ada@example.com")
    prove(client, ada, outbox, "work@example.com")
    ways = [way for way in client.api("GET", "me/identities", token=ada.access_token).body if way["provider"] == "email"]
    assert len(ways) == 2, "a code by mail signs in with each"
    assert client.api("DELETE", f"me/identities/{ways[1]['id']}", token=ada.access_token).code == "conflict"
    assert client.api("POST", "sign-in/password", {"email": "work@example.com", "password": ada.password}).status == 200


def test_after_a_while_addresses_can_only_be_changed_after_fresh_proof(
    client: Browser, as_user: AsUser, outbox: Outbox, clock: SetClock
) -> None:
    ada = as_user("ada@example.com")
    contact = prove(client, ada, outbox, "work@example.com")
    waiting = add(client, ada, "later@example.com")
    clock.advance(minutes=6)
    refreshed = client.api("POST", "token/refresh", {"refresh_token": ada.refresh_token})["access_token"]
    for method, path, body in (
        ("POST", "me/emails", {"email": "new@example.com"}),
        ("POST", "me/phones", {"phone_number": NUMBER}),
        ("PATCH", f"me/emails/{contact}", {"primary": True}),
        ("DELETE", f"me/emails/{contact}", None),
    ):
        assert client.api(method, path, body, token=refreshed).code == "step_up_required", path
    client.api("POST", f"me/emails/{waiting['id']}/verify", {}, token=refreshed)
    code = outbox.code(to="later@example.com")
    assert client.api("POST", f"me/emails/{waiting['id']}/verify", {"code": code}, token=refreshed).status == 200
    assert not outbox.all(to="new@example.com")


def test_a_cookie_alone_changes_no_address_through_the_api(as_user: AsUser) -> None:
    browser = as_user("ada@example.com").browser()
    assert browser.api("GET", "me/emails").status == 200
    assert browser.api("POST", "me/emails", {"email": "new@example.com"}).status == 401


# On pages


def test_a_person_adds_and_proves_an_address_on_the_page(as_user: AsUser, outbox: Outbox) -> None:
    browser = as_user("ada@example.com").browser()
    added = browser.submit("/account/emails", email="work@example.com")
    assert (added.status, added.path) == (303, "/account/emails")
    page = added.follow()
    assert "A code is on its way" in page
    assert "not confirmed" in page
    wrong = browser.submit(page, action="/verify", code="000000x")
    assert (wrong.status, "That code is not right" in wrong) == (401, True)
    done = browser.submit(wrong, action="/verify", code=outbox.code(to="work@example.com")).follow()
    assert "The address is confirmed." in done
    assert "not confirmed" not in done
    primary = browser.submit(done, action="/primary").follow()
    assert "This is your primary address now." in primary
    removed = browser.submit(primary, action="/remove").follow()
    assert "The address was removed." in removed
    assert "ada@example.com" not in removed


def test_the_page_shows_what_is_wrong_and_keeps_what_was_typed(as_user: AsUser) -> None:
    browser = as_user("ada@example.com").browser()
    refused = browser.submit("/account/emails", email="no address")
    assert refused.status == 422
    assert "Enter an e-mail address such as" in refused
    assert refused.form("email").values["email"] == "no address"
    kept = browser.submit("/account/emails", action="/remove")
    assert kept.status == 409
    assert "Add another address, number or user name first." in kept


def test_a_person_adds_a_number_and_sees_its_country(as_user: AsUser, outbox: Outbox) -> None:
    browser = as_user("ada@example.com").browser()
    page = browser.submit("/account/phones", phone_number="0044 7400 123456").follow()
    assert "+44 7400 123456" in page
    assert "United Kingdom" in page
    again = browser.submit(page, action="/resend").follow()
    assert "A new code is on its way." in again
    done = browser.submit(again, action="/verify", code=outbox.code(to=NUMBER)).follow()
    assert "The number is confirmed." in done


def test_a_stale_session_is_asked_for_fresh_proof_and_led_back(as_user: AsUser, clock: SetClock) -> None:
    ada = as_user("ada@example.com")
    browser = ada.browser()
    clock.advance(minutes=6)
    asked = browser.submit("/account/emails", email="work@example.com")
    assert (asked.status, "Confirm that it is you" in asked) == (403, True)
    confirmed = browser.submit(browser.submit(asked, action="/account/confirm/password").follow(), password=ada.password)
    assert (confirmed.status, confirmed.path) == (303, "/account/emails")
    assert browser.submit("/account/emails", email="work@example.com").status == 303


def test_a_mailed_link_shows_a_page_and_proves_only_when_its_button_is_pressed(as_user: AsUser, client: Browser, outbox: Outbox) -> None:
    ada = as_user("ada@example.com")
    add(client, ada, "work@example.com")
    link = outbox.last(to="work@example.com")["link"]
    for _ in range(3):
        page = client.get(link)
        assert (page.status, "Ada Lovelace" in page, "work@example.com" in page) == (200, True, True)
    assert listed(client, ada)[1][1] is False
    done = client.submit(page, action="/verify-email")
    assert (done.status, "Your address is confirmed" in done.follow()) == (303, True)
    assert listed(client, ada)[1] == ("work@example.com", True, False)
    spent = client.get(link)
    assert (spent.status, "This link is not valid any more" in spent) == (400, True)


def test_the_owner_takes_an_added_address_back_by_the_link_of_the_warning(as_user: AsUser, client: Browser, outbox: Outbox) -> None:
    ada = as_user("ada@example.com")
    thief = ada.browser()
    prove(client, ada, outbox, "thief@example.com")
    warning = next(message for message in outbox.all(to="ada@example.com") if "cancel-change" in message.get("link", ""))
    owner = ada.browser()
    page = owner.get(warning["link"])
    assert (page.status, "thief@example.com" in page) == (200, True)
    assert thief.signed_in
    done = owner.submit(page, action="/cancel-change")
    assert (done.status, "This was undone" in done.follow()) == (303, True)
    assert owner.signed_in
    assert not thief.signed_in
    assert client.api("GET", "me/emails", token=ada.access_token).code == "token_revoked"
    assert "thief@example.com" not in owner.get("/account/emails")
    assert client.api("POST", "sign-in/password", {"email": "thief@example.com", "password": ada.password}).code == "invalid_credentials"
    assert owner.get(warning["link"]).status == 400


# With a phone alone


def test_a_person_with_only_a_phone_is_warned_by_text_and_keeps_her_only_way_in(client: Browser, outbox: Outbox) -> None:
    begun = client.api("POST", "sign-up/phone", {"phone_number": NUMBER})
    signed = client.api("POST", "sign-in/continue", {"challenge": begun["challenge"]["id"], "code": outbox.code(to=NUMBER)})
    token = signed["access_token"]
    (number,) = client.api("GET", "me/phones", token=token).body
    assert (number["value"], number["primary"], number["country"]) == (NUMBER, True, "GB")
    assert client.api("DELETE", f"me/phones/{number['id']}", token=token).code == "last_sign_in_method"
    assert client.api("GET", "me/phones", token=token).body == [number], "a refusal changes nothing"
    added = client.api("POST", "me/emails", {"email": "ada@example.com"}, token=token)
    warning = outbox.last(to=NUMBER)
    assert (warning["channel"], "/cancel-change?token=" in warning["link"]) == ("sms", True)
    code = outbox.code(to="ada@example.com")
    assert client.api("POST", f"me/emails/{added['id']}/verify", {"code": code}, token=token)["primary"]
    assert client.api("DELETE", f"me/phones/{number['id']}", token=token).status == 204
    assert "removed" in outbox.last(to=NUMBER)["text"]
