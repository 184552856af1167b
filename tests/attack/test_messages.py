"""Messages under attack and in trouble: none is lost or sent twice, none tells a secret where it must not, none says what a stranger wants."""

from __future__ import annotations

import logging
import re
import secrets
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from authenticator.errors import AuthError
from authenticator.kit import Message

if TYPE_CHECKING:
    from tests.attack.conftest import Builder, House

EVIL = [
    "Eve\r\nBcc: eve@evil.example",
    "Eve\n\n<h1>You won</h1>",
    "<img src=https://evil.example/x>",
    "{{ settings.secret_key }}{% for x in ().__class__.__base__.__subclasses__() %}{% endfor %}",
    "%(code)s %s %n",
    "\u202ehttps://evil.example/",
    "</td><script>alert(1)</script>",
]


def fresh_email() -> str:
    return f"person-{secrets.token_hex(6)}@example.com"


def later(house: House, **ahead: float) -> int:
    """Some time later: what was due has been tried."""
    house.clock.advance(**ahead)
    found = house.service.core.errands.sweep()
    house.service.core.messages.flush()
    return found


def settle(house: House) -> None:
    """Whatever earlier tests left behind is over."""
    house.sink.broken = False
    while later(house, seconds=61):
        pass


# RL-08


def test_rl_08_messages_are_sent_once_when_the_server_is_back(build: Builder) -> None:
    house = build()
    people = [fresh_email() for _ in range(5)]
    house.sink.broken = True
    assert [house.begin_sign_up(email).status_code for email in people] == [202] * 5
    house.service.core.messages.flush()
    assert later(house, seconds=1.1) == 5
    assert house.sink.sent == []
    house.sink.broken = False
    assert later(house, seconds=5.1) == 5
    assert sorted(message.to for message in house.sink.sent) == sorted(people)
    assert later(house, days=2) == 0
    assert len(house.sink.sent) == 5


