"""RS: attacks on the way back to an account: on its links and codes, on what it leaves open, and on those who only look."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from authenticator.flows import recovery
from authenticator.flows.accounts import NewPerson
from authenticator.models import Contact, Device, LoginKey, Status
from tests.attack.test_enumeration import address, prepare, seen

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.test import TestResponse

    from authenticator.kit import Message
    from tests.attack.conftest import House, Person

NEW = "nine herons on a quiet river"


def forgot(house: House, who: str, **more: Any) -> TestResponse:
    return house.post("/password/forgot", {"email": who}, **more)


def reset(house: House, password: str = NEW, **by: str) -> TestResponse:
    return house.post("/password/reset", {"new_password": password, **by})


def mail_of(house: House, person: Person) -> Message:
    """The mail of a reset that was asked for now."""
    house.service.core.store.forgive([f"message:{person.email}"])
    before = len(house.mail_to(person.email))
    assert forgot(house, person.email).status_code == 202
    mails = house.mail_to(person.email)[before:]
    assert len(mails) == 1
    return mails[0]


def token_in(mail: Message) -> str:
    found = re.search(r"/reset-password\?token=([\w.-]+)$", mail.link)
    assert found, mail.link
    return found[1]


# RS-01: where the link leads

POISON = [
    {"Host": "evil.example"}, {"Host": "auth.example.evil.example"}, {"Host": "auth.example@evil.example"}, {"Host": "auth.example:8443"},
    {"X-Forwarded-Host": "evil.example"}, {"X-Forwarded-Proto": "http"}, {"X-Forwarded-Port": "8443"}, {"X-Forwarded-Server": "evil.example"},
    {"Forwarded": "host=evil.example;proto=http"}, {"Origin": "https://evil.example"}, {"X-Host": "evil.example"}, {"X-Original-URL": "https://evil.example/"},
    {"Referer": "https://evil.example/"}, {"X-Forwarded-For": "evil.example", "X-Forwarded-Host": "evil.example"},
]  # fmt: skip


@pytest.mark.parametrize("headers", POISON, ids=lambda headers: " ".join(f"{name}={value}" for name, value in headers.items()))
def test_rs_01_no_header_moves_the_link_of_a_reset(manor: House, headers: dict[str, str]) -> None:
    person = manor.sign_up()
    before = len(manor.mail_to(person.email))
    answer = forgot(manor, person.email, headers=headers)
    mails = manor.mail_to(person.email)[before:]
    assert (answer.status_code, len(mails)) in ((202, 1), (400, 0))
    for mail in mails:
        assert mail.link.startswith("https://auth.example/reset-password?token=")
        assert "evil" not in mail.text + mail.html + mail.subject
        assert "8443" not in mail.text


def test_rs_01_a_whole_address_as_the_request_line_moves_no_link(manor: House) -> None:
    person = manor.sign_up()
    visitor = manor.visitor()
    answer = visitor.post("/api/v1/password/forgot", json={"email": person.email}, base_url="https://evil.example")
    mails = [mail for mail in manor.mail_to(person.email) if "/reset-password" in mail.link]
    assert answer.status_code in (202, 400)
    assert all(mail.link.startswith("https://auth.example/") for mail in mails)


def test_rs_01_no_header_moves_the_link_of_an_invitation(manor: House) -> None:
    user = manor.service.create_user(NewPerson(email=address()), by="operator", invite=True)
    (mail,) = manor.mail_to(user.contacts[0].value)
    assert mail.link.startswith("https://auth.example/reset-password?token=")


# RS-02: the links and codes themselves


def test_rs_02_links_are_long_random_and_never_kept(house: House) -> None:
    person = house.sign_up()
    tokens = [token_in(mail_of(house, person)) for _ in range(6)]
    secrets = [token.partition(".")[2] for token in tokens]
    assert len(set(secrets)) == len(secrets)
    assert all(len(secret) >= 43 for secret in secrets)  # 256 bits in base64
    code = house.mail_to(person.email)[-1].code
    assert len(code) == 6
    dump = house.dump()
    assert all(secret.encode() not in dump for secret in secrets)


def test_rs_02_what_is_kept_of_a_link_and_a_code_is_neither_of_them(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even who holds the keys of the database reads a link in it."""
    person, kept = house.sign_up(), []
    store = house.service.core.store
    issue = store.issue_ticket
    monkeypatch.setattr(store, "issue_ticket", lambda *a, **more: kept.append(repr(a)) or issue(*a, **more))
    mail = mail_of(house, person)
    assert kept
    for secret in (token_in(mail), token_in(mail).partition(".")[2], mail.code):
        assert not any(f"'{secret}'" in facts for facts in kept)


