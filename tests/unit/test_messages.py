"""Messages: kept before the answer, carried in time, given up when they are of no use, told twice in development."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from authenticator.clock import SetClock
from authenticator.errors import AuthError, ConfigurationError
from authenticator.flows.errands import Errands
from authenticator.flows.messages import Messages
from authenticator.ids import Ids
from authenticator.kinds.sender import Sender, Undeliverable
from authenticator.kit import Message
from authenticator.storage.open import open_store
from authenticator.storage.sealing import Sealer
from authenticator.testing.fixtures import SECRET

MAIL = Message("email", "ada@example.com", "Hello", "Hello", html="<p>Hello</p>")
CODE = Message("email", "ada@example.com", "012345 is your code", "012345", code="012345")
TEXT = Message("sms", "+447700900123", "", "Hello")
Queue = Callable[[], Messages]


@pytest.fixture
def store(prepared_database: Callable[[str], str]) -> Iterator[Any]:
    store: Any = open_store(prepared_database("sqlite"), sealer=Sealer(SECRET.encode()))
    store.prepare()
    yield store
    store.close()


@pytest.fixture
def queue(store: Any, clock: SetClock) -> Queue:
    """Makes queues on one store, each as in a process of its own."""
    return lambda: Messages(Errands(store, clock), clock, Ids(), code_seconds=300)


def postman(name: str, channel: str = "email", *, failures: int = 0, error: Exception | None = None) -> tuple[Sender, list[Message]]:
    carried: list[Message] = []
    left = [failures]

    class Postman(Sender):
        channels = frozenset({channel})

        def send(self, message: Message) -> None:
            if left[0]:
                left[0] -= 1
                raise error or OSError(f"the server has no room for {message.to}")
            carried.append(message)

    Postman.name = name
    return Postman.__new__(Postman), carried


def later(queue: Messages, clock: SetClock, **ahead: float) -> int:
    """Some time later: what is due then has been tried."""
    clock.advance(**ahead)
    found = queue._errands.sweep()
    queue.flush()
    return found


def test_a_message_is_carried_by_the_sender_of_its_channel(queue: Queue) -> None:
    mail, carried = postman("mail")
    sms, texted = postman("sms", "sms")
    messages = queue()
    messages.use({"mail": mail, "sms": sms}, {})
    messages.send(MAIL)
    messages.flush()
    assert (carried, texted) == ([MAIL], [])
    messages.send(TEXT, CODE)
    messages.flush()
    assert (carried, texted) == ([MAIL, CODE], [TEXT])


def test_development_shows_what_a_sender_carries_and_what_nobody_does(queue: Queue, clock: SetClock) -> None:
    mail, carried = postman("mail", failures=1)
    outbox, shown = postman("outbox")
    messages = queue()
    messages.use({"mail": mail}, {}, shown=outbox)
    messages.send(MAIL)
    messages.flush()
    messages.send(TEXT)
    messages.flush()
    assert (carried, shown) == ([], [MAIL, TEXT])
    later(messages, clock, seconds=2)
    assert carried == [MAIL]
    assert shown == [MAIL, TEXT], "the second try is no second message"


def test_a_server_that_was_down_for_a_moment_loses_nothing(queue: Queue, clock: SetClock) -> None:
    mail, carried = postman("mail", failures=3)
    messages = queue()
    messages.use({"mail": mail}, {})
    messages.send(MAIL)
    messages.flush()
    for seconds in (2, 6, 26):
        assert carried == []
        later(messages, clock, seconds=seconds)
    assert carried == [MAIL]
    assert later(messages, clock, days=2) == 0


def test_what_a_crash_left_behind_is_carried_by_another_process(queue: Queue, clock: SetClock, store: Any) -> None:
    mail, carried = postman("mail")
    crashed, other = queue(), queue()
    store.put_errands([crashed.errand_of(MAIL)])
    other.use({"mail": mail}, {})
    assert later(other, clock, seconds=1) == 0
    assert later(other, clock, seconds=60) == 1
    assert carried == [MAIL]


def test_a_message_that_was_kept_with_something_else_is_carried_once_that_is_told(queue: Queue, store: Any, clock: SetClock) -> None:
    mail, carried = postman("mail")
    messages = queue()
    messages.use({"mail": mail}, {})
    errand = messages.errand_of(CODE)
    store.issue_ticket("conversation", "digest", {}, clock.now() + timedelta(minutes=5), errands=[errand])
    messages.accepted(errand)
    messages.flush()
    assert carried == [CODE]
    assert later(messages, clock, days=1) == 0


@pytest.mark.parametrize(("message", "alive", "over"), [(CODE, 270, 61), (MAIL, 86_000, 1000), (TEXT, 86_000, 1000)])
def test_a_message_is_not_sent_when_its_time_is_over(
    queue: Queue, clock: SetClock, store: Any, caplog: pytest.LogCaptureFixture, message: Message, alive: int, over: int
) -> None:
    crashed, other = queue(), queue()
    mail, carried = postman("mail")
    sms, texted = postman("sms", "sms")
    other.use({"mail": mail, "sms": sms}, {})
    store.put_errands([crashed.errand_of(message)])
    clock.advance(seconds=alive)
    store.put_errands([crashed.errand_of(message)])
    assert later(other, clock, seconds=over) == 2
    assert carried + texted == [message], "only the younger one is still of use"
    assert "not sent in time" in caplog.text
    assert message.to not in caplog.text
    assert later(other, clock, days=3) == 0


def test_a_code_of_a_dead_server_is_given_up_and_the_log_says_so_without_the_address(
    queue: Queue, clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    mail, carried = postman("mail", failures=99)
    messages = queue()
    messages.use({"mail": mail}, {})
    with caplog.at_level(logging.DEBUG):
        messages.send(CODE)
        messages.flush()
        for _ in range(20):
            later(messages, clock, seconds=60)
    assert carried == []
    assert "gave up" in caplog.text
    assert "ada@example.com" not in caplog.text
    assert "012345" not in caplog.text
    assert later(messages, clock, days=1) == 0


def test_a_mailbox_that_does_not_exist_is_given_up_at_once(queue: Queue, clock: SetClock, caplog: pytest.LogCaptureFixture) -> None:
    mail, carried = postman("mail", failures=1, error=Undeliverable("status 550"))
    messages = queue()
    messages.use({"mail": mail}, {})
    messages.send(MAIL)
    messages.flush()
    assert later(messages, clock, days=2) == 0
    assert carried == []
    assert "status 550" in caplog.text


def test_a_message_that_nobody_carries_waits_until_somebody_does(queue: Queue, clock: SetClock, caplog: pytest.LogCaptureFixture) -> None:
    before, after = queue(), queue()
    before.send(MAIL)
    before.flush()
    assert "install one" in caplog.text
    mail, carried = postman("mail")
    after.use({"mail": mail}, {})
    later(after, clock, seconds=2)
    assert carried == [MAIL]


def test_a_slow_sender_holds_up_neither_whoever_sends_nor_another_sender(queue: Queue) -> None:
    release, begun = threading.Event(), threading.Event()

    class Slow(Sender):
        name = "slow"
        channels = frozenset({"email"})

        def send(self, message: Message) -> None:
            begun.set()
            release.wait(30)

    texted = threading.Event()

    class Quick(Sender):
        name = "quick"
        channels = frozenset({"sms"})

        def send(self, message: Message) -> None:
            texted.set()

    messages = queue()
    messages.use({"slow": Slow.__new__(Slow), "quick": Quick.__new__(Quick)}, {})
    messages.send(MAIL)
    assert begun.wait(30)
    messages.send(MAIL)  # returns although the first one still hangs
    messages.send(TEXT)
    assert texted.wait(30)
    release.set()
    messages.flush()


def test_nothing_is_carried_that_could_not_be_kept(queue: Queue, store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_errands: Any) -> None:
        raise AuthError("store_unavailable")

    mail, carried = postman("mail")
    messages = queue()
    messages.use({"mail": mail}, {})
    monkeypatch.setattr(store, "put_errands", away)
    with pytest.raises(AuthError, match="store_unavailable"):
        messages.send(MAIL)
    messages.flush()
    assert carried == []


def test_two_senders_of_one_channel_are_settled_by_the_setting(queue: Queue) -> None:
    first, _ = postman("first")
    second, carried = postman("second")
    with pytest.raises(ConfigurationError, match="AUTHENTICATOR_SENDER"):
        queue().use({"first": first, "second": second}, {})
    messages = queue()
    messages.use({"first": first, "second": second}, {"email": "second"})
    messages.send(MAIL)
    messages.flush()
    assert carried == [MAIL]


def test_a_channel_without_a_sender_is_known_to_have_none(queue: Queue) -> None:
    mail, _ = postman("mail")
    messages = queue()
    messages.use({"mail": mail}, {})
    assert messages.carries("email")
    assert not messages.carries("sms")
    messages.use({"mail": mail}, {}, shown=postman("outbox")[0])
    assert messages.carries("sms")
