"""WN-06: whatever an authenticator sends, it is refused and nothing breaks."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import cbor2
import pytest
from authenticator_passkey.answers import Answer, read
from authenticator_passkey.keys import Passkey
from authenticator_passkey.verification import Asked, Cloned, asserted, registered

from authenticator.errors import AuthError
from authenticator.testing.security_key import ATTESTED, ELIGIBLE, EXTENDED, PRESENT, VERIFIED, SecurityKey, packed, unpacked
from tests.attack.conftest import Builder, House

MANY = 10_000
THROUGH_HTTP = 150
HERE = "https://auth.example"
CHALLENGE = packed(b"\x05" * 32)
CREATE = {"rp": {"id": "auth.example"}, "user": {"id": packed(b"\x06" * 32)}, "challenge": CHALLENGE}
GET = {"rpId": "auth.example", "challenge": CHALLENGE, "allowCredentials": []}
ASKED = Asked(CHALLENGE, "auth.example", [HERE])
VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    2**64,
    1.5,
    "",
    "A",
    "\x00",
    "😀",
    "-" * 3000,
    [],
    [[[]]],
    {},
    {"a": {}},
    "[" * 100,
    "9" * 5000,
)
CBOR: tuple[Any, ...] = (
    0,
    -1,
    2**70,
    1.5,
    float("nan"),
    b"",
    b"\x00" * 3000,
    "x",
    [],
    [[[[[1]]]]],
    {},
    {1: {2: {3: {4: 5}}}},
    None,
    True,
    cbor2.CBORTag(35, "(("),
)
HEADS = (0x1B, 0x3B, 0x5B, 0x5F, 0x7F, 0x9B, 0x9F, 0xBB, 0xBF, 0xC2, 0xD8, 0xDB, 0xF9, 0xFB, 0xFF)

Bytes = Callable[[bytes], bytes]


class Mutator:
    """Changes texts and bytes at random, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def bytes(self, data: bytes) -> bytes:
        """A few bytes flipped, put in, taken out or doubled; or cut off."""
        changed = bytearray(data)
        for _ in range(self.random.choice((1, 1, 1, 2, 5))):
            at = self.random.randrange(len(changed) + 1)
            kind = self.random.randrange(6)
            if kind == 0 and at < len(changed):
                changed[at] ^= 1 << self.random.randrange(8)
            elif kind == 1:
                changed[at:at] = bytes([self.random.choice(HEADS)])
            elif kind == 2:
                changed[at:at] = self.random.randbytes(self.random.randrange(1, 9))
            elif kind == 3:
                del changed[at : at + self.random.randrange(1, 9)]
            elif kind == 4:
                changed[at:at] = changed[at : at + 40]
            else:
                del changed[at:]
        return bytes(changed)

    def text(self, text: str) -> str:
        return self.bytes(text.encode()).decode("utf-8", "replace")

    def json(self, text: str) -> str:
        """One value somewhere inside replaced, removed or doubled under another name."""
        told = json.loads(text)
        place: Any = told
        while True:
            name = self.random.choice(list(place))
            if isinstance(place[name], dict) and place[name] and self.random.random() < 0.7:
                place = place[name]
                continue
            break
        if self.random.random() < 0.2:
            del place[name]
        else:
            place[name] = self.random.choice(VALUES)
        return json.dumps(told)

    def cbor(self, data: bytes) -> bytes:
        """One member of the attestation object, or of the key inside it, replaced."""
        told = cbor2.loads(data)
        if self.random.random() < 0.5:
            told[self.random.choice(list(told))] = self.random.choice(CBOR)
            return cbor2.dumps(told)
        head, cose = told["authData"][:87], cbor2.loads(told["authData"][87:])
        cose[self.random.choice((1, 3, -1, -2, -3, -4, "x"))] = self.random.choice(CBOR)
        return cbor2.dumps({**told, "authData": head + cbor2.dumps(cose)})

    def mutation(self, credential: str) -> str:
        """Of the whole text, of a value in it, or of the bytes in one of its parts."""
        kind = self.random.randrange(5)
        if kind < 2:
            return self.text(credential) if kind == 0 else self.json(credential)
        told = json.loads(credential)
        response = told["response"]
        name = self.random.choice([name for name in response if name not in ("transports", "userHandle")])
        structured = name == "attestationObject" and kind == 4
        response[name] = packed((self.cbor if structured else self.bytes)(unpacked(response[name])))
        return json.dumps(told)


def meaning(answer: Answer) -> tuple[Any, ...]:
    """What counts of an answer: the rest may change, because nobody looks at it."""
    parts = {name: cbor2.loads(part) if name == "attestationObject" else part for name, part in answer.parts.items()}
    return answer.id, parts, answer.handle


@pytest.fixture(scope="module")
def key() -> SecurityKey:
    return SecurityKey(HERE)