def test_rs_02_only_the_newest_works_and_once(house: House) -> None:
    person = house.sign_up()
    first, second = mail_of(house, person), mail_of(house, person)
    assert reset(house, token=token_in(first)).json["code"] == "invalid_link"
    if first.code != second.code:
        assert reset(house, email=person.email, code=first.code).json["code"] == "invalid_code"
    assert reset(house, token=token_in(second)).status_code == 204
    assert reset(house, token=token_in(second)).json["code"] == "invalid_link"
    assert reset(house, email=person.email, code=second.code).json["code"] == "invalid_code"


def test_rs_02_a_link_lives_half_an_hour_and_a_code_five_minutes(house: House) -> None:
    person = house.sign_up()
    mail = mail_of(house, person)
    house.clock.advance(minutes=5, seconds=1)
    assert reset(house, email=person.email, code=mail.code).json["code"] == "invalid_code"
    house.clock.advance(minutes=25)
    answer = reset(house, token=token_in(mail))
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_link")


@pytest.mark.parametrize("how", ["password", "address", "suspended"])
def test_rs_02_a_link_dies_with_what_it_was_sent_for(house: House, how: str) -> None:
    """After the password or the address changed, an old mail opens nothing."""
    person = house.sign_up()
    token = token_in(mail_of(house, person))
    store = house.service.core.store
    if how == "password":
        body = {"current_password": person.password, "new_password": "four owls over the mill"}
        assert house.post("/me/password", body, headers=house.sign_in(person).bearer).status_code == 204
    elif how == "suspended":
        house.suspend(person)
    else:
        from dataclasses import replace

        user = house.service.find_user(person.id)
        other = Contact("77", "email", f"new-{person.email}", f"new-{person.email}", house.clock.now(), primary=True)
        assert store.save_user(replace(user, contacts=(other,)))
    assert reset(house, token=token).json["code"] == "invalid_link"
    assert house.visitor().get(f"/reset-password?token={token}").status_code == 400


def test_rs_02_a_code_is_not_guessed(house: House) -> None:
    person = house.sign_up()
    mail = mail_of(house, person)
    wrong = "111111" if mail.code == "000000" else "000000"
    tries = [reset(house, email=person.email, code=wrong).json["code"] for _ in range(5)]
    assert tries == ["invalid_code"] * 5
    assert reset(house, email=person.email, code=mail.code).json["code"] == "invalid_code"
    assert house.try_password(person.email, NEW).status_code == 401
    assert reset(house, token=token_in(mail)).status_code == 204  # her link is none the worse for it


def test_rs_02_new_codes_do_not_mean_new_guesses_for_ever(house: House) -> None:
    person = house.sign_up()
    answers: list[str] = []
    for _ in range(5):
        mail = mail_of(house, person)
        wrong = "111111" if mail.code == "000000" else "000000"
        answers += [reset(house, email=person.email, code=wrong).json["code"] for _ in range(5)]
    assert answers == ["invalid_code"] * 20 + ["rate_limited"] * 5


def test_rs_02_one_code_opens_one_account_only(house: House) -> None:
    ada, eve = house.sign_up(), house.sign_up()
    mail_of(house, ada)
    hers = mail_of(house, eve)
    answer = reset(house, email=ada.email, code=hers.code)
    assert answer.json["code"] == "invalid_code"
    assert house.try_password(ada.email, ada.password).status_code == 200


def test_rs_02_of_many_who_spend_one_link_at_once_one_wins(house: House, at_once: Callable[..., list[Any]]) -> None:
    person = house.sign_up()
    token = token_in(mail_of(house, person))
    answers = at_once(
        [lambda number=number: reset(house, f"{number} herons on a quiet river", token=token).status_code for number in range(4)]
    )
    assert sorted(answers) == [204, 400, 400, 400]


# RS-05: what a reset leaves open


