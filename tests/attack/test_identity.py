"""ID: twins, look-alikes, races for one identity, and ids taken for secrets."""

from __future__ import annotations

import math
import secrets
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from authenticator.limits import Backoff

if TYPE_CHECKING:
    from tests.attack.conftest import House, Person

RACERS = 50


def test_id_01_an_address_in_other_letters_is_the_same_account(house: House) -> None:
    tag = secrets.token_hex(4)
    person = house.sign_up(f"casetwin{tag}@example.com")
    for twin in (f"CaseTwin{tag}@EXAMPLE.com", f"CASETWIN{tag}@example.COM", f" casetwin{tag}@example.com "):
        assert house.try_password(twin, person.password).status_code == 200, twin
        house.service.core.store.forgive([f"message:{person.email}"])
        before = len(house.mail_to(person.email))
        assert house.begin_sign_up(twin).status_code == 202
        notices = house.mail_to(person.email)[before:]
        assert [bool(notice.code) for notice in notices] == [False], "a code was sent for a twin of a taken address"


def test_id_01_the_address_is_shown_as_it_was_typed(house: House) -> None:
    email = f"Casing.Kept{secrets.token_hex(4)}@Example.com"
    challenge = house.begin_sign_up(email).json["challenge"]["id"]
    code = house.mail_to(email.lower())[-1].code
    done = house.post("/sign-in/continue", {"challenge": challenge, "code": code}).json
    contact = house.service.find_user(done["user"]["id"]).contact("email")
    assert contact
    assert (contact.value, contact.shown) == (email.lower(), email)


def test_id_01_twins_share_one_count_of_failures(house: House) -> None:
    tag = secrets.token_hex(4)
    tries = [house.try_password(spelling, "wrong password here") for spelling in [f"count{tag}@example.com", f"COUNT{tag}@Example.com"] * 4]
    assert [one.status_code for one in tries[:5]] == [401] * 5
    assert tries[-1].status_code == 429


def test_id_04_both_forms_of_an_international_domain_are_one_address(house: House) -> None:
    tag = secrets.token_hex(4)
    person = house.sign_up(f"ida{tag}@xn--bcher-kva.example")
    for spelling in (f"ida{tag}@bücher.example", f"ida{tag}@BÜCHER.example", f"IDA{tag}@XN--BCHER-KVA.EXAMPLE"):
        assert house.try_password(spelling, person.password).status_code == 200, spelling


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{}@bucher.example", "{}@bücher.example"),
        ("josé{}@example.com", "jose{}@example.com"),
        ("straße{}@example.com", "strasse{}@example.com"),
        ("\u0131{}@example.com", "i{}@example.com"),
        ("мир{}@example.com", "mir{}@example.com"),
        ("a.b{}@example.com", "ab{}@example.com"),
        ("ab+x{}@example.com", "ab{}@example.com"),
    ],
)
def test_id_04_accented_and_plain_addresses_stay_two(house: House, one: str, other: str) -> None:
    """A collation that ignores accents would hand one person's account to another (CVE-2026-92598)."""
    tag = str(secrets.randbelow(10**9)) if "мир" in one else secrets.token_hex(4)
    first = house.sign_up(one.format(tag), "first person's lantern password")
    assert house.try_password(other.format(tag), first.password).status_code == 401
    second = house.sign_up(other.format(tag), "second person's harbour password")
    assert first.id != second.id
    assert house.try_password(one.format(tag), second.password).status_code == 401
    assert house.try_password(one.format(tag), first.password).status_code == 200


def test_id_05_fifty_sign_ups_of_one_address_make_one_account(house: House, at_once: Any) -> None:
    """All fifty hold a good code of their own; the store decides (ASVS 5.0 15.4.2)."""
    email = f"race{secrets.token_hex(4)}@example.com"
    challenges = []
    for _ in range(RACERS):
        house.service.core.store.forgive([f"message:{email}"])
        challenges.append(house.begin_sign_up(email).json["challenge"]["id"])
    codes = [message.code for message in house.mail_to(email)]
    before = house.rows()
    pairs = zip(challenges, codes, strict=True)
    answers = at_once([lambda pair=pair: house.post("/sign-in/continue", {"challenge": pair[0], "code": pair[1]}) for pair in pairs])
    told = Counter((answer.status_code, answer.json.get("code")) for answer in answers)
    assert told == {(200, None): 1, (409, "email_taken"): RACERS - 1}
    after = house.rows()
    grown = {name: after[name] - before.get(name, 0) for name in ("users", "sessions")}
    assert grown == {"users": 1, "sessions": 1}, "a loser left something behind"
    winner = next(answer.json for answer in answers if answer.status_code == 200)
    assert house.service.find_user(email).id == winner["user"]["id"]


