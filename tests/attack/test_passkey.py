"""WN, EN-04: a passkey counts for what was asked, of whom, and here, once. The ids are those of the list of attacks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from authenticator.testing.security_key import ATTESTED, ELIGIBLE, EXTENDED, PRESENT, VERIFIED, SecurityKey, packed, unpacked
from tests.attack.conftest import Builder, House, Person

HERE = "https://auth.example"
ADA = {"given_name": "Ada", "family_name": "Byron"}
UNLOCKED = PRESENT | VERIFIED
Member = dict[str, Any]


@pytest.fixture(scope="module")
def keep(build: Builder) -> House:
    """The service in production, with passwords and passkeys."""
    return build(environment="production", public_url=HERE, plugins=["password", "passkey"])


def begin(house: House, path: str, body: Any = None, token: str = "") -> Member:
    """The challenge with which a conversation begins."""
    answer = house.visitor().post(f"/api/v1{path}", json=body or {}, headers=_bearer(token))
    assert answer.status_code in (200, 202), answer.text
    found: Member = answer.json["challenge"]
    return found


def finish(house: House, challenge: Member, credential: str, token: str = "") -> TestResponse:
    body = {"challenge": challenge["id"], "credential": credential}
    return house.visitor().post("/api/v1/sign-in/continue", json=body, headers=_bearer(token))


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def wanted(challenge: Member) -> Member:
    found: Member = challenge["options"]["publicKey"]
    return found


def sign_up(house: House, key: SecurityKey, **facts: Any) -> TestResponse:
    challenge = begin(house, "/sign-up/passkey", ADA)
    return finish(house, challenge, key.create(wanted(challenge), **facts))


def sign_in(house: House, key: SecurityKey, **facts: Any) -> TestResponse:
    challenge = begin(house, "/sign-in/passkey")
    return finish(house, challenge, key.get(wanted(challenge), **facts))


def member(house: House, **facts: Any) -> tuple[SecurityKey, Member]:
    """Somebody with an account and one passkey, and what her sign-up answered."""
    key = SecurityKey(HERE, **facts)
    done = sign_up(house, key)
    assert done.status_code == 200, done.text
    return key, done.json


def add(house: House, person: Person, key: SecurityKey) -> TestResponse:
    challenge = begin(house, "/me/identities/passkey", token=person.access)
    return finish(house, challenge, key.create(wanted(challenge)), person.access)


def altered(credential: str, **changes: Any) -> str:
    """The credential with other members, of itself or of its response."""
    told = json.loads(credential)
    for name, value in changes.items():
        (told["response"] if name in told["response"] else told)[name] = value
    return json.dumps(told)


def is_refused(answer: TestResponse, *codes: str) -> None:
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json["code"] in (codes or ("invalid_credentials", "invalid_request")), answer.text
    assert "access_token" not in answer.text


# WN-01


def test_wn_01_an_assertion_is_taken_once(keep: House) -> None:
    key, _ = member(keep)
    first = begin(keep, "/sign-in/passkey")
    said = key.get(wanted(first))
    assert finish(keep, first, said).status_code == 200
    is_refused(finish(keep, first, said), "challenge_expired")
    is_refused(finish(keep, begin(keep, "/sign-in/passkey"), said))


def test_wn_01_a_challenge_takes_one_answer_even_a_wrong_one(keep: House) -> None:
    key, _ = member(keep)
    challenge = begin(keep, "/sign-in/passkey")
    is_refused(finish(keep, challenge, key.get(wanted(challenge), signature=b"\x30\x00")))
    is_refused(finish(keep, challenge, key.get(wanted(challenge))), "challenge_expired")


def test_wn_01_a_challenge_of_one_ceremony_is_no_other_s(keep: House) -> None:
    key, _ = member(keep)
    sign_in_challenge, sign_up_challenge = begin(keep, "/sign-in/passkey"), begin(keep, "/sign-up/passkey", ADA)
    crossed = {**wanted(sign_in_challenge), "challenge": wanted(sign_up_challenge)["challenge"]}
    is_refused(finish(keep, sign_in_challenge, key.get(crossed)))
    is_refused(finish(keep, sign_up_challenge, key.get(crossed)))
    again = begin(keep, "/sign-in/passkey")
    is_refused(finish(keep, again, SecurityKey(HERE).create({**wanted(sign_up_challenge), "challenge": wanted(again)["challenge"]})))


def test_wn_01_challenges_are_random_long_and_short_lived(build: Builder) -> None:
    house = build(plugins=["passkey"])
    challenges = [wanted(begin(house, "/sign-in/passkey"))["challenge"] for _ in range(20)]
    assert len(set(challenges)) == 20
    assert {len(unpacked(one)) for one in challenges} == {32}
    key = SecurityKey("http://localhost")
    assert sign_up(house, key).status_code == 200
    late = begin(house, "/sign-in/passkey")
    house.clock.advance(minutes=5, seconds=1)
    is_refused(finish(house, late, key.get(wanted(late))), "challenge_expired")
    assert timedelta(milliseconds=wanted(late)["timeout"]) == timedelta(minutes=5)


def test_wn_01_a_challenge_for_one_person_and_session_is_no_other_s(keep: House) -> None:
    ada, bob = keep.sign_up(), keep.sign_up()
    second = keep.sign_in(ada)
    for thief in (bob, second):
        challenge = begin(keep, "/me/identities/passkey", token=ada.access)
        is_refused(finish(keep, challenge, SecurityKey(HERE).create(wanted(challenge)), thief.access), "challenge_expired", "invalid_token")
    challenge = begin(keep, "/me/identities/passkey", token=ada.access)
    is_refused(finish(keep, challenge, SecurityKey(HERE).create(wanted(challenge))), "challenge_expired", "invalid_token")
    for person in (ada, bob):
        found = keep.get("/me/identities", person.access).json
        assert [item["provider"] for item in found] == ["password"]


# WN-02

CLIENT: dict[str, Member] = {
    "another type": {"type": "webauthn.create"},
    "no type": {"type": None},
    "another challenge": {"challenge": packed(bytes(32))},
    "a padded challenge": {"challenge": packed(bytes(32)) + "="},
    "no challenge": {"challenge": None},
    "http": {"origin": "http://auth.example"},
    "another port": {"origin": "https://auth.example:8443"},
    "a sub-domain": {"origin": "https://evil.auth.example"},
    "a sibling": {"origin": "https://auth.example.evil"},
    "a trailing dot": {"origin": "https://auth.example."},
    "no origin": {"origin": None},
    "a list of origins": {"origin": [HERE]},
    "a foreign frame": {"crossOrigin": True},
    "a foreign frame in words": {"crossOrigin": "false"},
    "a page around it": {"topOrigin": "https://evil.example"},
}
SIGNED: dict[str, Member] = {
    "another site": {"rp_id": "evil.example"},
    "a parent domain": {"rp_id": "example"},
    "nobody present": {"flags": VERIFIED},
    "a new credential inside": {"flags": UNLOCKED | ATTESTED},
    "extensions that are not there": {"flags": UNLOCKED | EXTENDED},
    "backed up and not eligible": {"flags": UNLOCKED | 0x10},
    "now eligible for backup": {"flags": UNLOCKED | ELIGIBLE},
    "another user": {"handle": b"\x01" * 32},
    "no user": {"handle": b""},
    "no signature": {"signature": b"\x00"},
    "a signature as long as a book": {"signature": b"\x30" * 2000},
}


def _flipped(text: str, at: int = -1) -> str:
    data = bytearray(unpacked(text))
    data[at] ^= 1
    return packed(bytes(data))


AFTERWARDS: dict[str, Callable[[Member], Any]] = {
    "a bit of the signature": lambda said: said["response"].update(signature=_flipped(said["response"]["signature"])),
    "a bit of the counter": lambda said: said["response"].update(authenticatorData=_flipped(said["response"]["authenticatorData"])),
    "a flag": lambda said: said["response"].update(authenticatorData=_flipped(said["response"]["authenticatorData"], 32)),
    "a byte too few": lambda said: said["response"].update(authenticatorData=packed(unpacked(said["response"]["authenticatorData"])[:-1])),
    "a byte too many": lambda said: said["response"].update(
        authenticatorData=packed(unpacked(said["response"]["authenticatorData"]) + b"\0")
    ),
    "a blank in the client data": lambda said: said["response"].update(
        clientDataJSON=packed(unpacked(said["response"]["clientDataJSON"]).replace(b",", b", ", 1))
    ),
    "client data that is a list": lambda said: said["response"].update(clientDataJSON=packed(b"[]")),
    "client data that is no text": lambda said: said["response"].update(clientDataJSON=packed(b"\xff\xfe")),
    "another spelling of the id": lambda said: said.update(id=said["id"] + "=", rawId=said["id"] + "="),
    "two ids": lambda said: said.update(rawId=packed(bytes(32))),
    "an unknown id": lambda said: said.update(id=packed(bytes(32)), rawId=packed(bytes(32))),
    "another kind": lambda said: said.update(type="password"),
    "no response": lambda said: said.pop("response"),
}


@pytest.mark.parametrize("name", CLIENT)
def test_wn_02_an_assertion_for_something_else_signs_nobody_in(keep: House, name: str) -> None:
    key, _ = member(keep)
    is_refused(sign_in(keep, key, client=CLIENT[name]))
    assert sign_in(keep, key).status_code == 200


@pytest.mark.parametrize("name", SIGNED)
def test_wn_02_an_assertion_that_says_something_else_signs_nobody_in(keep: House, name: str) -> None:
    key, _ = member(keep)
    is_refused(sign_in(keep, key, **SIGNED[name]))
    assert sign_in(keep, key).status_code == 200


@pytest.mark.parametrize("name", AFTERWARDS)
def test_wn_02_an_assertion_that_was_changed_signs_nobody_in(keep: House, name: str) -> None:
    key, _ = member(keep)
    challenge = begin(keep, "/sign-in/passkey")
    said = json.loads(key.get(wanted(challenge)))
    AFTERWARDS[name](said)
    is_refused(finish(keep, challenge, json.dumps(said)))
    assert sign_in(keep, key).status_code == 200


@pytest.mark.parametrize("name", CLIENT)
def test_wn_02_a_registration_for_something_else_makes_no_account(keep: House, name: str) -> None:
    before = keep.rows()["users"]
    client = {**CLIENT[name], **({"type": "webauthn.get"} if name == "another type" else {})}
    is_refused(sign_up(keep, SecurityKey(HERE), client=client))
    assert keep.rows()["users"] == before


def test_wn_02_the_passkey_of_one_person_does_not_sign_for_another(keep: House) -> None:
    ada, _ = member(keep)
    mallory, _ = member(keep)
    challenge = begin(keep, "/sign-in/passkey")
    name = packed(ada.credentials[0].id)
    handle = packed(ada.credentials[0].handle)
    is_refused(finish(keep, challenge, altered(mallory.get(wanted(challenge)), id=name, rawId=name, userHandle=handle)))


@pytest.mark.parametrize("step", [0, -1], ids=["the same counter", "a lower counter"])
def test_wn_02_a_copy_of_a_key_is_found_out_by_its_counter(keep: House, step: int, caplog: pytest.LogCaptureFixture) -> None:
    key, done = member(keep)
    for _ in range(3):
        assert sign_in(keep, key).status_code == 200
    is_refused(sign_in(keep, key, count=3 + step), "invalid_credentials")
    assert f"user={done['user']['id']}" in caplog.text
    assert sign_in(keep, key).status_code == 200


def test_wn_02_one_counter_value_signs_in_once_even_at_the_same_moment(
    keep: House, at_once: Callable[[Sequence[Callable[[], Any]]], list[Any]]
) -> None:
    key, _ = member(keep)
    challenges = [begin(keep, "/sign-in/passkey") for _ in range(4)]
    said = [key.get(wanted(challenge), count=7) for challenge in challenges]
    pairs = list(zip(challenges, said, strict=True))
    statuses = sorted(answer.status_code for answer in at_once([lambda pair=pair: finish(keep, *pair) for pair in pairs]))
    assert statuses == [200, 401, 401, 401]


# WN-04


def test_wn_04_a_device_that_was_not_unlocked_does_not_sign_in_alone(keep: House) -> None:
    key, _ = member(keep)
    is_refused(sign_in(keep, key, flags=PRESENT), "invalid_credentials")
    key.verifies = False
    is_refused(sign_in(keep, key), "invalid_credentials")


def test_wn_04_a_device_that_was_not_unlocked_becomes_no_way_in(keep: House) -> None:
    before = keep.rows()["users"]
    is_refused(sign_up(keep, SecurityKey(HERE, verifies=False)))
    ada = keep.sign_up()
    is_refused(add(keep, ada, SecurityKey(HERE, verifies=False)))
    assert keep.rows()["users"] == before + 1
    assert len(keep.get("/me/identities", ada.access).json) == 1


def test_wn_04_a_touch_is_a_second_factor_only_after_a_first_one(keep: House) -> None:
    ada, key = keep.sign_up(), SecurityKey(HERE)
    assert add(keep, ada, key).status_code == 200
    challenge = begin(keep, "/me/factors/passkey", token=ada.access)
    assert finish(keep, challenge, key.get(wanted(challenge)), ada.access).status_code == 200
    key.verifies = False
    asked = keep.try_password(ada.email, ada.password).json["challenge"]
    assert (asked["kind"], wanted(asked)["userVerification"]) == ("passkey", "preferred")
    done = finish(keep, asked, key.get(wanted(asked)))
    assert amr_of(keep, done) == {"pwd", "hwk", "mfa"}
    is_refused(sign_in(keep, key))
    key.verifies = True
    assert amr_of(keep, sign_in(keep, key)) == {"hwk", "user", "mfa"}  # no second step follows


def test_wn_04_another_person_s_passkey_is_nobody_s_second_step(keep: House) -> None:
    ada, key = keep.sign_up(), SecurityKey(HERE)
    foreign, _ = member(keep)
    add(keep, ada, key)
    challenge = begin(keep, "/me/factors/passkey", token=ada.access)
    is_refused(finish(keep, challenge, foreign.get(wanted(challenge), credential=foreign.credentials[0]), ada.access))
    challenge = begin(keep, "/me/factors/passkey", token=ada.access)
    assert finish(keep, challenge, key.get(wanted(challenge)), ada.access).status_code == 200
    asked = keep.try_password(ada.email, ada.password).json["challenge"]
    assert [item["id"] for item in wanted(asked)["allowCredentials"]] == [packed(key.credentials[0].id)]
    is_refused(finish(keep, asked, foreign.get(wanted(asked), credential=foreign.credentials[0])))


def amr_of(house: House, answer: TestResponse) -> set[str]:
    assert answer.status_code == 200, answer.text
    sessions = house.get("/me/sessions", answer.json["access_token"]).json
    return set(next(item for item in sessions if item["id"] == answer.json["session_id"])["amr"])


# WN-05

RS1 = -65535
OFF_CURVE = {-2: b"\x01" * 32, -3: b"\x02" * 32}
UNSUITABLE: dict[str, Member] = {
    "RS1": {"algorithm": -257, "cose": {3: RS1}},
    "ES512": {"cose": {3: -36}},
    "PS256": {"algorithm": -257, "cose": {3: -37}},
    "ES256K": {"cose": {3: -47}},
    "no algorithm that exists": {"cose": {3: -1234}},
    "a secret instead of a key": {"cose": {1: 4}},
    "another curve": {"cose": {-1: 2}},
    "a point beside the curve": {"cose": OFF_CURVE},
    "half a point": {"cose": {-2: b"\x01" * 16}},
    "one more member": {"cose": {-4: b"\x01" * 32}},
    "true for one": {"cose": {-1: True}},
    "a short RSA key": {"algorithm": -257, "cose": {-1: b"\xc1" + b"\x01" * 127}},
    "an exponent of one": {"algorithm": -257, "cose": {-2: b"\x01"}},
    "an attestation that was not asked for": {
        "attestation": {"fmt": "packed", "attStmt": {"alg": -7, "sig": b"\1" * 70, "x5c": [b"\2" * 300]}}
    },
    "an attestation of a kind that is no more": {"attestation": {"fmt": "android-safetynet", "attStmt": {"ver": "1", "response": b"x"}}},
    "an attestation of nothing": {"attestation": {"fmt": "none", "attStmt": {"x": 1}}},
    "a signature of its own that is another's": {
        "attestation": {"fmt": "packed", "attStmt": {"alg": -7, "sig": b"\x30\x06\x02\x01\1\x02\x01\1"}}
    },
    "a passkey that does not stay": {"resident": False},
    "an id that is too long": {"credential_id": b"\x07" * 1024},
    "bytes after the end": {"extra": b"\xa0"},
}


@pytest.mark.parametrize("name", UNSUITABLE)
def test_wn_05_a_passkey_of_another_kind_is_not_stored(keep: House, name: str) -> None:
    before = keep.rows()
    is_refused(sign_up(keep, SecurityKey(HERE), **UNSUITABLE[name]))
    after = keep.rows()
    assert (after["users"], after["login_keys"]) == (before["users"], before["login_keys"])


def test_wn_05_the_longest_id_and_a_key_that_signs_for_itself_are_taken(keep: House) -> None:
    for facts in ({"credential_id": hashlib.shake_256(HERE.encode()).digest(1023)}, {"self_signed": True}):
        key = SecurityKey(HERE)
        assert sign_up(keep, key, **facts).status_code == 200
        assert sign_in(keep, key).status_code == 200


def test_wn_05_who_registers_another_s_id_gets_neither_her_account_nor_her_id(keep: House) -> None:
    key, done = member(keep)
    taken = key.credentials[0].id
    before = keep.rows()["users"]
    thief = SecurityKey(HERE)
    is_refused(sign_up(keep, thief, credential_id=taken), "identity_taken")
    challenge = begin(keep, "/sign-up/passkey", {**ADA, "email": "thief@example.com"})
    is_refused(finish(keep, challenge, thief.create(wanted(challenge), credential_id=taken)), "identity_taken")
    mallory = keep.sign_up()
    challenge = begin(keep, "/me/identities/passkey", token=mallory.access)
    is_refused(finish(keep, challenge, thief.create(wanted(challenge), credential_id=taken), mallory.access), "identity_taken")
    is_refused(sign_in(keep, thief, credential=thief.credentials[-1]))
    assert sign_in(keep, key).json["user"]["id"] == done["user"]["id"]
    assert keep.rows()["users"] == before + 1


def test_wn_05_one_id_registered_by_several_at_once_belongs_to_one(
    keep: House, at_once: Callable[[Sequence[Callable[[], Any]]], list[Any]]
) -> None:
    before, name = keep.rows()["users"], hashlib.sha256(b"one id").digest()
    answers = at_once([lambda: sign_up(keep, SecurityKey(HERE), credential_id=name) for _ in range(4)])
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert keep.rows()["users"] == before + 1


# WN-07


def test_wn_07_nobody_removes_another_s_passkey(keep: House) -> None:
    _, victim = member(keep)
    _, thief = member(keep)
    theirs = keep.get("/me/identities", victim["access_token"]).json[0]["id"]
    answers = [delete(keep, name, thief["access_token"]) for name in (theirs, "0" * len(theirs))]
    assert [(answer.status_code, answer.json["code"]) for answer in answers] == [(404, "not_found")] * 2
    assert len(keep.get("/me/identities", victim["access_token"]).json) == 1


def test_wn_07_the_last_way_in_stays_and_so_does_what_is_a_second_step(keep: House) -> None:
    _, done = member(keep)
    only = keep.get("/me/identities", done["access_token"]).json[0]["id"]
    assert delete(keep, only, done["access_token"]).json["code"] == "last_sign_in_method"
    ada, key = keep.sign_up(), SecurityKey(HERE)
    add(keep, ada, key)
    challenge = begin(keep, "/me/factors/passkey", token=ada.access)
    assert finish(keep, challenge, key.get(wanted(challenge)), ada.access).status_code == 200
    mine = next(item["id"] for item in keep.get("/me/identities", ada.access).json if item["provider"] == "passkey")
    assert delete(keep, mine, ada.access).json["code"] == "conflict"
    assert keep.visitor().delete("/api/v1/me/factors/passkey", headers=_bearer(ada.access)).status_code == 204
    assert delete(keep, mine, ada.access).status_code == 204


def test_wn_07_what_is_no_way_in_is_not_taken_away_as_one(keep: House) -> None:
    ada, store = keep.sign_up(), keep.service.core.store
    claim = next(key for key in store.keys_of(ada.id) if not key.way_in)
    assert delete(keep, claim.id, ada.access).status_code == 404
    assert claim in store.keys_of(ada.id)


def test_wn_07_an_old_sign_in_adds_and_removes_no_passkey(build: Builder) -> None:
    house = build(plugins=["password", "passkey"], access_token_seconds=120)
    ada, key = house.sign_up(), SecurityKey("http://localhost")
    begun = begin(house, "/me/identities/passkey", token=ada.access)
    assert add(house, ada, key).status_code == 200
    mine = next(item["id"] for item in house.get("/me/identities", ada.access).json if item["provider"] == "passkey")
    house.clock.advance(minutes=4, seconds=50)
    token = house.refresh(ada.refresh).json["access_token"]
    late = begin(house, "/me/identities/passkey", token=token)
    house.clock.advance(seconds=15)
    answer = house.visitor().post("/api/v1/me/identities/passkey", json={}, headers=_bearer(token))
    assert answer.json["code"] == "step_up_required"
    assert delete(house, mine, token).json["code"] == "step_up_required"
    is_refused(finish(house, late, SecurityKey("http://localhost").create(wanted(late)), token), "step_up_required")
    is_refused(finish(house, begun, SecurityKey("http://localhost").create(wanted(begun)), token), "challenge_expired")
    assert len(house.get("/me/identities", token).json) == 2


def delete(house: House, key_id: str, token: str) -> TestResponse:
    return house.visitor().delete(f"/api/v1/me/identities/{key_id}", headers=_bearer(token))


# EN-04, BF-09


def test_en_04_nothing_tells_who_has_a_passkey(keep: House) -> None:
    members = [keep.sign_up() for _ in range(5)]
    assert {add(keep, person, SecurityKey(HERE)).status_code for person in members} == {200}
    known = [person.email for person in members]
    invented = [f"nobody{number}@example.com" for number in range(5)]
    seen = {without_challenge(begin(keep, "/sign-in/passkey")) for _ in range(10)}
    assert len(seen) == 1
    assert json.loads(seen.pop())["publicKey"]["allowCredentials"] == []
    named = [keep.post("/sign-in/passkey", {"email": email, "credential": ""}) for email in (*known, *invented)]
    assert len({(answer.status_code, answer.data) for answer in named}) == 1


def without_challenge(challenge: Member) -> str:
    assert len(wanted(challenge)["challenge"]) == 43
    return json.dumps({**challenge["options"], "publicKey": {**wanted(challenge), "challenge": ""}}, sort_keys=True)


def test_bf_09_a_passkey_signs_in_while_the_password_is_locked(keep: House) -> None:
    ada, key = keep.sign_up(), SecurityKey(HERE)
    add(keep, ada, key)
    for _ in range(7):
        keep.try_password(ada.email, "something else entirely")
    assert keep.try_password(ada.email, ada.password).status_code == 429
    assert sign_in(keep, key).json["user"]["id"] == ada.id
