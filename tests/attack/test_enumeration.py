"""EN: who has an account here must not show in any answer, nor in the work behind it."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.attack.conftest import House

STATES = ("wrong", "suspended", "suspended_wrong", "social_only", "unverified")
WRONG = "not the password of anybody"


def address() -> str:
    """Addresses of one length, so that bodies which show them can be compared."""
    return f"{secrets.token_hex(6)}@example.com"


def seen(answer: TestResponse, email: str) -> tuple[Any, ...]:
    """All that the asker sees, but what differs on every answer anyway: ids, dates, tokens, and the address that he typed himself."""
    body = answer.text.replace(email, "<email>").replace(f"{email[:1]}\\u2026@", "<hint>@").replace(f"{email[:1]}…@", "<hint>@")
    body = re.sub(r'(name="csrf_token" value=")[^"]+', r"\1", body)
    body = re.sub(r'"id": "[^"]{40,}"', '"id": ""', body)
    body = re.sub(r'"expires_in": (59\d|600|29\d|300)', '"expires_in": 0', body)
    headers = sorted((name, value) for name, value in answer.headers if name not in ("Date", "Set-Cookie"))
    sent = [re.sub(r"Expires=[^;]+", "Expires=", value) for value in answer.headers.getlist("Set-Cookie")]
    cookies = sorted(value.partition("=")[0] + value.partition(";")[2] for value in sent)
    return answer.status_code, headers, cookies, body


def prepare(house: House, state: str) -> tuple[str, str]:
    """An address in this state, and the password to try it with."""
    email = address()
    if state in ("wrong", "suspended", "suspended_wrong"):
        person = house.sign_up(email)
        if state != "wrong":
            house.suspend(person)
        return email, person.password if state == "suspended" else WRONG
    if state == "social_only":
        house.service.add_user(email)
    if state == "unverified":
        assert house.begin_sign_up(email, WRONG).status_code == 202
    return email, WRONG


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("door", ["json", "html"])
def test_en_01_a_failed_sign_in_looks_the_same_for_every_account(house: House, door: str, state: str) -> None:
    """ASVS 5.0 6.3.8."""
    answers = []
    for email, password in (prepare(house, "unknown"), prepare(house, state)):
        if door == "json":
            answers.append(seen(house.try_password(email, password), email))
        else:
            page = house.visitor()
            answers.append(seen(page.send_form("/sign-in/password", {"email": email, "password": password}), email))
    assert answers[0][0] == 401
    assert answers[0] == answers[1]


@pytest.mark.parametrize("state", STATES)
def test_en_01_a_failed_sign_in_costs_the_same_work_for_every_account(house: House, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the clock is compared but what takes the time: one hash of today's parameters."""
    hasher = house.service.core.registry.providers["password"].kit.hasher
    prepared = [prepare(house, "unknown"), prepare(house, state)]
    work: list[str] = []
    matches = hasher._matches
    monkeypatch.setattr(
        hasher, "_matches", lambda hashed, password: work.append(hashed.rpartition("$")[0].rpartition("$")[0]) or matches(hashed, password)
    )
    for email, password in prepared:
        house.try_password(email, password)
    assert len(work) == 2
    assert work[0] == work[1]


@pytest.mark.parametrize("state", ["wrong", "social_only", "suspended_wrong"])
def test_en_01_a_locked_account_looks_like_a_name_that_was_guessed_as_often(house: House, state: str) -> None:
    answers = []
    for email, password in (prepare(house, "unknown"), prepare(house, state)):
        tries = [house.try_password(email, password) for _ in range(7)]
        answers.append([(one.status_code, one.json["code"], "Retry-After" in one.headers) for one in tries])
    assert answers[0] == answers[1]
    assert answers[0][-1] == (429, "rate_limited", True)


