"""The Twilio sender against a stand-in of Twilio's API that checks what it is sent as Twilio does."""

from __future__ import annotations

import base64
import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from authenticator_twilio import Refused, Twilio, TwilioOptions
from flask import Flask
from pydantic import ValidationError

from authenticator.app import create_app
from authenticator.clock import Clock, SetClock
from authenticator.hashing import NullHasher
from authenticator.kit import Kit, Message
from authenticator.plugin import Undeliverable
from authenticator.testing.client import Browser
from authenticator.web_client import BadAnswer, Unreachable, WebClient

ACCOUNT, TOKEN, NUMBER = f"AC{'0a' * 16}", "a quiet token", "+447700900123"
SERVICE = f"MG{'0b' * 16}"
TEXT = Message("sms", NUMBER, "", "012345 is your code for Garden & Co.\n\n@auth.example #012345", code="012345")
PATH = f"/api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages.json"


class Api(ThreadingHTTPServer):
    """Takes messages for one account; `broken` is what it answers instead, as status and body."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Call)
        self.taken: list[dict[str, str]] = []
        self.calls = 0
        self.broken: tuple[int, bytes] | None = None

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Call(BaseHTTPRequestHandler):
    """One request, checked in the order in which Twilio does."""

    server: Api

    def do_POST(self) -> None:
        self.server.calls += 1
        form = {name: values[0] for name, values in parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()).items()}
        status, body = self.server.broken or self._judged(form)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _judged(self, form: dict[str, str]) -> tuple[int, bytes]:
        wanted = "Basic " + base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        if self.path != PATH:
            return refusal(404, 20404, "The requested resource was not found")
        if self.headers["Authorization"] != wanted:
            return refusal(401, 20003, "Authenticate")
        if self.headers["Content-Type"] != "application/x-www-form-urlencoded":
            return refusal(400, 20001, "Not a form")
        if not form.get("To", "").startswith("+"):
            return refusal(400, 21211, f"The 'To' number {form.get('To')} is not a valid phone number.")
        if bool(form.get("From")) == bool(form.get("MessagingServiceSid")):
            return refusal(400, 21603, "A 'From' phone number is required.")
        if not form.get("Body"):
            return refusal(400, 21602, "Message body is required.")
        self.server.taken.append(form)
        return 201, json.dumps({"sid": f"SM{'0c' * 16}", "status": "queued", "to": form["To"], "error_code": None}).encode()

    def log_message(self, *_: Any) -> None:
        pass


def refusal(status: int, code: int, message: str) -> tuple[int, bytes]:
    return status, json.dumps(
        {"code": code, "message": message, "more_info": f"https://www.twilio.com/docs/errors/{code}", "status": status}
    ).encode()


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as api:
        thread = threading.Thread(target=api.serve_forever, args=(0.01,))
        thread.start()
        yield api
        api.shutdown()
        thread.join(30)


def sender(api: Api, **options: Any) -> Twilio:
    kit = Kit(
        service_name="Garden & Co",
        public_url="https://auth.example",
        clock=Clock(),
        log=logging.getLogger("authenticator.twilio"),
        http=WebClient((api.base,)),
        hasher=NullHasher(),
        send=lambda _message: None,
        spend=lambda *_counters: None,
        forgive=lambda _key: None,
        emulator_url=api.base,
    )
    given = {"account_sid": ACCOUNT, "auth_token": TOKEN, "sender": "+14155550100", **options}
    return Twilio(TwilioOptions(**given), kit)


def test_a_message_is_one_request_with_its_text_as_it_was_written(api: Api) -> None:
    sender(api).send(TEXT)
    assert api.taken == [{"To": NUMBER, "From": "+14155550100", "Body": TEXT.text}]
    assert api.calls == 1


@pytest.mark.parametrize(("source", "field"), [(SERVICE, "MessagingServiceSid"), ("Garden", "From"), ("MGarden", "From")])
def test_messages_come_from_a_number_a_name_or_a_service(api: Api, source: str, field: str) -> None:
    sender(api, sender=source).send(TEXT)
    assert api.taken[0][field] == source


def test_nothing_in_a_text_becomes_another_field(api: Api) -> None:
    evil = "hello&To=%2B10000000000\r\nTo=+1\x00 ü 🦊"
    sender(api).send(Message("sms", NUMBER, "", evil))
    assert api.taken == [{"To": NUMBER, "From": "+14155550100", "Body": evil}]


# What goes wrong


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        (refusal(400, 21211, f"The 'To' number {NUMBER} is not a valid phone number."), Undeliverable),
        (refusal(400, 21610, f"Attempt to send to unsubscribed recipient {NUMBER}"), Undeliverable),
        (refusal(400, 21408, f"Permission to send to {NUMBER} has not been enabled"), Refused),
        (refusal(401, 20003, "Authenticate"), Refused),
        ((400, b'{"code": "ada", "status": 400}'), Refused),
        (refusal(429, 20429, "Too Many Requests"), Unreachable),
        (refusal(503, 20503, "Service unavailable"), Unreachable),
        ((302, b""), BadAnswer),
        ((400, b"<html>"), BadAnswer),
    ],
)
def test_a_refusal_is_raised_and_tells_neither_number_nor_code_nor_token(
    api: Api, broken: tuple[int, bytes], error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    api.broken = broken
    with caplog.at_level(logging.DEBUG, "authenticator"), pytest.raises(error) as caught:
        sender(api).send(TEXT)
    for told in (str(caught.value), caplog.text):
        assert not [secret for secret in (NUMBER, "7700", "012345", TOKEN) if secret in told]
    assert api.taken == []


def test_a_wrong_token_is_told_to_the_operator_by_twilio_s_number_for_it(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(Refused, match="status 401, code 20003"):
        sender(api, auth_token="another").send(TEXT)
    assert "code 20003" in caplog.text


@pytest.mark.parametrize("account", ["", "AC1", f"AC{'0a' * 15}/x", f"../{ACCOUNT}", f"{ACCOUNT}\n"])
def test_what_is_no_account_stops_the_start_without_being_repeated(account: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TwilioOptions(account_sid=account, auth_token=TOKEN, sender="Garden")
    assert TOKEN not in str(caught.value)


def test_the_token_never_shows(api: Api) -> None:
    assert TOKEN not in repr(sender(api).options)


# With the whole service


@pytest.fixture
def auth_settings() -> dict[str, Any]:
    return {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_SENDER": "Garden"}


def test_a_text_that_twilio_could_not_take_is_delivered_once_when_it_can(
    auth_app: Flask, client: Browser, api: Api, clock: SetClock
) -> None:
    core = auth_app.extensions["authenticator"].core
    assert core.registry.senders["twilio"].kit.emulator_url == "", "real credentials go to the real Twilio only"
    core.messages._senders["sms"] = sender(api)
    api.broken = refusal(503, 20503, "Service unavailable")
    core.messages.send(core.letters.write("code", "sms", NUMBER, code="012345"))
    core.messages.flush(30)
    assert (api.calls, api.taken) == (1, [])
    api.broken = None
    clock.advance(seconds=2)
    assert core.errands.sweep() == 1
    core.messages.flush(30)
    assert [taken["Body"].splitlines()[-1] for taken in api.taken] == ["@localhost #012345"]
    clock.advance(days=2)
    assert core.errands.sweep() == 0


def test_nothing_carries_text_messages_in_production_until_an_account_is_set(tmp_path: Any) -> None:
    def carries(**more: str) -> bool:
        usual = {"DATA_DIR": str(tmp_path), "SECRET_KEY": "k9V2mXq7Lr4TzB8nYw3HdPfCs6JgAeUo", "PUBLIC_URL": "https://auth.example"}
        app = create_app({f"AUTHENTICATOR_{name}": value for name, value in (usual | more).items()}, env_file=None)
        core = app.extensions["authenticator"].core
        core.store.close()
        return bool(core.messages.carries("sms"))

    assert not carries()
    assert carries(TWILIO_ACCOUNT_SID=ACCOUNT, TWILIO_AUTH_TOKEN=TOKEN, TWILIO_SENDER="Garden")
