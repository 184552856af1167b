"""The outbox of development: what a person would get, to look at."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from authenticator.kit import Message
from authenticator.testing.client import Browser
from authenticator.testing.people import AsUser, Outbox

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
