"""EN-03, RS-07, RS-10, ID-01, ID-04, ID-05, ID-07: addresses, numbers and user names that are somebody else's, or pretend to be."""

from __future__ import annotations

import itertools
import re
import secrets
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from authenticator.errors import AuthError
from authenticator.flows import contacts, usernames
from authenticator.models import Client, LoginKey

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from authenticator.kit import Message
    from tests.attack.conftest import House, Person, Visitor

RACERS = 50
numbers = itertools.count(100_000)


def address() -> str:
    return f"{secrets.token_hex(6)}@example.com"


def number() -> str:
    return f"+447400{next(numbers):06d}"


def call(house: House, person: Person, method: str, path: str, body: Any = None) -> TestResponse:
    return house.visitor().open(f"/api/v1/me/{path}", method=method, json=body, headers=person.bearer)


def add(house: House, person: Person, email: str) -> TestResponse:
    return call(house, person, "POST", "emails", {"email": email})


def to(house: House, target: str) -> list[Message]:
    house.service.core.messages.flush()
    return [message for message in house.sink.sent if message.to == target]


def prove(house: House, person: Person, email: str) -> str:
    contact = add(house, person, email).json["id"]
    done = call(house, person, "POST", f"emails/{contact}/verify", {"code": to(house, email)[-1].code})
    assert done.status_code == 200, done.text
    return str(contact)


def listed(house: House, person: Person) -> dict[str, bool]:
    found = house.service.find_user(person.id)
    return {contact.value: bool(contact.proved_at) for contact in found.contacts}


def seen(answer: TestResponse, typed: str) -> tuple[Any, ...]:
    """All that the asker sees, but ids, dates and what he typed himself."""
    body = re.sub(r'"id": "\d+"', '"id": ""', answer.text.replace(typed, "<typed>"))
    return answer.status_code, sorted((name, value) for name, value in answer.headers if name != "Date"), body


# EN-03


def test_en_03_adding_somebody_elses_address_looks_like_adding_a_free_one(house: House) -> None:
    ada, eve = house.sign_up(), house.sign_up()
    free = address()
    taken = house.sign_up(address()).email
    assert seen(add(house, eve, free), free) == seen(add(house, eve, taken), taken)
    (notice,) = to(house, taken)[-1:]
    assert (notice.code, "token=" in notice.link) == ("", False)
    assert to(house, free)[-1].code
    for email in (free, taken):
        contact = next(one.id for one in house.service.find_user(eve.id).contacts if one.value == email)
        wrong = call(house, eve, "POST", f"emails/{contact}/verify", {"code": "12345x"})
        assert (wrong.status_code, wrong.json["code"]) == (401, "invalid_code")
        again = call(house, eve, "POST", f"emails/{contact}/verify", {})
        assert (again.status_code, again.text) == (202, "{}")
    assert not any(message.code for message in to(house, taken)[-2:])
    assert ada.email not in listed(house, eve)


