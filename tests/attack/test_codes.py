"""MF-03, MF-05, EN-01, BF-10, RS-01, RS-09, ID-01, ID-05: codes and links that sign in, and the numbers and addresses they go to."""

from __future__ import annotations

import itertools
import logging
import re
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from authenticator.models import Status
from tests.attack.test_enumeration import seen

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from authenticator.kit import Message
    from tests.attack.conftest import Builder, House, Visitor

PLUGINS = ["password", "email", "phone"]
FIELD = {"email": "email", "phone": "phone_number"}
numbers = itertools.count(100_000)


@pytest.fixture(scope="module")
def hall(build: Builder) -> House:
    """The service with codes, as a developer runs it."""
    return build(plugins=PLUGINS)


@pytest.fixture(scope="module")
def tower(build: Builder) -> House:
    """The same in production, where each client address counts."""
    return build(plugins=PLUGINS, environment="production", public_url="https://auth.example")


def somebody(way: str) -> str:
    """A new address or number, of the same length as any other."""
    return f"{secrets.token_hex(6)}@example.com" if way == "email" else f"+447400{next(numbers)}"


def begin(house: House, way: str, target: str, *, wish: str = "sign-in", address: str = "") -> TestResponse:
    return house.post(f"/{wish}/{way}", {FIELD[way]: target}, address=address)


def finish(house: House, challenge: str, code: str) -> TestResponse:
    return house.post("/sign-in/continue", {"challenge": challenge, "code": code})


def messages(house: House, target: str) -> list[Message]:
    house.service.core.messages.flush()
    return [message for message in house.sink.sent if message.to == target]


def code_to(house: House, target: str) -> str:
    return messages(house, target)[-1].code


def join(house: House, way: str, target: str) -> str:
    """Sign somebody up; her user id."""
    done = finish(house, begin(house, way, target).json["challenge"]["id"], code_to(house, target))
    assert done.status_code == 200, done.text
    return str(done.json["user"]["id"])


def wrong(code: str, number: int = 1) -> str:
    return f"{(int(code) + number) % 1_000_000:06d}"


def open_page(house: House, target: str, **more: Any) -> tuple[Visitor, TestResponse]:
    """A browser that has asked for a code on the page."""
    browser = house.visitor()
    answer = browser.send_form("/sign-in/email", {"email": target}, page="/sign-in/email", **more)
    return browser, answer


# MF-03: guessing


@pytest.mark.parametrize("way", FIELD)
def test_mf_03_a_challenge_takes_five_guesses_and_its_code_is_dead(hall: House, way: str) -> None:
    target = somebody(way)
    challenge = begin(hall, way, target).json["challenge"]["id"]
    code = code_to(hall, target)
    answers = [finish(hall, challenge, wrong(code, number)) for number in range(1, 8)]
    assert [answer.json["code"] for answer in answers] == ["invalid_code"] * 5 + ["challenge_expired"] * 2
    assert finish(hall, challenge, code).json["code"] == "challenge_expired"


@pytest.mark.parametrize("way", FIELD)
def test_mf_03_a_new_code_gives_no_new_guesses(hall: House, way: str) -> None:
    target = somebody(way)
    challenge = begin(hall, way, target).json["challenge"]["id"]
    code, looked_at = code_to(hall, target), 0
    for number in range(1, 12):
        if number % 3 == 0:
            hall.post("/sign-in/continue", {"challenge": challenge, "resend": True})
            code = code_to(hall, target)
        looked_at += finish(hall, challenge, wrong(code, number)).json["code"] == "invalid_code"
    assert looked_at == 5


@pytest.mark.parametrize("way", FIELD)
def test_mf_03_guesses_at_the_same_moment_are_not_more(hall: House, way: str, at_once: Any) -> None:
    target = somebody(way)
    challenge = begin(hall, way, target).json["challenge"]["id"]
    code = code_to(hall, target)
    answers = at_once([lambda number=number: finish(hall, challenge, wrong(code, number)) for number in range(1, 25)])
    assert all(answer.status_code == 401 for answer in answers)
    assert sum(answer.json["code"] == "invalid_code" for answer in answers) <= 5