def test_rs_05_a_reset_signs_nobody_in_and_everybody_out(house: House) -> None:
    """ASVS 5.0 6.4.3, 7.4.3."""
    person = house.sign_up()
    inside, other = house.browser_of(person), house.sign_in(person)
    mail = mail_of(house, person)
    visitor = house.visitor()
    page = f"/reset-password?token={token_in(mail)}"
    done = visitor.send_form("/reset-password", {"token": token_in(mail), "new_password": NEW}, page=page)
    assert done.status_code == 303
    assert "session" not in " ".join(cookie.partition("=")[0] for cookie in done.headers.getlist("Set-Cookie"))
    assert visitor.get("/account").status_code == 303
    assert inside.get("/account").status_code == 303
    for tokens in (person, other):
        assert house.get("/me", tokens.access).status_code == 401
        assert house.refresh(tokens.refresh).status_code == 401
    assert house.try_password(person.email, person.password).status_code == 401
    told = house.mail_to(person.email)[-1]
    assert "password was changed" in told.subject


def test_rs_05_the_answer_of_a_reset_holds_no_token(house: House) -> None:
    person = house.sign_up()
    answer = reset(house, token=token_in(mail_of(house, person)))
    assert (answer.status_code, answer.data, answer.headers.getlist("Set-Cookie")) == (204, b"", [])


def test_rs_05_a_reset_keeps_the_second_step_and_trusts_no_browser(house: House) -> None:
    from dataclasses import replace

    person = house.sign_up()
    store, now = house.service.core.store, house.clock.now()
    user = house.service.find_user(person.id)
    trusted = Device("m" * 64, now, now + timedelta(days=30), "Firefox")
    assert store.save_user(replace(user, factors=("totp",), devices=(*user.devices, trusted)))
    assert reset(house, token=token_in(mail_of(house, person))).status_code == 204
    after = house.service.find_user(person.id)
    assert after.factors == ("totp",)
    assert all(device.trusted_until is None for device in after.devices)


def test_rs_05_a_reset_ends_what_a_thief_began_and_tells_every_address(house: House) -> None:
    from dataclasses import replace

    from authenticator.flows import contacts, onetime

    person = house.sign_up()
    core = house.service.core
    user = house.service.find_user(person.id)
    second = f"second-{person.email}"
    pending = Contact("88", "email", f"thief-{person.email}", f"thief-{person.email}")
    proved = Contact("89", "email", second, second, house.clock.now())
    core.store.add_login_key(user.id, _claim(second), house.clock.now())
    assert core.store.save_user(replace(user, contacts=(*user.contacts, proved, pending)))
    waiting = onetime.issue(
        core, contacts.PROVE, f"{user.id}:88", {"user_id": user.id, "contact_id": "88", "value": pending.value, "taken": False}, 86_400
    )
    invited = onetime.issue(core, recovery.INVITE, user.id, {"user_id": user.id, "contact_id": "89", "value": second}, 86_400)
    assert reset(house, token=token_in(mail_of(house, person))).status_code == 204
    assert pending.value not in [one.value for one in house.service.find_user(person.id).contacts]
    assert house.post("/verify", {"token": waiting.link_token}).status_code == 400
    assert reset(house, token=invited.link_token).status_code == 400
    for email in (person.email, second):
        assert "password was changed" in house.mail_to(email)[-1].subject


def _claim(email: str) -> Any:
    from authenticator.models import NewKey

    return NewKey(LoginKey("email", email), email, way_in=False)


def test_rs_05_a_password_that_must_be_chosen_anew_opens_nothing_before(house: House) -> None:
    person = house.sign_up()
    house.service.require_reset(house.service.find_user(person.id), by="operator")
    assert house.try_password(person.email, person.password).json["code"] == "reset_required"
    assert house.get("/me", person.access).status_code == 401
    mail = house.mail_to(person.email)[-1]
    assert not mail.code
    assert NEW not in mail.text
    assert reset(house, token=token_in(mail)).status_code == 204
    assert house.try_password(person.email, NEW).status_code == 200


# RS-09: scanners, and leaks on the way


def test_rs_09_looking_at_a_link_spends_nothing(house: House) -> None:
    person = house.sign_up()
    token = token_in(mail_of(house, person))
    scanner = house.visitor()
    for method in ("GET", "HEAD", "GET", "OPTIONS", "GET"):
        assert scanner.open(f"/reset-password?token={token}", method=method).status_code == 200
    assert house.try_password(person.email, person.password).status_code == 200
    assert reset(house, token=token).status_code == 204


