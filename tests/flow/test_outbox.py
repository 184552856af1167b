"""The outbox of development: what a person would get, to look at."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from authenticator.flows.notices import notify
from authenticator.kit import Message
from authenticator.models import Contact
from authenticator.testing.client import Browser
from authenticator.testing.people import PASSWORD, AsUser, Outbox

JSON = {"Accept": "application/json"}
NUMBER = "+447700900123"


def test_every_message_is_listed_as_json_and_on_the_page(client: Browser, auth_app: Flask, as_user: AsUser) -> None:
    as_user("ada@example.com")
    core = auth_app.extensions["authenticator"].core
    core.messages.send(core.letters.write("code_sign_in", "sms", NUMBER, code="012345"))
    text, mail, *_ = client.get("/dev/outbox", headers=JSON).json
    assert set(mail) <= {"id", "channel", "to", "subject", "text", "code", "link", "at"}
    assert (mail["channel"], mail["to"]) == ("email", "ada@example.com")
    assert (text["channel"], text["to"], text["code"]) == ("sms", NUMBER, "012345")
    page = client.get("/dev/outbox").text
    for seen in (mail["subject"], mail["code"], NUMBER, "Text message"):
        assert seen in page


def test_a_mail_is_shown_as_mail_programs_show_it_and_runs_and_loads_nothing(client: Browser, auth_app: Flask, outbox: Outbox) -> None:
    core = auth_app.extensions["authenticator"].core
    evil = "<script>alert(1)</script><img src=https://evil.example/x>"
    core.messages.send(core.letters.write("new_device", "email", "ada@example.com", device=evil, at="now"))
    (mail,) = outbox.all()
    assert f"/dev/outbox/{mail['id']}.html" in client.get("/dev/outbox").html
    answer = client.get(f"/dev/outbox/{mail['id']}.html")
    assert answer.status == 200
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; ")
    assert "script-src" not in policy
    assert "; sandbox" in policy
    assert "allow-scripts" not in policy
    assert "<script" not in answer.html
    assert "<img" not in answer.html
    assert "&lt;script&gt;" in answer.html


def test_a_text_message_and_an_unknown_id_have_no_such_page(client: Browser, auth_app: Flask, outbox: Outbox) -> None:
    auth_app.extensions["authenticator"].core.messages.send(Message("sms", NUMBER, "", "Hello"))
    (text,) = outbox.all()
    page = client.get("/dev/outbox").html
    assert "Hello" in page
    assert f"{text['id']}.html" not in page
    assert client.get(f"/dev/outbox/{text['id']}.html").status == 404
    assert client.get("/dev/outbox/nothing.html").status == 404


class TestInProduction:
    @pytest.fixture
    def auth_settings(self) -> dict[str, Any]:
        return {"ENVIRONMENT": "production", "PUBLIC_URL": "https://auth.example", "EMULATOR_URL": ""}

    @pytest.mark.parametrize("path", ["/dev/outbox", "/dev/outbox/1.html"])
    def test_there_is_nothing(self, client: Browser, path: str) -> None:
        assert client.get(path).status == 404


# Processes that serve look for messages that are due


def test_a_process_that_any_server_calls_looks_for_due_messages(client: Browser, auth_app: Flask, outbox: Outbox) -> None:
    errands = auth_app.extensions["authenticator"].core.errands
    looked = threading.Event()
    sweep = errands.sweep
    errands.sweep = lambda: (looked.set(), sweep())[1]
    try:
        client.get("/healthz")
        assert not looked.is_set(), "a test's client is no server"
        client.get("/healthz", environ_overrides={"SERVER_SOFTWARE": "gunicorn/27"})
        assert looked.wait(30)
    finally:
        errands.stop()


@pytest.mark.parametrize(("wish", "language"), [("de-AT,de;q=0.9,en;q=0.5", "de"), ("fr", "en")])
def test_a_message_is_written_in_the_language_that_the_browser_wishes_for(
    client: Browser, auth_app: Flask, outbox: Outbox, wish: str, language: str
) -> None:
    fields = {"email": "ada@example.com", "password": PASSWORD, "given_name": "Ada", "family_name": "Lovelace"}
    for _ in range(2):
        assert client.api("POST", "sign-up/password", fields, headers={"Accept-Language": wish}).status == 202
    for message in outbox.all():
        assert f'<html lang="{language}">' in client.get(f"/dev/outbox/{message['id']}.html").html


def test_a_notice_is_written_in_the_language_of_the_account(client: Browser, auth_app: Flask, as_user: AsUser, outbox: Outbox) -> None:
    service = auth_app.extensions["authenticator"]
    user = replace(service.user(as_user("ada@example.com").id), locale="de")
    notify(service.core, user, "Hello", "%(who)s was here.", who="<b>Mallory</b>")
    notice = outbox.last(to="ada@example.com")
    page = client.get(f"/dev/outbox/{notice['id']}.html").html
    assert '<html lang="de">' in page
    assert "&lt;b&gt;Mallory&lt;/b&gt; was here." in page
    assert "<b>Mallory</b> was here." in notice["text"]


def test_who_has_only_a_phone_gets_a_notice_as_a_text_message(auth_app: Flask, as_user: AsUser, outbox: Outbox) -> None:
    service = auth_app.extensions["authenticator"]
    user = service.user(as_user("ada@example.com").id)
    phone = Contact("1", "phone", NUMBER, NUMBER, proved_at=user.created_at)
    unproved = Contact("2", "phone", "+447700900999", "+447700900999")
    before = len(outbox)
    notify(service.core, replace(user, contacts=(phone, unproved)), "A way was added", "Google can now sign in.")
    assert [message["to"] for message in outbox.all()[: len(outbox) - before]] == [NUMBER]
    assert outbox.last()["channel"] == "sms"
    notify(service.core, replace(user, contacts=(*user.contacts, phone)), "A way was added", "Google can now sign in.")
    assert outbox.last()["to"] == "ada@example.com", "who has both gets mail"
    assert len(outbox) == before + 2


@pytest.mark.parametrize(("carried", "to"), [("sms", NUMBER), ("email", "ada@example.com"), ("", "ada@example.com")])
def test_a_notice_goes_where_something_carries_it_and_else_waits_for_mail(
    carried: str, to: str, auth_app: Flask, as_user: AsUser, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = auth_app.extensions["authenticator"]
    user = service.user(as_user("ada@example.com").id)
    phone = Contact("1", "phone", NUMBER, NUMBER, proved_at=user.created_at)
    before = len(outbox)
    monkeypatch.setattr(service.core.messages, "carries", lambda channel: channel == carried)
    notify(service.core, replace(user, contacts=(*user.contacts, phone)), "A way was added", "Google can now sign in.")
    assert [message["to"] for message in outbox.all()[: len(outbox) - before]] == [to]