def registrations(key: SecurityKey) -> Iterator[str]:
    """Each signs all that it says with the new key, so that no change goes unseen."""
    extended = PRESENT | VERIFIED | ATTESTED | ELIGIBLE | EXTENDED
    yield key.create(CREATE, self_signed=True)
    yield key.create(CREATE, self_signed=True, flags=extended, extra=cbor2.dumps({"credProtect": 2}))


@pytest.mark.parametrize("number", [0, 1], ids=["plain", "with extensions"])
def test_wn_06_no_change_to_a_registration_is_taken(key: SecurityKey, number: int) -> None:
    real, mutator = list(registrations(key))[number], Mutator(number)
    true = meaning(read(real, "attestationObject"))
    assert registered(read(real, "attestationObject"), ASKED, "handle").verified
    refused = 0
    for _ in range(MANY // 2):
        text = mutator.mutation(real)
        try:
            answer = read(text, "attestationObject")
            registered(answer, ASKED, "handle")
        except AuthError as error:
            refused += error.status in (400, 401)
        else:
            assert meaning(answer) == true, text
    assert refused > MANY // 3


def test_wn_06_no_change_to_an_assertion_is_taken(key: SecurityKey) -> None:
    kept = registered(read(key.create(CREATE), "attestationObject"), ASKED, CREATE["user"]["id"])
    real, mutator = key.get(GET, credential=key.credentials[-1]), Mutator(7)
    true = meaning(read(real, "authenticatorData", "signature"))
    assert asserted(read(real, "authenticatorData", "signature"), ASKED, kept, named=False).count
    refused = 0
    for _ in range(MANY):
        text = mutator.mutation(real)
        refused += _is_refused(text, kept, true)
    assert refused > MANY // 2


def _is_refused(text: str, kept: Passkey, true: tuple[Any, ...]) -> bool:
    try:
        answer = read(text, "authenticatorData", "signature")
        asserted(answer, ASKED, kept, named=False)
    except AuthError as error:
        return error.status in (400, 401)
    except Cloned:
        raise AssertionError(text) from None
    assert meaning(answer) == true, text
    return False


@pytest.mark.parametrize(
    "data",
    [
        b"\x81" * 6000 + b"\x00",
        b"\xa1\x00" * 3000 + b"\x00",
        b"\x9f" * 6000,
        b"\xbb" + b"\xff" * 8,
        b"\x5b" + b"\x7f" + b"\xff" * 7,
        b"\xd8\x1c\x82\xd8\x1d\x00",
        b"",
    ],
    ids=["deep lists", "deep maps", "endless lists", "a huge map", "a huge text", "a list in itself", "nothing"],
)
def test_wn_06_bombs_are_refused_unopened(key: SecurityKey, data: bytes) -> None:
    told = json.loads(key.create(CREATE))
    told["response"]["attestationObject"] = packed(data)
    with pytest.raises(AuthError) as caught:
        registered(read(json.dumps(told), "attestationObject"), ASKED, "handle")
    assert (caught.value.code, caught.value.status) == ("invalid_request", 400)


@pytest.mark.parametrize(
    "text", ["[" * 16_000, '{"a":' * 3000, "9" * 16_000, "null", "1e999", '"\\ud800"', "", "{", "x" * 70_000], ids=lambda text: text[:12]
)
def test_wn_06_texts_that_are_no_credential_are_refused_through_every_door(keep: House, text: str) -> None:
    for path, body in (("/sign-in/passkey", {}), ("/sign-up/passkey", {"given_name": "A", "family_name": "B"})):
        challenge = keep.post(path, body).json["challenge"]["id"]
        answer = keep.post("/sign-in/continue", {"challenge": challenge, "credential": text})
        assert answer.status_code in (400, 401, 413, 422), answer.text


@pytest.fixture(scope="module")
def keep(build: Builder) -> House:
    return build(environment="production", public_url=HERE, plugins=["passkey"])


def test_wn_06_the_service_answers_every_change_with_a_refusal(keep: House) -> None:
    key, mutator = SecurityKey(HERE), Mutator(11)
    begun = keep.post("/sign-up/passkey", {"given_name": "A", "family_name": "B"}).json["challenge"]
    real = key.create(begun["options"]["publicKey"])
    assert keep.post("/sign-in/continue", {"challenge": begun["id"], "credential": real}).status_code == 200
    before = keep.rows()
    refused = 0
    for _ in range(THROUGH_HTTP):
        begun = keep.post("/sign-in/passkey", {}).json["challenge"]
        said = key.get(begun["options"]["publicKey"])
        text = mutator.mutation(said)
        answer = keep.post("/sign-in/continue", {"challenge": begun["id"], "credential": text})
        refused += answer.status_code in (400, 401, 422)
        assert answer.status_code < 500, text
        if answer.status_code == 200:
            assert meaning(read(text, "authenticatorData", "signature")) == meaning(read(said, "authenticatorData", "signature"))
    assert refused > THROUGH_HTTP // 2
    after = keep.rows()
    assert (after["users"], after["login_keys"]) == (before["users"], before["login_keys"])