def test_id_05_one_code_sent_fifty_times_at_once_opens_one_session(house: House, at_once: Any) -> None:
    email = f"ticket{secrets.token_hex(4)}@example.com"
    challenge = house.begin_sign_up(email).json["challenge"]["id"]
    code = house.mail_to(email)[-1].code
    before = house.rows()
    answers = at_once([lambda: house.post("/sign-in/continue", {"challenge": challenge, "code": code})] * RACERS)
    assert Counter(answer.status_code for answer in answers) == {200: 1, 401: RACERS - 1}
    after = house.rows()
    assert {name: after[name] - before.get(name, 0) for name in ("users", "sessions")} == {"users": 1, "sessions": 1}


def test_id_05_guesses_sent_at_once_are_not_more_than_guesses_one_by_one(house: House, at_once: Any) -> None:
    """The ticket leaves the store while a guess is checked, so a burst cannot buy more tries than five."""
    email = f"guess{secrets.token_hex(4)}@example.com"
    challenge = house.begin_sign_up(email).json["challenge"]["id"]
    right = house.mail_to(email)[-1].code
    wrong = [f"{(int(right) + step) % 10**6:06d}" for step in range(1, RACERS + 1)]
    answers = at_once([lambda guess=guess: house.post("/sign-in/continue", {"challenge": challenge, "code": guess}) for guess in wrong])
    told = Counter(answer.json["code"] for answer in answers)
    assert told["invalid_code"] <= 5
    assert set(told) <= {"invalid_code", "challenge_expired"}


def test_id_05_fifty_passwords_tried_at_once_are_counted_every_one(house: House, at_once: Any) -> None:
    person = house.sign_up()
    answers = at_once([lambda: house.try_password(person.email, "one of many guesses")] * RACERS)
    free = Backoff("any").free
    assert sum(answer.status_code == 401 for answer in answers) <= free + 1
    assert {answer.status_code for answer in answers} <= {401, 429}


BAD_NAMES = {
    "NUL": "Ada\x00",
    "line break": "Ada\r\nBcc: all@example.com",
    "zero-width space": "A\u200bda",
    "zero-width joiner": "A\u200dda",
    "right-to-left override": "Ada\u202egnp.exe",
    "isolate": "\u2066Ada\u2069",
    "soft hyphen": "Ad\u00ada",
    "byte order mark": "\ufeffAda",
    "private use": "Ada\ue000",
    "line separator": "Ada\u2028x",
    "escape": "Ada\x1b[2J",
    "tag character": "Ada\U000e0041",
    "only blanks": "   ",
    "too long": "A" * 101,
}


@pytest.mark.parametrize("name", BAD_NAMES)
def test_id_07_a_name_with_what_nobody_sees_is_refused(house: House, name: str) -> None:
    answer = house.begin_sign_up("names@example.com", given_name=BAD_NAMES[name])
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["given_name"])


BAD_ADDRESSES = [
    "@example.com", "ada@", "ada@@example.com", "ada@exa mple.com", "ada@-example.com", "ada@example..com", ".ada@example.com",
    "ada@[127.0.0.1]", "ada@127.0.0.1", "ada@localhost", "Ada <ada@example.com>", "ada@example.com,eve@example.com", "ada@example.com;eve@example.com",
    "ada@example.com\r\nBcc: eve@example.com", "ada\u200b@example.com", "ada@exam\u200bple.com", "\u202eada@example.com", "ada@example.com\x00",
    '"ada b"@example.com', "ada@example.com@evil.example", "ada%eve@example.com@", "ada@example", "\u0430da@example.com", "ada@p\u0430ypal.example",
    "\u03b1da@example.com", "\uff41da@example.com", "\U0001d41ada@example.com", "ada@\uff45xample.com\u00ad", "ada@" + "a" * 64 + ".com",
]  # fmt: skip