def test_en_03_not_even_the_code_that_was_drawn_proves_somebody_elses_address(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, eve = house.sign_up(), house.sign_up()
    monkeypatch.setattr("authenticator.flows.onetime.random_code", lambda: "424242")
    contact = add(house, eve, owner.email).json["id"]
    answer = call(house, eve, "POST", f"emails/{contact}/verify", {"code": "424242"})
    assert (answer.status_code, answer.json["code"]) == (401, "invalid_code")
    assert listed(house, eve)[owner.email] is False
    assert house.service.find_user(owner.email).id == owner.id


def test_en_03_the_answer_is_the_same_while_the_mail_server_is_away(house: House) -> None:
    eve = house.sign_up()
    up, down = address(), address()
    before = seen(add(house, eve, up), up)
    house.sink.broken = True
    try:
        assert seen(add(house, eve, down), down) == before
    finally:
        house.sink.broken = False


def test_en_03_the_owner_of_a_taken_number_is_told_and_its_adder_is_not(house: House) -> None:
    owner, eve = house.sign_up(), house.sign_up()
    taken, free = number(), number()
    mine = call(house, owner, "POST", "phones", {"phone_number": taken}).json["id"]
    assert call(house, owner, "POST", f"phones/{mine}/verify", {"code": to(house, taken)[-1].code}).status_code == 200
    answers = [seen(call(house, eve, "POST", "phones", {"phone_number": one}), one) for one in (free, taken)]
    assert answers[0] == answers[1]
    assert (to(house, taken)[-1].code, bool(to(house, free)[-1].code)) == ("", True)


def test_messages_to_one_address_and_from_one_client_are_bounded(manor: House) -> None:
    """OWASP Forgot Password Cheat Sheet; in production, where this machine has no more tries than others."""
    eve = manor.sign_up()
    victim = address()
    contact = add(manor, eve, victim).json["id"]
    codes = [call(manor, eve, "POST", f"emails/{contact}/verify", {}).status_code for _ in range(3)]
    assert codes == [202, 202, 429]
    assert len(to(manor, victim)) == 3
    one = manor.visitor("203.0.113.77")
    answers = [one.post("/api/v1/me/emails", json={"email": address()}, headers=eve.bearer) for _ in range(8)]
    assert {answer.status_code for answer in answers} == {201}
    more = manor.sign_up()
    answers = [one.post("/api/v1/me/emails", json={"email": address()}, headers=more.bearer) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert int(answers[2].headers["Retry-After"]) > 0


def test_a_code_is_not_found_by_trying(house: House) -> None:
    eve = house.sign_up()
    contacts_of_eve = []
    for _ in range(5):
        email = address()
        contacts_of_eve.append((add(house, eve, email).json["id"], to(house, email)[-1].code))
    tries = Counter()
    for contact, right in contacts_of_eve:
        for step in range(1, 7):
            guess = f"{(int(right) + step) % 10**6:06d}"
            tries[call(house, eve, "POST", f"emails/{contact}/verify", {"code": guess}).status_code] += 1
    assert tries == {401: 20, 429: 10}, "twenty an hour for all of them"
    first, right = contacts_of_eve[0]
    house.service.core.store.forgive([f"contact-codes:{eve.id}"])
    assert call(house, eve, "POST", f"emails/{first}/verify", {"code": right}).status_code == 401, "five tries have used it up"


# RS-07


def test_rs_07_a_stale_session_adds_and_removes_nothing(build: Any) -> None:
    house = build()
    ada = house.sign_up()
    browser = house.browser_of(ada)
    house.clock.advance(minutes=6)
    stale = house.refresh(ada.refresh).json["access_token"]
    new = address()
    bearer = {"Authorization": f"Bearer {stale}"}
    answer = house.visitor().post("/api/v1/me/emails", json={"email": new}, headers=bearer)
    assert (answer.status_code, answer.json["code"]) == (403, "step_up_required")
    page = browser.send_form("/account/emails", {"email": new}, page="/account/emails")
    assert page.status_code == 403
    own = house.service.find_user(ada.id).contacts[0].id
    assert house.visitor().delete(f"/api/v1/me/emails/{own}", headers=bearer).status_code == 403
    assert (listed(house, ada), to(house, new)) == ({ada.email: True}, [])


def test_rs_07_the_new_address_counts_for_nothing_until_proved_and_the_old_one_keeps_working(house: House) -> None:
    ada = house.sign_up()
    new = address()
    add(house, ada, new)
    me = house.get("/me", ada.access).json
    assert (me["email"], me["email_verified"]) == (ada.email, True)
    assert house.try_password(new, ada.password).status_code == 401
    assert house.try_password(ada.email, ada.password).status_code == 200
    other = house.sign_up(new)
    assert other.id != ada.id, "a pending address keeps nobody else away"


def test_rs_07_the_old_addresses_are_warned_and_their_link_undoes_it(house: House) -> None:
    ada = house.sign_up()
    second = address()
    prove(house, ada, second)
    thief = house.browser_of(ada)
    new = address()
    contact = prove(house, ada, new)
    links = {message.link for email in (ada.email, second) for message in to(house, email)[-1:]}
    assert len(links) == 1, "both are warned with the same link"
    link = links.pop()
    assert "/cancel-change?token=" in link
    owner = house.visitor()
    path = link.removeprefix("http://localhost")
    for _ in range(3):
        assert owner.get(path).status_code == 200
    assert listed(house, ada)[new] is True, "to look changes nothing"
    assert owner.send_form("/cancel-change", {"token": link.partition("token=")[2]}, page=path).status_code == 303
    assert new not in listed(house, ada)
    assert house.service.core.store.owners([LoginKey("email", new)]) == {}
    assert thief.get("/account").status_code == 303
    assert house.refresh(ada.refresh).status_code == 401
    assert call(house, ada, "POST", f"emails/{contact}/verify", {"code": "123456"}).status_code == 401
    assert owner.send_form("/cancel-change", {"token": link.partition("token=")[2]}).status_code == 400


def test_rs_07_a_cancelled_address_cannot_be_proved_by_the_code_that_went_to_it(house: House) -> None:
    ada = house.sign_up()
    new = address()
    contact = add(house, ada, new).json["id"]
    warning = to(house, ada.email)[-1].link.partition("token=")[2]
    message = to(house, new)[-1]
    house.service.cancel_contact(warning, None, Client())
    again = house.sign_in(ada)
    assert call(house, again, "POST", f"emails/{contact}/verify", {"code": message.code}).status_code == 404
    assert house.post("/verify", {"token": message.link.partition("token=")[2]}).json["code"] == "invalid_link"
    assert list(listed(house, ada)) == [ada.email]


def test_rs_07_an_address_that_goes_is_told(house: House) -> None:
    ada = house.sign_up()
    contact = prove(house, ada, address())
    own = house.service.find_user(ada.id).contacts[0].id
    before = len(to(house, ada.email))
    assert call(house, ada, "PATCH", f"emails/{contact}", {"primary": True}).status_code == 200
    assert call(house, ada, "DELETE", f"emails/{own}").status_code == 204
    told = to(house, ada.email)[before:]
    assert ["main address" in message.subject or "removed" in message.subject for message in told] == [True, True]


# RS-10


def test_rs_10_a_link_proves_nothing_for_whoever_else_is_signed_in(house: House) -> None:
    ada, eve = house.sign_up(), house.sign_up()
    new = address()
    add(house, ada, new)
    token = to(house, new)[-1].link.partition("token=")[2]
    browser = house.browser_of(eve)
    page = browser.get(f"/verify-email?token={token}")
    assert page.status_code == 200
    answer = browser.send_form("/verify-email", {"token": token}, page="/account/emails")
    assert answer.status_code == 403
    refused = house.visitor().post("/api/v1/verify", json={"token": token}, headers=eve.bearer)
    assert refused.status_code == 403
    assert (listed(house, ada)[new], new in listed(house, eve)) == (False, False)
    assert house.post("/verify", {"token": token}).status_code == 204, "a refusal spends nothing"
    assert (listed(house, ada)[new], new in listed(house, eve)) == (True, False)


def test_rs_10_a_code_or_link_fits_its_own_address_purpose_and_account_only(house: House) -> None:
    ada, eve = house.sign_up(), house.sign_up()
    one, other = address(), address()
    first, second = (add(house, ada, email).json["id"] for email in (one, other))
    hers = add(house, eve, address()).json["id"]
    code = to(house, one)[-1].code
    for person, contact in ((ada, second), (eve, hers)):
        if to(house, next(c.value for c in house.service.find_user(person.id).contacts if c.id == contact))[-1].code != code:
            assert call(house, person, "POST", f"emails/{contact}/verify", {"code": code}).status_code == 401
    assert call(house, eve, "POST", f"emails/{first}/verify", {"code": code}).status_code == 404
    assert call(house, ada, "POST", f"phones/{first}/verify", {"code": code}).status_code == 404
    token = to(house, one)[-1].link.partition("token=")[2]
    cancelling = to(house, ada.email)[-1].link.partition("token=")[2]
    assert house.post("/verify", {"token": cancelling}).json["code"] == "invalid_link"
    browser = house.visitor()
    assert browser.send_form("/cancel-change", {"token": token}).status_code == 400
    for guess in ("", ".", f"{token}x", token[:-1], token.partition(".")[0], f"{token.partition('.')[0]}.{cancelling.partition('.')[2]}"):
        assert house.post("/verify", {"token": guess}).json["code"] == "invalid_link", guess
    assert call(house, ada, "POST", f"emails/{first}/verify", {"code": code}).status_code == 200


def test_rs_10_a_link_outlives_neither_its_day_nor_its_address_nor_a_suspension(build: Any) -> None:
    house = build()
    ada, eve = house.sign_up(), house.sign_up()
    late, gone, held = address(), address(), address()
    removed = add(house, ada, gone).json["id"]
    assert call(house, ada, "DELETE", f"emails/{removed}").status_code == 204
    add(house, ada, late)
    add(house, eve, held)
    house.suspend(eve)
    tokens = {email: to(house, email)[-1].link.partition("token=")[2] for email in (late, gone, held)}
    assert house.post("/verify", {"token": tokens[gone]}).json["code"] == "invalid_link"
    assert house.post("/verify", {"token": tokens[held]}).json["code"] == "invalid_link"
    house.clock.advance(hours=24, minutes=1)
    assert house.post("/verify", {"token": tokens[late]}).json["code"] == "invalid_link"


def test_a_link_is_spent_by_a_post_of_our_own_page_only(house: House) -> None:
    ada = house.sign_up()
    new = address()
    add(house, ada, new)
    token = to(house, new)[-1].link.partition("token=")[2]
    browser = house.visitor()
    for method in ("GET", "HEAD"):
        answer = browser.open(f"/verify-email?token={token}", method=method)
        assert (answer.status_code, answer.headers["Referrer-Policy"]) == (200, "no-referrer")
    assert browser.post("/verify-email", data={"token": token}).status_code == 403
    assert browser.post(f"/verify-email?token={token}").status_code == 403
    assert not re.findall(r'(?:src|href|action)="(?:https?:)?//(?!localhost)', browser.get(f"/verify-email?token={token}").text)
    assert listed(house, ada)[new] is False


# Somebody else's contacts


def test_id_07_the_ids_of_anothers_addresses_open_nothing(house: House) -> None:
    ada, eve = house.sign_up(), house.sign_up()
    theirs = house.service.find_user(ada.id).contacts[0].id
    for guess in (theirs, str(int(theirs) + 1), "0", "x" * 300):
        for method, path, body in (
            ("PATCH", f"emails/{guess}", {"primary": True}),
            ("DELETE", f"emails/{guess}", None),
            ("POST", f"emails/{guess}/verify", {"code": "123456"}),
            ("POST", f"emails/{guess}/verify", {}),
        ):
            assert call(house, eve, method, path, body).status_code == 404, (method, path)
    browser: Visitor = house.browser_of(eve)
    for path in ("verify", "resend", "primary", "remove"):
        assert browser.send_form(f"/account/emails/{theirs}/{path}", {"code": "123456"}, page="/account/emails").status_code == 404
        assert browser.post(f"/account/emails/{theirs}/{path}").status_code == 403, "without our form's token"
    assert listed(house, ada) == {ada.email: True}


# ID-01, ID-04: twins


def test_id_01_an_address_in_other_letters_or_a_number_in_another_form_is_the_same_one(house: House) -> None:
    owner, eve = house.sign_up(), house.sign_up()
    tag = secrets.token_hex(4)
    prove(house, owner, f"twin{tag}@example.com")
    house.service.core.store.forgive([f"message:twin{tag}@example.com"])
    contact = add(house, eve, f"TWIN{tag}@EXAMPLE.com").json
    assert contact["value"] == f"twin{tag}@example.com"
    assert to(house, f"twin{tag}@example.com")[-1].code == ""
    national = number()
    forms = (national, f"00{national[1:]}", f"{national[:3]} ({national[3:7]}) {national[7:]}")
    ids = {call(house, eve, "POST", "phones", {"phone_number": form}).json.get("id") for form in forms}
    assert None not in ids
    assert len(ids) == 1


def test_id_04_the_two_forms_of_an_international_domain_are_one_address_and_accents_make_two(house: House) -> None:
    owner = house.sign_up()
    tag = secrets.token_hex(4)
    prove(house, owner, f"ida{tag}@xn--bcher-kva.example")
    eve = house.sign_up()
    assert add(house, eve, f"ida{tag}@bücher.example").json["value"] == f"ida{tag}@xn--bcher-kva.example"
    assert to(house, f"ida{tag}@xn--bcher-kva.example")[-1].code == ""
    assert add(house, eve, f"ida{tag}@bucher.example").json["value"] == f"ida{tag}@bucher.example"
    assert to(house, f"ida{tag}@bucher.example")[-1].code


# ID-05: races


def test_id_05_fifty_people_prove_one_address_at_once_and_one_of_them_gets_it(house: House, at_once: Any) -> None:
    email = address()
    people = [house.sign_up() for _ in range(RACERS)]
    held = []
    for person in people:
        house.service.core.store.forgive([f"message:{email}"])
        held.append((person, add(house, person, email).json["id"], to(house, email)[-1].code))
    answers = at_once([lambda one=one: call(house, one[0], "POST", f"emails/{one[1]}/verify", {"code": one[2]}) for one in held])
    assert Counter((answer.status_code, answer.json.get("code")) for answer in answers) == {
        (200, None): 1,
        (409, "email_taken"): RACERS - 1,
    }
    owner = house.service.find_user(email).id
    assert [listed(house, person)[email] for person in people].count(True) == 1
    winner = next(person for person in people if listed(house, person)[email])
    assert winner.id == owner


def test_id_05_fifty_people_take_one_user_name_at_once_and_one_of_them_gets_it(house: House, at_once: Any) -> None:
    name = f"Racer{secrets.token_hex(4)}"
    people = [house.service.signed_by_session(house.sign_up().session) for _ in range(RACERS)]

    def take(signed: Any) -> str:
        try:
            return usernames.change(house.service.core, signed, name, Client()).username
        except AuthError as error:
            return error.code

    assert Counter(at_once([lambda one=one: take(one) for one in people])) == {name: 1, "username_taken": RACERS - 1}
    winners = [one.user.id for one in people if house.service.find_user(one.user.id).username == name]
    assert house.service.core.store.owners([LoginKey("username", name.lower())]) == {LoginKey("username", name.lower()): winners[0]}


def test_id_05_two_addresses_removed_at_once_leave_one(house: House, at_once: Any) -> None:
    ada = house.sign_up()
    prove(house, ada, address())
    ids = [contact.id for contact in house.service.find_user(ada.id).contacts]
    answers = at_once([lambda one=one: call(house, ada, "DELETE", f"emails/{one}") for one in ids])
    assert sorted(answer.status_code for answer in answers) == [204, 409]
    left = [email for email, proved in listed(house, ada).items() if proved]
    assert left
    assert house.try_password(left[0], ada.password).status_code == 200


def test_a_claim_that_a_crash_left_alone_is_healed_by_the_next_proof(house: House) -> None:
    ada = house.sign_up()
    new = address()
    user = house.service.find_user(ada.id)
    contacts.claims.claim(house.service.core, user, LoginKey("email", new), new)
    assert new not in listed(house, ada)
    contact = prove(house, ada, new)
    assert listed(house, ada)[new] is True
    assert call(house, ada, "DELETE", f"emails/{contact}").status_code == 204
    assert house.service.core.store.owners([LoginKey("email", new)]) == {}


def test_a_removal_that_a_crash_cut_short_is_seen_and_repeated(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = house.sign_up()
    new = address()
    contact = prove(house, ada, new)
    signed = house.service.signed_by_session(ada.session)
    assert signed

    def crash(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(contacts.claims, "release", crash)
        with pytest.raises(KeyboardInterrupt):
            house.service.remove_contact(signed, "email", contact, Client())
    assert listed(house, ada)[new] is False, "it must not vanish from her list while it still is hers"
    assert call(house, ada, "DELETE", f"emails/{contact}").status_code == 204
    assert (new in listed(house, ada), house.service.core.store.owners([LoginKey("email", new)])) == (False, {})


def test_a_thief_of_the_database_reads_no_pending_address_code_or_link(house: House) -> None:
    ada = house.sign_up()
    new, phone = address(), number()
    add(house, ada, new)
    call(house, ada, "POST", "phones", {"phone_number": phone})
    message, text = to(house, new)[-1], to(house, phone)[-1]
    dump = house.dump()
    for secret in (new, phone, phone[1:], message.link.partition("token=")[2], message.link.rpartition(".")[2]):
        assert secret.encode() not in dump
    assert (bool(message.code), bool(text.code)) == (True, True)


# ID-01, ID-07: user names

DECEPTIVE = {
    "zero-width": "ad\u200bmin1",
    "right-to-left override": "nimda\u202ex",
    "mixed alphabets": "p\u0430ypal",
    "Cyrillic that looks Latin": "\u0440\u0430\u0443\u0440\u0430",
    "dotless i": "adm\u0131n",
    "script g": "\u0261oogle",
    "address": "ada@example.com",
    "digits": "4915112345678",
    "NUL": "ada\x00x",
    "line break": "ada\nx",
    "blank": "ada x",
    "slash of another kind": "ada\u2044x",
}
RESERVED = ("admin", "ADMIN", "Root", "postmaster", "sup.port", "a-d-m-i-n", "ｒｏｏｔ", "web_master", "Authenticator", "no-reply")


@pytest.mark.parametrize("kind", DECEPTIVE)
def test_id_07_a_deceptive_user_name_is_nobodys(house: House, kind: str) -> None:
    signed = house.service.signed_by_session(house.sign_up().session)
    assert signed
    with pytest.raises(AuthError) as refused:
        usernames.change(house.service.core, signed, DECEPTIVE[kind], Client())
    assert (refused.value.code, list(refused.value.errors)) == ("validation_failed", ["username"])
    assert usernames.availability(house.service.core, DECEPTIVE[kind], Client(address="198.51.100.1")).reason == "invalid"


@pytest.mark.parametrize("name", RESERVED)
def test_id_07_a_reserved_user_name_is_nobodys(house: House, name: str) -> None:
    signed = house.service.signed_by_session(house.sign_up().session)
    assert signed
    with pytest.raises(AuthError, match="validation_failed"):
        usernames.change(house.service.core, signed, name, Client())
    assert usernames.availability(house.service.core, name, Client(address="198.51.100.2")).reason == "reserved"


def test_id_01_a_user_name_in_another_form_is_the_same_one(house: House) -> None:
    core = house.service.core
    ada, eve = (house.service.signed_by_session(house.sign_up().session) for _ in range(2))
    tag = secrets.token_hex(4)
    assert ada
    assert eve
    mine = usernames.change(core, ada, f"Ada.{tag}", Client())
    assert mine.username == f"Ada.{tag}", "kept as it was typed"
    for twin in (f"ada.{tag}", f"ADA.{tag.upper()}", f" ada.{tag} ", f"ＡＤＡ.{tag}"):
        with pytest.raises(AuthError, match="username_taken"):
            usernames.change(core, eve, twin, Client())
    other = usernames.change(core, eve, f"adá.{tag}", Client())
    assert other.username == f"adá.{tag}", "an accent makes another name, on every store"


def test_a_user_name_that_was_given_up_is_free_and_an_old_session_changes_none(house: House) -> None:
    core = house.service.core
    ada, eve = (house.service.signed_by_session(house.sign_up().session) for _ in range(2))
    tag = secrets.token_hex(4)
    assert ada
    assert eve
    usernames.change(core, ada, f"first{tag}", Client())
    ada = house.service.signed_by_session(ada.session.id)
    assert ada
    usernames.change(core, ada, f"second{tag}", Client())
    assert usernames.change(core, eve, f"first{tag}", Client()).username == f"first{tag}"
    ada = house.service.signed_by_session(ada.session.id)
    assert ada
    assert usernames.change(core, ada, "", Client()).username == ""
    assert core.store.owners([LoginKey("username", f"second{tag}")]) == {}


def test_questions_about_user_names_are_bounded(manor: House) -> None:
    one = manor.visitor("203.0.113.99")
    free = f"free{secrets.token_hex(4)}"
    assert one.get(f"/api/v1/usernames/{free}").json == {"username": free, "available": True}
    assert one.get("/api/v1/usernames/admin").json == {"username": "admin", "available": False, "reason": "reserved"}
    answers = [one.get(f"/api/v1/usernames/{free}{index}").status_code for index in range(19)]
    assert answers == [200] * 18 + [429]
    assert manor.visitor("203.0.113.98").get(f"/api/v1/usernames/{free}").status_code == 200
