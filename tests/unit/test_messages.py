"""Messages: accepted at once, carried in time, told twice in development."""

from __future__ import annotations

import logging
import threading

import pytest

from authenticator.errors import ConfigurationError
from authenticator.flows import messages
from authenticator.flows.messages import Messages
from authenticator.kinds.sender import Sender
from authenticator.kit import Message

MAIL = Message("email", "ada@example.com", "Hello", "Hello")


def _sender(name: str, channel: str = "email", failures: int = 0) -> tuple[Sender, list[Message]]:
    carried: list[Message] = []
    left = [failures]

    class Postman(Sender):
        channels = frozenset({channel})

        def send(self, message: Message) -> None:
            if left[0]:
                left[0] -= 1
                raise OSError("the server is down")
            carried.append(message)

    Postman.name = name
    return Postman.__new__(Postman), carried


def test_a_message_is_carried_by_the_sender_of_its_channel() -> None:
    mail, carried = _sender("mail")
    sms, texted = _sender("sms", "sms")
    queue = Messages()
    queue.use({"mail": mail, "sms": sms}, {})
    queue.send(MAIL)
    queue.flush()
    assert (carried, texted) == ([MAIL], [])


def test_development_shows_what_a_sender_carries_and_what_nobody_does() -> None:
    mail, carried = _sender("mail")
    outbox, shown = _sender("outbox")
    queue = Messages()
    queue.use({"mail": mail}, {}, shown=outbox)
    text = Message("sms", "+44", "", "Hello")
    queue.send(MAIL)
    queue.send(text)
    queue.flush()
    assert carried == [MAIL]
    assert shown == [MAIL, text]


def test_a_server_that_was_down_for_a_moment_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "PAUSES", (0.0, 0.0, 0.0))
    mail, carried = _sender("mail", failures=3)
    queue = Messages()
    queue.use({"mail": mail}, {})
    queue.send(MAIL)
    queue.flush()
    assert carried == [MAIL]


def test_a_dead_server_is_told_in_the_log_without_the_address(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(messages, "PAUSES", ())
    mail, carried = _sender("mail", failures=9)
    queue = Messages()
    queue.use({"mail": mail}, {})
    with caplog.at_level(logging.WARNING):
        queue.send(MAIL)
        queue.flush()
    assert carried == []
    assert "gave up" in caplog.text
    assert "ada@example.com" not in caplog.text


def test_a_slow_sender_does_not_hold_up_whoever_sends() -> None:
    release = threading.Event()
    begun = threading.Event()

    class Slow(Sender):
        name = "slow"
        channels = frozenset({"email"})

        def send(self, message: Message) -> None:
            begun.set()
            release.wait(30)

    queue = Messages()
    queue.use({"slow": Slow.__new__(Slow)}, {})
    queue.send(MAIL)
    assert begun.wait(30)
    queue.send(MAIL)  # returns although the first one still hangs
    release.set()
    queue.flush()


def test_two_senders_of_one_channel_are_settled_by_the_setting() -> None:
    first, _ = _sender("first")
    second, carried = _sender("second")
    with pytest.raises(ConfigurationError, match="AUTHENTICATOR_SENDER"):
        Messages().use({"first": first, "second": second}, {})
    queue = Messages()
    queue.use({"first": first, "second": second}, {"email": "second"})
    queue.send(MAIL)
    queue.flush()
    assert carried == [MAIL]