@pytest.mark.parametrize("email", BAD_ADDRESSES, ids=ascii)
def test_id_07_a_false_or_deceptive_address_is_refused(house: House, email: str) -> None:
    """Mixed alphabets, controls, several addresses in one (UTS 39, RFC 8265)."""
    before = house.rows()
    for answer in (house.begin_sign_up(email), house.try_password(email, "seven lanterns drift ashore")):
        assert (answer.status_code, list(answer.json["errors"])) == (422, ["email"])
    assert house.rows() == before
    house.service.core.messages.flush()
    assert not [message for message in house.sink.sent if "eve@" in message.to or "evil" in message.to]


def _entropy(texts: list[str]) -> float:
    """Bits in texts of one alphabet of 64 signs, as far as their length and difference tell."""
    assert len(set(texts)) == len(texts)
    return min(len(text) for text in texts) * math.log2(64)


def test_id_07_secret_values_have_the_bits_that_they_must(house: House) -> None:
    people = [house.sign_up() for _ in range(3)]
    browsers = [house.browser_of(person) for person in people]
    assert _entropy([person.session for person in people]) >= 128
    assert _entropy([person.refresh.partition(".")[2] for person in people]) >= 256
    assert _entropy([browser.get_cookie("auth_session", "localhost").value for browser in browsers]) >= 256
    assert _entropy([browser.get_cookie("auth_browser", "localhost").value for browser in browsers]) >= 256
    challenges = [house.begin_sign_up(f"bits{number}{secrets.token_hex(3)}@example.com").json["challenge"]["id"] for number in range(3)]
    assert _entropy([challenge.partition(".")[0] for challenge in challenges]) >= 256
    assert _entropy([challenge.partition(".")[2] for challenge in challenges]) >= 256


def _neighbours(number: str) -> list[str]:
    return [str(int(number) + step) for step in (-2, -1, 0, 1, 2)]


def test_id_07_ids_of_another_person_open_nothing(house: House) -> None:
    """Ids are guessable; each is answered like one that never was."""
    ada, eve = house.sign_up(), house.sign_up()
    theirs = [ada.session, *(key.id for key in house.service.identities(house.service.find_user(ada.id))), *_neighbours(ada.id)]
    for route in ("/me/sessions/{}", "/me/identities/{}"):
        absent = _delete(house, eve, route.format("A" * 22))
        assert absent[0] == 404
        for guess in theirs:
            assert _delete(house, eve, route.format(guess)) == absent, route
    assert house.get("/me", ada.access).status_code == 200
    assert house.try_password(ada.email, ada.password).status_code == 200


def _delete(house: House, person: Person, path: str) -> tuple[int, str]:
    answer = house.visitor().delete(f"/api/v1{path}", headers=person.bearer)
    return answer.status_code, answer.text


def test_id_07_an_id_in_the_place_of_a_secret_is_refused(house: House) -> None:
    person = house.sign_up()
    key = house.service.identities(house.service.find_user(person.id))[0].id
    for value in (person.id, person.session, key, f"{person.session}.", f"{person.session}.{person.id}", f"{person.id}.{person.session}"):
        assert house.get("/me", value).status_code == 401
        assert house.refresh(value).status_code == 401
        browser = house.visitor()
        browser.set_cookie("auth_session", value, domain="localhost")
        assert browser.get("/account").status_code == 303
        assert browser.get("/api/v1/me").status_code == 401
    assert house.get("/me", person.access).status_code == 200


@pytest.mark.parametrize("header", ["X-User-Id", "X-Auth-User", "X-Forwarded-User", "Remote-User", "X-Remote-User", "X-Auth-Email"])
def test_id_07_nobody_is_somebody_by_saying_so(house: House, header: str) -> None:
    """ASVS 5.0 8.2.2: identity comes from the session or token alone."""
    person = house.sign_up()
    for value in (person.id, person.email):
        assert house.visitor().get("/api/v1/me", headers={header: value}).status_code == 401
        assert house.visitor().get(f"/api/v1/me?user_id={person.id}&sub={person.id}").status_code == 401
        assert house.visitor().get("/account", headers={header: value}).status_code == 303