def test_rl_08_a_sender_that_hangs_holds_up_no_answer(build: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    house, release, begun = build(), threading.Event(), threading.Event()
    person = house.sign_up()

    def hang(_message: Message) -> None:
        begun.set()
        release.wait(60)

    monkeypatch.setattr(house.sink, "send", hang)
    try:
        for _ in range(3):
            assert house.begin_sign_up(fresh_email()).status_code == 202
        assert begun.wait(30)
        assert house.try_password(person.email, person.password).status_code == 200
        assert house.visitor().get("/healthz").status_code == 200
    finally:
        release.set()
        house.service.core.messages.flush(30)


def test_rl_08_a_sender_that_fails_in_its_own_way_takes_nobody_with_it(build: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    house = build()

    def fail(_message: Message) -> None:
        raise KeyError("a fault of the plug-in")

    monkeypatch.setattr(house.sink, "send", fail)
    email = fresh_email()
    assert house.begin_sign_up(email).status_code == 202
    house.service.core.messages.flush()
    monkeypatch.undo()
    assert later(house, seconds=2) == 1
    assert [message.to for message in house.mail_to(email)] == [email]


# A crash between the answer and the message


def test_rl_01_what_a_killed_process_had_promised_another_one_sends_once(build: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    killed = build()
    other = build(url=killed.url)
    monkeypatch.setattr(killed.service.core.errands, "accepted", lambda *_: None)  # it dies before its thread begins
    email = fresh_email()
    challenge = killed.begin_sign_up(email).json["challenge"]["id"]
    assert killed.sink.sent == []
    assert later(other, seconds=1) == 0, "until its time is over it may still be at it"
    assert later(other, seconds=60) == 1
    (message,) = other.mail_to(email)
    done = other.post("/sign-in/continue", {"challenge": challenge, "code": message.code})
    assert done.status_code == 200, done.text
    assert later(other, days=2) == later(killed, days=2) == 0
    assert len(other.mail_to(email)) == 1
    assert killed.sink.sent == []


def test_rl_01_nothing_is_promised_that_could_not_be_kept(build: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    house = build()

    def away(*_: Any, **__: Any) -> None:
        raise AuthError("store_unavailable", retry_after=2)

    core, email = house.service.core, fresh_email()
    monkeypatch.setattr(core.store, "issue_ticket", away)  # the message is kept in the same trip
    monkeypatch.setattr(core.store, "put_errands", away)
    answer = house.begin_sign_up(email)
    assert (answer.status_code, answer.json["code"]) == (503, "store_unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    with pytest.raises(AuthError, match="store_unavailable"):
        core.messages.send(core.letters.write("erased", "email", email))
    assert house.mail_to(email) == []


# EN-03


def test_en_03_a_dead_mail_server_delays_the_notice_to_an_owner_as_it_does_a_code(build: Builder) -> None:
    house = build()
    owner, stranger = house.sign_up().email, fresh_email()
    mails = len(house.mail_to(owner))
    house.sink.broken = True
    answers = [house.begin_sign_up(email) for email in (owner, stranger)]
    house.service.core.messages.flush()
    assert [answer.status_code for answer in answers] == [202, 202]
    assert sorted(answers[0].json["challenge"]) == sorted(answers[1].json["challenge"])
    house.sink.broken = False
    assert later(house, seconds=2) == 2
    assert [len(house.mail_to(owner)) - mails, len(house.mail_to(stranger))] == [1, 1]
    assert [bool(house.mail_to(email)[-1].code) for email in (owner, stranger)] == [False, True]


# DT-01, DT-04


def test_dt_01_a_thief_of_the_database_reads_no_message(build: Builder) -> None:
    house = build()
    house.sink.broken = True
    email = fresh_email()
    house.begin_sign_up(email)
    core = house.service.core
    core.messages.send(core.letters.write("code", "sms", "+447700900123", code="314159"))
    core.messages.send(
        Message("email", email, "a canary subject", "a canary text", html="<p>a canary page", link="https://canary.example/")
    )
    core.messages.flush()
    dump = house.dump()
    assert len(dump) > 1000
    for canary in (email, "+447700900123", "314159", "canary", "is your code", "Hello"):
        assert canary.encode() not in dump, canary
    house.sink.broken = False
    assert later(house, seconds=2) == 3
    assert sum("canary" in message.text for message in house.sink.sent) == 1


def test_dt_04_no_address_number_or_code_comes_into_the_log(build: Builder, caplog: pytest.LogCaptureFixture) -> None:
    house = build()
    email, core = fresh_email(), house.service.core
    with caplog.at_level(logging.DEBUG):
        house.begin_sign_up(email)
        code = house.mail_to(email)[-1].code
        house.sink.broken = True
        core.messages.send(core.letters.write("code", "email", email, code="314159"))
        core.messages.send(core.letters.write("code", "sms", "+447700900123", code="314159"))
        core.messages.flush()
        for seconds in (2, 6, 26, 61, 121, 241):
            later(house, seconds=seconds)
    assert "gave up" in caplog.text
    for canary in (email, "+447700900123", "314159", code):
        assert canary not in caplog.text


# IN-04


@pytest.mark.parametrize("evil", EVIL)
def test_in_04_a_name_is_nothing_but_text_in_a_message(house: House, evil: str) -> None:
    settle(house)
    email, core = fresh_email(), house.service.core
    answer = house.begin_sign_up(email, given_name=evil, family_name=evil)
    assert answer.status_code in (202, 422)
    letters = list(house.mail_to(email))
    letters += [
        core.letters.write("new_device", "email", email, device=evil, at=evil, place=evil),
        core.letters.write("contact_added_warning", "email", email, added=evil),
        core.letters.write("notice", "email", email, subject="Hello", text="%(who)s was here.", values={"who": evil}),
    ]
    for letter in letters:
        assert not re.search(r"[\r\n]", letter.subject)
        assert "\u202e" not in letter.text + letter.subject
        assert "https://evil.example" not in letter.text
        for tag in ("<img", "<h1", "<script", "</td>"):
            assert tag not in letter.html
        assert not [line for line in letter.text.splitlines() if line.startswith(("Bcc", "<h1>"))]
        assert "None" not in letter.text


@pytest.mark.parametrize("language", ["de", "de-AT,en;q=0.5", "xx", "../../../etc/passwd", "{{7*7}}", "en\r\nBcc: eve@evil.example"])
def test_in_04_the_wish_for_a_language_chooses_among_ours_and_nothing_else(house: House, language: str) -> None:
    letter = house.service.core.letters.write("code", "email", "ada@example.com", language, code="314159")
    assert re.search(r'<html lang="(de|en)">', letter.html)
    assert "314159" in letter.subject
    assert "\n" not in letter.subject


def test_rs_01_links_in_messages_begin_with_our_own_url_whatever_the_request_says(house: House) -> None:
    person = house.sign_up()
    house.visitor().post(
        "/api/v1/sign-up/password",
        json={"email": person.email, "password": "some other long phrase", "given_name": "A", "family_name": "B"},
        headers={"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example", "Origin": "http://localhost"},
    )
    letter = house.mail_to(person.email)[-1]
    assert letter.link == "http://localhost/sign-in"
    assert "evil.example" not in letter.text + letter.html


def test_en_03_nobody_earns_by_notices_about_herself(house: House) -> None:
    """Each sign-in under another name of a program is a new device, and each key of hers is told of: texts cost, and may pay who gets them."""
    person = house.sign_up()
    told = len(house.mail_to(person.email))
    signed = [
        house.post("/sign-in/password", {"email": person.email, "password": person.password}, headers={"User-Agent": f"program {number}"})
        for number in range(12)
    ]
    assert {answer.status_code for answer in signed} == {200}
    assert len(house.mail_to(person.email)) - told == 5
    ends = (house.clock.now() + timedelta(days=1)).isoformat()
    bearer = {"Authorization": f"Bearer {signed[-1].json['access_token']}"}
    for number in range(8):
        key = {"name": f"key {number}", "scopes": ["openid"], "expires_at": ends}
        assert house.post("/me/tokens", key, headers=bearer).status_code == 201
    assert len(house.mail_to(person.email)) - told == 10, "what is told of one thing does not keep another from being told"
    kinds = [event.kind for event in house.service.events(house.service.find_user(person.id), limit=100).items]
    assert (kinds.count("new_device"), kinds.count("token_made")) == (12, 8), "and all of it stands in her history"
    house.clock.advance(hours=1, seconds=1)
    house.post("/sign-in/password", {"email": person.email, "password": person.password}, headers={"User-Agent": "another"})
    assert len(house.mail_to(person.email)) - told == 11
