"""The SMTP sender against a real SMTP server."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from authenticator_smtp import Smtp, SmtpOptions

from authenticator.clock import Clock
from authenticator.hashing import NullHasher
from authenticator.kit import Kit, Message
from authenticator.testing.servers import free_port
from authenticator.web_client import WebClient


class Inbox:
    """What the server was given."""

    def __init__(self) -> None:
        self.envelopes: list[Any] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.envelopes.append(envelope)
        return "250 OK"


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, int]]:
    inbox = Inbox()
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield inbox, controller.port
    controller.stop()


def _sender(port: int) -> Smtp:
    kit = Kit(
        "Garden",
        "http://localhost",
        Clock(),
        logging.getLogger("test"),
        WebClient(),
        NullHasher(),
        lambda _m: None,
        lambda *_c: None,
        lambda _k: None,
    )
    return Smtp(SmtpOptions(host="127.0.0.1", port=port, security="none", sender="accounts@example.com"), kit)


def test_a_message_arrives_as_it_was_written(inbox: tuple[Inbox, int]) -> None:
    received, port = inbox
    _sender(port).send(Message("email", "ada@example.com", "123456 is your code – hello", "Your code is 123456.\n"))
    (envelope,) = received.envelopes
    assert envelope.rcpt_tos == ["ada@example.com"]
    assert envelope.mail_from == "accounts@example.com"
    assert b"Your code is 123456." in envelope.content
    assert b"Auto-Submitted: auto-generated" in envelope.content


@pytest.mark.parametrize("to", ["ada@example.com\r\nBcc: eve@example.com", "ada@example.com, eve@example.com"])
def test_nobody_adds_a_recipient(inbox: tuple[Inbox, int], to: str) -> None:
    received, port = inbox
    with pytest.raises(Exception, match=r"."):
        _sender(port).send(Message("email", to, "Hello", "Hello"))
    assert received.envelopes == []


def test_nobody_adds_a_header_through_the_subject(inbox: tuple[Inbox, int]) -> None:
    received, port = inbox
    with pytest.raises(ValueError, match=r"linefeed|newline|CR"):
        _sender(port).send(Message("email", "ada@example.com", "Hi\r\nBcc: eve@example.com", "Hello"))
    assert received.envelopes == []