@pytest.mark.parametrize("owner", ["password", "social_only", "suspended"])
def test_en_03_sign_up_answers_the_same_for_a_taken_address(house: House, owner: str) -> None:
    new, taken = address(), prepare(house, {"password": "wrong"}.get(owner, owner))[0]
    before = len(house.mail_to(taken))
    answers = [seen(house.begin_sign_up(email), email) for email in (new, taken)]
    assert answers[0][0] == 202
    assert answers[0] == answers[1]
    told = house.mail_to(taken)[before:]
    assert len(told) == 1
    assert not told[0].code
    assert "already" in told[0].subject
    assert house.mail_to(new)[-1].code


def test_en_03_the_pages_of_sign_up_are_the_same_for_a_taken_address(house: House) -> None:
    answers = []
    for email in (address(), prepare(house, "wrong")[0]):
        page = house.visitor()
        fields = {"email": email, "password": "seven lanterns drift ashore", "given_name": "Ada", "family_name": "Byron"}
        sent = page.send_form("/sign-up/password", fields, page="/sign-up")
        assert sent.status_code == 303
        shown = page.get(sent.location)
        wrong = page.send_form("/sign-in/verify", {"code": "000000"}, page="/sign-in/verify")
        answers.append([seen(sent, email), seen(shown, email), seen(wrong, email)])
    assert answers[0] == answers[1]
    assert answers[0][2][0] == 401


def test_en_03_the_codes_of_a_taken_address_run_out_like_any_other(house: House) -> None:
    answers = []
    for email in (address(), prepare(house, "wrong")[0]):
        challenge = house.begin_sign_up(email).json["challenge"]["id"]
        again = house.post("/sign-in/continue", {"challenge": challenge, "resend": True})
        tries = [house.post("/sign-in/continue", {"challenge": challenge, "code": "00000x"}) for _ in range(7)]
        answers.append([seen(again, email), *((one.status_code, one.json["code"]) for one in tries)])
    assert answers[0] == answers[1]
    assert answers[0][-1] == (401, "challenge_expired")


def test_en_03_no_code_fits_the_sign_up_of_a_taken_address(house: House) -> None:
    person = house.sign_up()
    challenge = house.begin_sign_up(person.email, "another quiet password here").json["challenge"]["id"]
    for code in ("", " ", "000000", "None", "null"):
        answer = house.post("/sign-in/continue", {"challenge": challenge, "code": code})
        assert answer.status_code in (401, 422)
    assert house.try_password(person.email, "another quiet password here").status_code == 401
    assert house.try_password(person.email, person.password).status_code == 200


def test_en_03_the_limit_on_messages_is_the_same_for_a_taken_address(house: House) -> None:
    taken = prepare(house, "wrong")[0]
    house.service.core.store.forgive([f"message:{taken}"])
    answers = [[house.begin_sign_up(email).status_code for _ in range(5)] for email in (address(), taken)]
    assert answers == [[202, 202, 202, 429, 429]] * 2


def test_en_03_sign_up_answers_the_same_when_the_mail_server_is_down(house: House) -> None:
    """CVE-2024-45231: the failure of the mail must not tell that there was somebody to mail to."""
    new, taken, up = address(), prepare(house, "wrong")[0], address()
    works = seen(house.begin_sign_up(up), up)
    house.sink.broken = True
    try:
        answers = [seen(house.begin_sign_up(email), email) for email in (new, taken)]
        house.service.core.messages.flush()
    finally:
        house.sink.broken = False
    assert answers == [works, works]


def test_en_03_the_owner_sees_nothing_of_another_persons_sign_up(house: House) -> None:
    """A notice must carry neither a code nor what the stranger typed."""
    person = house.sign_up()
    house.begin_sign_up(person.email, "canary password of a stranger", given_name="Mallory")
    notice = house.mail_to(person.email)[-1]
    assert "Mallory" not in notice.text + notice.subject
    assert "canary" not in notice.text + notice.subject
    assert not re.search(r"\b\d{6}\b", notice.text + notice.subject)