def test_rs_09_a_link_is_spent_by_our_own_form_only(house: House) -> None:
    person = house.sign_up()
    token = token_in(mail_of(house, person))
    bare = house.visitor().post("/reset-password", data={"token": token, "new_password": NEW})
    assert bare.status_code == 403
    query = house.visitor().get(f"/reset-password?token={token}&new_password={NEW}")
    assert query.status_code == 200
    assert house.try_password(person.email, NEW).status_code == 401


def test_rs_09_the_page_of_a_link_tells_nobody_else(house: House) -> None:
    person = house.sign_up()
    token = token_in(mail_of(house, person))
    page = house.visitor().get(f"/reset-password?token={token}")
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert not re.findall(r'(?:src|href|action)="(?:https?:)?//[^"]*"', page.text)
    assert not re.findall(rf'(?:src|href|action)="[^"]*{re.escape(token)}', page.text)
    assert "<script" not in page.text


def test_rs_09_no_log_holds_the_link_or_the_code(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    person = house.sign_up()
    mail = mail_of(house, person)
    token = token_in(mail)
    house.visitor().get(f"/reset-password?token={token}")
    reset(house, "short", token=token)
    reset(house, token=token)
    reset(house, token=token)
    said = caplog.text
    for secret in (token, token.partition(".")[2], NEW, person.email):
        assert secret not in said
    assert not re.search(rf"\b{mail.code}\b", said)


# EN-01: who has an account


@pytest.mark.parametrize("state", ["wrong", "suspended", "social_only", "unverified", "closed"])
@pytest.mark.parametrize("door", ["json", "html"])
def test_en_01_asking_for_a_new_password_answers_the_same_for_every_account(house: House, door: str, state: str) -> None:
    """ASVS 5.0 6.3.8."""
    answers = []
    for email in (address(), _prepared(house, state)):
        house.service.core.store.forgive([f"message:{email}"])
        if door == "json":
            answers.append([seen(forgot(house, email), email), seen(reset(house, email=email, code="000000"), email)])
            continue
        page = house.visitor()
        sent = page.send_form("/forgot-password", {"email": email}, page="/forgot-password")
        shown = page.get("/reset-password?sent=1")
        wrong = page.send_form("/reset-password", {"email": email, "code": "000000", "new_password": NEW}, page="/reset-password?sent=1")
        answers.append([seen(sent, email), seen(shown, email), seen(wrong, email)])
    assert answers[0][0][0] in (202, 303)
    assert answers[0][-1][0] == 401
    assert answers[0] == answers[1]


def _prepared(house: House, state: str) -> str:
    if state != "closed":
        return prepare(house, state)[0]
    person = house.sign_up(address())
    house.service.change_status(house.service.find_user(person.id), Status.CLOSED, why="attack test", by="operator")
    return person.email


@pytest.mark.parametrize("state", ["wrong", "suspended", "social_only"])
def test_en_01_asking_for_a_new_password_costs_the_same_work(house: House, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the clock is compared but the trips to the store, and the letter that is written."""
    work: list[str] = []
    store = house.service.core.store
    for verb in ("owners", "user_by_id", "count_attempts", "issue_ticket", "append_event", "read_ticket", "take_ticket"):
        real = getattr(store, verb)
        monkeypatch.setattr(store, verb, lambda *a, real=real, verb=verb, **more: work.append(verb) or real(*a, **more))
    letters = type(house.service.core.letters)
    write = letters.write
    monkeypatch.setattr(letters, "write", lambda *a, **more: work.append("letter") or write(*a, **more))
    unknown, known = address(), prepare(house, state)[0]
    house.service.core.messages.flush()
    spent = []
    for email in (unknown, known):
        store.forgive([f"message:{email}"])
        work.clear()
        forgot(house, email)
        reset(house, email=email, code="000000")
        spent.append(sorted(work))  # a letter to nobody is written a moment later
    assert "letter" in spent[0]
    assert spent[0] == spent[1]


def test_en_01_the_limit_on_resets_is_the_same_for_every_account(house: House) -> None:
    known = house.sign_up(address()).email
    house.service.core.store.forgive([f"message:{known}"])
    answers = [[forgot(house, email).status_code for _ in range(5)] for email in (address(), known)]
    assert answers == [[202, 202, 202, 429, 429]] * 2