@pytest.mark.parametrize("way", FIELD)
def test_mf_03_an_account_has_twenty_guesses_an_hour_over_all_challenges(hall: House, way: str) -> None:
    target = somebody(way)
    join(hall, way, target)
    hall.clock.advance(hours=2)
    looked_at, waits = 0, 0
    for number in range(11):
        begun = begin(hall, way, target, wish=("sign-in", "sign-up")[number % 2])
        if begun.status_code < 300:
            code = code_to(hall, target)
            answers = [finish(hall, begun.json["challenge"]["id"], wrong(code, guess)) for guess in range(1, 6)]
            looked_at += sum(answer.json["code"] == "invalid_code" for answer in answers)
            waits += sum(answer.status_code == 429 for answer in answers)
        hall.clock.advance(minutes=5)
    assert looked_at == 20
    assert waits > 0
    hall.clock.advance(hours=1)
    join(hall, way, target)


# MF-05: codes where they must not be


@pytest.mark.parametrize("way", FIELD)
def test_mf_05_a_code_is_in_the_message_and_nowhere_else(hall: House, way: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    target = somebody(way)
    begun = begin(hall, way, target)
    challenge = begun.json["challenge"]["id"]
    again = hall.post("/sign-in/continue", {"challenge": challenge, "resend": True})
    refused = finish(hall, challenge, wrong(code_to(hall, target)))
    done = finish(hall, challenge, code_to(hall, target))
    assert done.status_code == 200
    shown = "".join(answer.text for answer in (begun, again, refused, done)) + caplog.text
    codes = [message.code for message in messages(hall, target)]
    assert len(codes) == 2
    assert all(re.fullmatch(r"\d{6}", code) for code in codes)
    assert [code for code in codes if code in shown] == []
    assert target not in caplog.text


def test_mf_05_codes_are_drawn_from_all_of_a_million(hall: House) -> None:
    codes = []
    for _ in range(60):
        target = somebody("email")
        begin(hall, "email", target)
        codes.append(code_to(hall, target))
    assert len(set(codes)) >= 58
    assert len({code[0] for code in codes}) > 4


@pytest.mark.parametrize("way", FIELD)
def test_mf_05_a_code_is_dead_after_five_minutes(hall: House, way: str) -> None:
    target = somebody(way)
    challenge = begin(hall, way, target).json["challenge"]["id"]
    hall.clock.advance(seconds=301)
    assert finish(hall, challenge, code_to(hall, target)).json["code"] == "invalid_code"


# EN-01: who has an account


def states(house: House, way: str) -> dict[str, str]:
    """An address or number in every state that an account can be in."""
    found = {state: somebody(way) for state in ("unknown", "member", "suspended", "begun")}
    join(house, way, found["member"])
    user = house.service.find_user(join(house, way, found["suspended"]))
    house.service.change_status(user, Status.SUSPENDED, why="attack test", by="operator")
    begin(house, way, found["begun"])
    if way == "email":
        found |= {"password": somebody(way), "by operator": somebody(way)}
        house.sign_up(found["password"])
        house.service.add_user(found["by operator"])
    return found


def shown(answer: TestResponse, target: str) -> str:
    """What `seen` sees, without the end of a number."""
    hint = f"{target[:3]}…{target[-2:]}"
    told = str(seen(answer, target))
    return told.replace(hint, "").replace(hint.replace("…", "\\\\u2026"), "")


@pytest.mark.parametrize("way", FIELD)
@pytest.mark.parametrize("door", ["json", "html"])
def test_en_01_to_ask_for_a_code_shows_nobody_who_has_an_account(hall: House, way: str, door: str) -> None:
    """ASVS 5.0 6.3.8."""
    answers = {}
    for state, target in states(hall, way).items():
        path = f"/sign-in/{way}"
        if door == "json":
            given = [begin(hall, way, target)]
        else:
            browser = hall.visitor()
            given = [browser.send_form(path, {FIELD[way]: target}, page=path), browser.get("/sign-in/verify")]
        answers[state] = [shown(answer, target) for answer in given]
        assert messages(hall, target)[-1].code
    assert {state for state, answer in answers.items() if answer != answers["unknown"]} == set()


@pytest.mark.parametrize("way", FIELD)
def test_en_01_a_wrong_code_is_answered_alike_for_everybody(hall: House, way: str) -> None:
    answers = {}
    for state, target in states(hall, way).items():
        challenge = begin(hall, way, target).json["challenge"]["id"]
        answers[state] = seen(finish(hall, challenge, wrong(code_to(hall, target))), target)
    assert answers["unknown"][0] == 401
    assert all(answer == answers["unknown"] for answer in answers.values())


# BF-10: bombing


def test_bf_10_a_mailbox_gets_three_messages_in_a_quarter_of_an_hour_by_whatever_door(tower: House) -> None:
    target = somebody("email")
    waits = []
    for number in range(20):
        door = number % 3
        if door == 0:
            answer = begin(tower, "email", target)
        elif door == 1:
            answer = begin(tower, "email", target.upper(), wish="sign-up")
        else:
            answer = tower.begin_sign_up(target)
        waits.append((answer.status_code, "Retry-After" in answer.headers))
    assert len(messages(tower, target)) == 3
    assert waits[3:] == [(429, True)] * 17
    tower.clock.advance(minutes=15, seconds=1)
    assert begin(tower, "email", target).status_code == 200


def test_bf_10_a_phone_gets_three_messages_in_a_quarter_of_an_hour(tower: House) -> None:
    target = somebody("phone")
    spelt = [target, target.replace("+", "00"), f"{target[:3]} (0) {target[3:]}", f"{target[:7]}-{target[7:]}"]
    answers = [begin(tower, "phone", spelt[number % 4]).status_code for number in range(20)]
    assert answers == [200] * 3 + [429] * 17
    assert len(messages(tower, target)) == 3


def test_bf_10_new_codes_for_one_challenge_count_too(tower: House) -> None:
    target = somebody("phone")
    challenge = begin(tower, "phone", target).json["challenge"]["id"]
    again = [tower.post("/sign-in/continue", {"challenge": challenge, "resend": True}).status_code for _ in range(5)]
    assert again == [200, 200, 429, 429, 429]
    assert len(messages(tower, target)) == 3


@pytest.mark.parametrize("way", FIELD)
def test_bf_10_one_address_has_ten_messages_sent_an_hour(tower: House, way: str) -> None:
    address = {"email": "203.0.113.20", "phone": "2001:db8:20::1"}[way]
    targets = [somebody(way) for _ in range(14)]
    answers = [begin(tower, way, target, address=address).status_code for target in targets]
    assert answers == [200] * 10 + [429] * 4
    assert sum(len(messages(tower, target)) for target in targets) == 10


def test_bf_10_a_restart_forgives_nothing(build: Builder, tower: House) -> None:
    target = somebody("email")
    for _ in range(3):
        begin(tower, "email", target)
    restarted = build(url=tower.url, plugins=PLUGINS, environment="production", public_url="https://auth.example")
    restarted.clock.advance(seconds=(tower.clock.now() - restarted.clock.now()).total_seconds())
    assert begin(restarted, "email", target).status_code == 429


# RS-01, RS-09: the mailed link

HEADERS: list[dict[str, str]] = [
    {"X-Forwarded-Host": "evil.example"},
    {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"},
    {"X-Forwarded-Port": "8443"},
    {"X-Forwarded-Prefix": "//evil.example"},
    {"X-Forwarded-Server": "evil.example"},
    {"Forwarded": "host=evil.example;proto=http"},
    {"X-Host": "evil.example"},
    {"X-Original-Host": "evil.example"},
    {"X-Original-URL": "https://evil.example/"},
    {"Referer": "https://evil.example/"},
    {"Host": "evil.example"},
    {"Host": "evil.example:443"},
]


@pytest.mark.parametrize("headers", HEADERS, ids=lambda headers: ",".join(f"{name}={value}" for name, value in headers.items()))
def test_rs_01_no_header_moves_the_link(tower: House, headers: dict[str, str]) -> None:
    target, browser = somebody("email"), tower.visitor()
    form = {"csrf_token": browser.csrf("/sign-in/email"), "email": target}
    known = browser.get_cookie("__Host-auth_browser", "auth.example")
    assert known
    sent_along = {"Cookie": f"{known.key}={known.value}", **headers}
    answer = browser.post("/sign-in/email", data=form, headers=sent_along)
    assert answer.status_code in (303, 400)
    sent = messages(tower, target)
    assert len(sent) == (answer.status_code == 303)
    for message in sent:
        assert message.link.startswith("https://auth.example/sign-in/verify?code=")
        assert "evil" not in f"{message.text}{message.html}"


def token_of(link: str) -> str:
    (token,) = parse_qs(urlsplit(link).query)["code"]
    return token


def test_rs_09_a_scanner_that_follows_the_link_spends_nothing_and_is_let_in_nowhere(tower: House) -> None:
    target = somebody("email")
    browser, _ = open_page(tower, target)
    link = messages(tower, target)[-1].link
    for scanner in (tower.visitor(), browser):
        for method in ("GET", "HEAD", "GET"):
            page = scanner.open(link.removeprefix("https://auth.example"), method=method)
            assert page.status_code in (200, 400)
            assert not [value for value in page.headers.getlist("Set-Cookie") if "session=" in value and "Max-Age=0" not in value]
        assert scanner.get("/account").status_code == 303
    csrf = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(link.removeprefix("https://auth.example")).text)
    assert csrf
    done = browser.post("/sign-in/verify", data={"csrf_token": csrf[1], "code": token_of(link)})
    assert done.status_code == 303
    assert browser.get("/account").status_code == 200


def test_rs_09_the_page_of_a_link_tells_nobody_its_token(tower: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    target = somebody("email")
    browser, _ = open_page(tower, target)
    link = messages(tower, target)[-1].link
    page = browser.get(link.removeprefix("https://auth.example"))
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    assert {urlsplit(url).hostname for url in re.findall(r'(?:src|href|action)="(https?://[^"]+)"', page.text)} <= {"auth.example"}
    assert not [url for url in re.findall(r'(?:src|href|action)="([^"]+)"', page.text) if token_of(link) in url]
    assert token_of(link) not in caplog.text
    assert len(token_of(link)) >= 43
    assert token_of(link).encode() not in tower.dump()


def test_rs_09_a_link_sent_to_somebody_else_signs_neither_in(tower: House) -> None:
    """Whoever begins, and has the victim click, gets no session; nor does the victim end up in the attacker's account."""
    victim, attacker = somebody("email"), somebody("email")
    browser, _ = open_page(tower, victim)
    hers, _ = open_page(tower, attacker)
    link = messages(tower, victim)[-1].link
    page = hers.get(link.removeprefix("https://auth.example"))
    csrf = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert csrf
    refused = hers.post("/sign-in/verify", data={"csrf_token": csrf[1], "code": token_of(link)})
    assert refused.status_code == 401
    assert [one.get("/account").status_code for one in (browser, hers)] == [303, 303]


# ID-01, ID-05: one person a number


def test_id_01_however_a_number_is_typed_there_is_one_account(hall: House) -> None:
    target = somebody("phone")
    national = f"0{target[3:]}"
    forms = [target, target.replace("+", "00"), f"{target[:3]} (0){target[3:]}", f"{target[:3]} {target[3:7]} {target[7:]}"]
    forms += [target.translate({ord(char): chr(ord(char) + 0xFEE0) for char in "0123456789"})]
    found = set()
    for number, form in enumerate([*forms, national]):
        hall.clock.advance(minutes=16)
        country = {"country": "GB"} if form == national else {}
        begun = hall.post(f"/{('sign-in', 'sign-up')[number % 2]}/phone", {"phone_number": form, **country})
        done = finish(hall, begun.json["challenge"]["id"], code_to(hall, target))
        found.add(done.json["user"]["id"])
        assert done.json["user"]["phone_number"] == target
    assert len(found) == 1


@pytest.mark.parametrize("way", FIELD)
def test_id_05_fifty_sign_ups_at_once_make_one_account(hall: House, way: str, at_once: Any) -> None:
    target = somebody(way)
    before = hall.rows()
    begun = at_once([lambda: begin(hall, way, target, wish="sign-up") for _ in range(50)])
    assert {answer.status_code for answer in begun} == {202, 429}
    assert len(messages(hall, target)) == 3
    hall.clock.advance(minutes=16)
    tries = []
    for _ in range(3):
        challenge = begin(hall, way, target, wish="sign-up").json["challenge"]["id"]
        tries += [(challenge, code_to(hall, target))] * 17
    answers = at_once([lambda one=one: finish(hall, *one) for one in tries])
    assert {answer.status_code for answer in answers} <= {200, 201, 401, 409, 429}
    after = hall.rows()
    assert [after[kind] - before[kind] for kind in ("users", "login_keys")] == [1, 1]
