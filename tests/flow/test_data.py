"""Whether a person can take her data along, delete her account, and change her mind."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import pytest
from PIL import Image

from authenticator.testing.client import Answer, Browser
from authenticator.testing.people import Account, AsUser, Outbox, SignInVia
from authenticator.web.schemas_account import Export

SECTIONS = {
    "access_tokens",
    "applications",
    "made_at",
    "made_by",
    "profile",
    "contacts",
    "sign_in_methods",
    "second_steps",
    "devices",
    "sessions",
    "history",
    "status_history",
    "avatars",
}


@pytest.fixture
def ada(as_user: AsUser) -> Account:
    return as_user("ada@example.com")


def ask(person: Account, method: str, path: str) -> Answer:
    return person.client.api(method, path, token=person.access_token)


def core_of(person: Account) -> Any:
    return person.client.app.extensions["authenticator"].core


def undo_link(outbox: Outbox, to: str = "ada@example.com") -> str:
    return next(message["link"] for message in outbox.all(to) if "/keep-account?token=" in message.get("link", ""))


def wait_and_erase(person: Account, clock: Any, **time: int) -> None:
    """Let the time pass, and the worker look what is due."""
    clock.advance(**time)
    core_of(person).errands.sweep()
    core_of(person).errands.flush()


def test_the_export_holds_everything_about_her(ada: Account) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (40, 40), "teal").save(picture, "PNG")
    headers = {"Content-Type": "image/png"}
    ada.client.api("POST", "me/avatars", token=ada.access_token, data=picture.getvalue(), headers=headers)
    ada.client.api("PATCH", "me", {"salutation": "Lady"}, token=ada.access_token)
    old = ada.browser(agent="Old Browser/1.0")
    old.submit("/account", action="/sign-out")
    answer = ask(ada, "GET", "me/export")
    assert answer.status == 200, answer
    document = answer.body
    assert set(document) == SECTIONS
    Export.model_validate(document)
    assert document["profile"]["salutation"] == "Lady"
    assert [contact["value"] for contact in document["contacts"]] == ["ada@example.com"]
    assert "password" in [way["kind"] for way in document["sign_in_methods"]]
    assert sorted((one["agent"], one["end_reason"]) for one in document["sessions"]) == [
        ("Old Browser/1.0", "signed_out"),
        ("Testing/1.0", ""),
    ]
    assert {"profile_changed", "avatar_added", "export_made"} <= {event["kind"] for event in document["history"]}
    content = base64.b64decode(document["avatars"][0]["content"])
    assert Image.open(io.BytesIO(content)).format == "WEBP"


def test_she_downloads_it_from_the_page(ada: Account) -> None:
    page = ada.browser().submit("/account/data", action="/account/data/export")
    assert page.status == 200
    assert page.headers["Content-Disposition"] == f'attachment; filename="account-{ada.id}.json"'
    assert page.headers["Cache-Control"] == "no-store"
    assert json.loads(page.html)["profile"]["id"] == ada.id


def test_export_and_deletion_ask_for_fresh_proof(ada: Account, clock: Any) -> None:
    browser = ada.browser()
    clock.advance(minutes=20)
    fresh = ada.client.api("POST", "token/refresh", {"refresh_token": ada.refresh_token})["access_token"]
    for method, path in (("GET", "me/export"), ("DELETE", "me")):
        assert ada.client.api(method, path, token=fresh).code == "step_up_required"
    for page in (
        browser.submit("/account/data", action="/account/data/export"),
        browser.submit("/account/data", action="/account/data/delete", sure="1"),
    ):
        assert page.status == 403
        assert "Confirm that it is you" in page
    assert browser.signed_in


def test_the_export_is_made_five_times_an_hour(ada: Account) -> None:
    assert [ask(ada, "GET", "me/export").status for _ in range(6)] == [200] * 5 + [429]


def test_a_deleted_account_is_signed_out_at_once_and_nobody_signs_in(ada: Account) -> None:
    browser = ada.browser()
    answer = ask(ada, "DELETE", "me")
    assert answer.status == 202
    assert answer["erase_at"] > ada.user["created_at"]
    assert ask(ada, "GET", "me").code == "token_revoked"
    assert not browser.signed_in
    assert ada.client.api("POST", "token/refresh", {"refresh_token": ada.refresh_token}).status == 401
    assert ada.client.api("POST", "sign-in/password", {"email": ada.email, "password": ada.password}).code == "invalid_credentials"


def test_the_page_asks_whether_she_is_sure(ada: Account, outbox: Outbox) -> None:
    browser = ada.browser()
    unsure = browser.submit("/account/data", action="/account/data/delete")
    assert (unsure.status, browser.signed_in) == (422, True)
    gone = browser.submit("/account/data", action="/account/data/delete", sure="1")
    assert gone.location == "/keep-account?done=deleted"
    assert "Your account is deleted" in gone.follow()
    assert not browser.cookie("session")
    assert undo_link(outbox)


def test_she_keeps_it_by_the_link_of_the_letter(ada: Account, outbox: Outbox, client: Browser, clock: Any) -> None:
    ask(ada, "DELETE", "me")
    link = undo_link(outbox)
    clock.advance(days=6)
    page = client.get(link)
    assert "Ada Lovelace" in page
    assert core_of(ada).store.user_by_id(ada.id).status == "leaving"  # looking changes nothing
    kept = client.submit(page, action="/keep-account")
    assert (kept.status, kept.location) == (303, "/keep-account?done=kept")
    assert client.submit("/sign-in", email=ada.email, password=ada.password).status == 303
    assert client.get(link).status == 400
    wait_and_erase(ada, clock, days=30)
    assert core_of(ada).store.user_by_id(ada.id).status == "active"
    history = [(change.before, change.after, change.by) for change in core_of(ada).store.status_history(ada.id)]
    assert history == [("active", "leaving", ada.id), ("leaving", "active", ada.id)]


@pytest.mark.parametrize("token", ["", "x", "x.y", "é", "a" * 500])
def test_a_link_that_is_none_keeps_nothing(ada: Account, client: Browser, token: str) -> None:
    ask(ada, "DELETE", "me")
    assert client.get("/keep-account", query_string={"token": token}).status == 400
    assert client.get("/keep-account?token=x&token=y").status == 400


def test_when_its_time_has_come_the_account_is_erased_and_the_address_is_free(
    ada: Account, outbox: Outbox, client: Browser, clock: Any, as_user: AsUser
) -> None:
    ask(ada, "DELETE", "me")
    link = undo_link(outbox)
    wait_and_erase(ada, clock, days=6)
    assert core_of(ada).store.user_by_id(ada.id) is not None
    wait_and_erase(ada, clock, days=1, minutes=1)
    assert core_of(ada).store.user_by_id(ada.id) is None
    assert "deleted with everything in it" in outbox.last("ada@example.com")["text"]
    assert client.get(link).status == 400
    assert client.api("POST", "sign-in/password", {"email": ada.email, "password": ada.password}).code == "invalid_credentials"
    again = as_user("ada@example.com")
    assert again.id != ada.id


def test_a_person_with_only_a_phone_is_told_by_text_message(client: Browser, outbox: Outbox, clock: Any) -> None:
    number = "+447400123456"
    asked = client.api("POST", "sign-up/phone", {"phone_number": number, "given_name": "Ada", "family_name": "Lovelace"})
    done = client.api("POST", "sign-in/continue", {"challenge": asked["challenge"]["id"], "code": outbox.code(to=number)})
    assert client.api("DELETE", "me", token=done["access_token"]).status == 202
    letter = outbox.last(number)
    assert (letter["channel"], letter["link"] in letter["text"]) == ("sms", True)
    assert client.submit(client.get(letter["link"]), action="/keep-account").location == "/keep-account?done=kept"


def test_a_person_without_an_address_is_told_that_no_link_can_reach_her(sign_in_via: SignInVia, client: Browser) -> None:
    sign_in_via("facebook", "nomail")
    page = client.get("/account/data")
    assert "Add an address or number before" in page
    assert client.submit(page, action="/account/data/delete", sure="1").status == 303
    assert not client.signed_in


def test_an_operator_can_bring_it_back(ada: Account, clock: Any, client: Browser) -> None:
    from authenticator.models import Status

    ask(ada, "DELETE", "me")
    service = ada.client.app.extensions["authenticator"]
    service.change_status(service.find_user(ada.id), Status.ACTIVE, why="she called", by="operator")
    wait_and_erase(ada, clock, days=30)
    assert client.submit("/sign-in", email=ada.email, password=ada.password).status == 303


def test_a_second_deletion_is_not_carried_out_at_the_time_of_the_first(ada: Account, outbox: Outbox, client: Browser, clock: Any) -> None:
    ask(ada, "DELETE", "me")
    clock.advance(days=5)
    client.submit(client.get(undo_link(outbox)), action="/keep-account")
    browser = ada.browser()
    browser.submit("/account/data", action="/account/data/delete", sure="1")
    wait_and_erase(ada, clock, days=3)
    assert core_of(ada).store.user_by_id(ada.id).status == "leaving"
    wait_and_erase(ada, clock, days=4, minutes=1)
    assert core_of(ada).store.user_by_id(ada.id) is None


class TestWithoutTimeToThink:
    @pytest.fixture
    def auth_settings(self) -> dict[str, Any]:
        return {"DELETION_DAYS": 0}

    def test_the_account_is_erased_at_once(self, ada: Account, outbox: Outbox) -> None:
        browser = ada.browser()
        assert "at once" in browser.get("/account/data")
        browser.submit("/account/data", action="/account/data/delete", sure="1")
        assert core_of(ada).store.user_by_id(ada.id) is None
        assert "deleted with everything in it" in outbox.last("ada@example.com")["text"]
        assert not [message for message in outbox.all() if "/keep-account" in message.get("link", "")]
