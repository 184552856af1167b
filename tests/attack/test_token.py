"""TK: forged, confused, malformed and oversized access tokens, and the keys behind the real ones."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

if TYPE_CHECKING:
    from tests.attack.conftest import Builder, House, Person

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256
CONSUMERS = (("GET", "/me"), ("GET", "/me/sessions"), ("GET", "/me/identities"), ("DELETE", "/me/sessions"), ("POST", "/sign-out"))


def b64(raw: bytes | str | dict[str, Any]) -> str:
    if isinstance(raw, dict):
        raw = json.dumps(raw, separators=(",", ":"))
    return base64.urlsafe_b64encode(raw.encode() if isinstance(raw, str) else raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    header, claims, signature = token.split(".")
    return json.loads(unb64(header)), json.loads(unb64(claims)), unb64(signature)


def sign(house: House, header: dict[str, Any] | str, claims: dict[str, Any] | str) -> str:
    """A token signed with the service's own key, as if a thief had it: only the rest can give it away."""
    text = f"{b64(header)}.{b64(claims)}"
    r, s = decode_dss_signature(house.service.keys.current().private.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{text}.{b64(r.to_bytes(32) + min(s, ORDER - s).to_bytes(32))}"


def is_refused(house: House, token: str) -> bool:
    """401 with a bearer challenge at every place that takes a token, and nothing else."""
    bearer = {"Authorization": f"Bearer {token}"}
    doors = [("GET", "/verify"), *((method, f"/api/v1{path}") for method, path in CONSUMERS)]
    answers = [house.visitor().open(path, method=method, headers=bearer) for method, path in doors]
    assert {answer.status_code for answer in answers} <= {200, 204, 401, 431}, [answer.status for answer in answers]
    refused = [answer.status_code in (401, 431) for answer in answers]
    assert all(answer.headers["WWW-Authenticate"].startswith("Bearer") for answer in answers if answer.status_code == 401)
    assert all(refused) or not any(refused), "the doors differ"
    return all(refused)


@pytest.fixture
def person(house: House) -> Person:
    return house.sign_up()


def test_tk_00_the_forge_makes_tokens_that_pass_when_nothing_is_wrong(house: House, person: Person) -> None:
    """Otherwise every other test here would pass for the wrong reason."""
    header, claims, _ = parts(person.access)
    assert header == {"alg": "ES256", "kid": house.service.keys.current().kid, "typ": "at+jwt"}
    assert not is_refused(house, sign(house, header, {**claims, "jti": "another"}))


@pytest.mark.parametrize(
    "spelling", ["none", "None", "NONE", "nOnE", "nonE", "NoNe", "", " none", "none ", None, 0, [], ["none"], ["ES256"], {"a": 1}]
)
def test_tk_01_a_token_without_signature_is_refused(house: House, person: Person, spelling: Any) -> None:
    header, claims, signature = parts(person.access)
    head = f"{b64({**header, 'alg': spelling})}.{b64(claims)}"
    for token in (f"{head}.", head, f"{head}.{b64(signature)}", f"{head}.AA"):
        assert is_refused(house, token)


def test_tk_01_an_empty_or_missing_signature_is_refused(house: House, person: Person) -> None:
    head = person.access.rpartition(".")[0]
    for token in (head, f"{head}.", f"{head}..", f"{head}.=", f"{head}. ", "..", ".", "...", f".{head}.", f"{head}.{'A' * 86}"):
        assert is_refused(house, token)


def _encodings(public: ec.EllipticCurvePublicKey, jwks: str) -> dict[str, bytes]:
    encoding, form = serialization.Encoding, serialization.PublicFormat
    jwk = json.loads(jwks)["keys"][0]
    pem = public.public_bytes(encoding.PEM, form.SubjectPublicKeyInfo)
    return {
        "PEM": pem,
        "PEM without line end": pem.strip(),
        "PEM with CRLF": pem.replace(b"\n", b"\r\n"),
        "DER": public.public_bytes(encoding.DER, form.SubjectPublicKeyInfo),
        "point": public.public_bytes(encoding.X962, form.UncompressedPoint),
        "compressed point": public.public_bytes(encoding.X962, form.CompressedPoint),
        "OpenSSH": public.public_bytes(encoding.OpenSSH, form.OpenSSH),
        "JWK": json.dumps(jwk).encode(),
        "JWK sorted": json.dumps(jwk, sort_keys=True, separators=(",", ":")).encode(),
        "JWKS": jwks.encode(),
        "x": jwk["x"].encode(),
        "raw x": unb64(jwk["x"]),
        "kid": jwk["kid"].encode(),
        "empty": b"",
        "placeholder of the settings": b"in the store",
    }


@pytest.mark.parametrize(("algorithm", "digest"), [("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512"), ("hs256", "sha256")])
def test_tk_02_a_token_signed_with_the_public_key_as_secret_is_refused(house: House, person: Person, algorithm: str, digest: str) -> None:
    """RFC 8725 §3.1, CVE-2022-29217."""
    header, claims, _ = parts(person.access)
    jwks = house.visitor().get("/.well-known/jwks.json").text
    text = f"{b64({**header, 'alg': algorithm})}.{b64(claims)}"
    for name, key in _encodings(house.service.keys.current().public, jwks).items():
        assert is_refused(house, f"{text}.{b64(hmac.digest(key, text.encode(), digest))}"), name


def _public_jwk(key: ec.EllipticCurvePrivateKey, **more: str) -> dict[str, Any]:
    return {**json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key())), **more}


INJECTED: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "jwk": lambda jwk: {"jwk": jwk},
    "jwk and no kid": lambda jwk: {"jwk": jwk, "kid": None},
    "jwk with kid": lambda jwk: {"jwk": jwk, "kid": jwk["kid"]},
    "jku": lambda _: {"jku": "http://127.0.0.1:9/jwks.json"},
    "jku https": lambda _: {"jku": "https://evil.example/jwks.json"},
    "jku file": lambda _: {"jku": "file:///etc/passwd"},
    "x5u": lambda _: {"x5u": "http://127.0.0.1:9/cert.pem"},
    "x5c": lambda _: {"x5c": ["MIIB"]},
    "kid path": lambda _: {"kid": "../../../../dev/null"},
    "kid file": lambda _: {"kid": "/etc/hostname"},
    "kid sql": lambda _: {"kid": "x' UNION SELECT private_pem FROM signing_keys --"},
    "kid url": lambda _: {"kid": "http://127.0.0.1:9/key"},
    "kid shell": lambda _: {"kid": "$(id)`id`"},
    "kid empty": lambda _: {"kid": ""},
    "kid number": lambda _: {"kid": 0},
    "kid object": lambda _: {"kid": {"$ne": None}},
    "kid list": lambda _: {"kid": ["a"]},
    "kid null": lambda _: {"kid": None},
    "kid long": lambda _: {"kid": "k" * 2000},
    "kid NUL": lambda _: {"kid": "\x00"},
    "kid of the thief": lambda jwk: {"kid": jwk["kid"]},
}


@pytest.mark.parametrize("name", INJECTED)
def test_tk_03_a_key_that_comes_with_the_token_is_never_used(
    house: House, person: Person, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ASVS 5.0 9.1.3; no connection may be opened and no file read for it."""
    thief = ec.generate_private_key(ec.SECP256R1())
    header, claims, _ = parts(person.access)
    header |= INJECTED[name](_public_jwk(thief, kid="thief"))
    text = f"{b64(header)}.{b64(claims)}"
    r, s = decode_dss_signature(thief.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    calls: list[Any] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **_: calls.append(args) or [])
    opened: list[Any] = []
    is_file = isinstance(header.get("kid"), str) and header["kid"].startswith(("/", ".."))
    if is_file:
        real = open
        monkeypatch.setattr("builtins.open", lambda file, *args, **more: opened.append(str(file)) or real(file, *args, **more))
    assert is_refused(house, f"{text}.{b64(r.to_bytes(32) + s.to_bytes(32))}")
    assert not calls
    assert header.get("kid") not in opened


@pytest.mark.parametrize("name", [name for name in INJECTED if name.startswith("kid") and name != "kid of the thief"])
def test_tk_03_a_strange_kid_is_refused_even_under_the_right_signature(house: House, person: Person, name: str) -> None:
    header, claims, _ = parts(person.access)
    assert is_refused(house, sign(house, header | INJECTED[name]({"kid": ""}), claims))


@pytest.mark.parametrize(
    "typ",
    [
        "JWT",
        "jwt",
        "logout+jwt",
        "dpop+jwt",
        "secevent+jwt",
        "oauth-authz-req+jwt",
        "id+jwt",
        "at+jwt ",
        "AT",
        "",
        None,
        1,
        ["at+jwt"],
        {"at+jwt": 1},
    ],
)
def test_tk_05_a_signed_token_made_for_another_purpose_is_refused(house: House, person: Person, typ: Any) -> None:
    """RFC 9068 §2.1, RFC 8725 §3.11."""
    header, claims, _ = parts(person.access)
    assert is_refused(house, sign(house, {**header, "typ": typ}, claims))


def test_tk_05_a_signed_token_that_names_no_purpose_is_refused(house: House, person: Person) -> None:
    header, claims, _ = parts(person.access)
    assert is_refused(house, sign(house, {name: header[name] for name in ("alg", "kid")}, claims))


def test_tk_05_no_other_secret_of_the_service_passes_for_an_access_token(house: House, person: Person) -> None:
    browser = house.browser_of(person)
    challenge = house.begin_sign_up("purpose@example.com").json["challenge"]["id"]
    code = house.mail_to("purpose@example.com")[-1].code
    cookies = [browser.get_cookie(f"auth_{name}", "localhost").value for name in ("session", "browser")]
    for secret in (
        person.refresh,
        person.session,
        challenge,
        challenge.partition(".")[0],
        code,
        *cookies,
        browser.csrf("/account"),
        person.id,
    ):
        assert is_refused(house, secret)
    assert house.get("/me", person.access).status_code == 200


def test_tk_05_an_access_token_passes_for_no_other_secret(house: House, person: Person) -> None:
    assert house.refresh(person.access).status_code in (401, 422)
    assert house.post("/sign-in/continue", {"challenge": person.access[:250], "code": "000000"}).status_code == 401
    browser = house.visitor()
    browser.set_cookie("auth_session", person.access, domain="localhost")
    assert browser.get("/account").status_code == 303
    assert house.get("/me", person.access).status_code == 200


ABSENT = object()
NOW = object()  # replaced by the token's own iat
CLAIMS: list[tuple[str, Any]] = [
    *[("iss", value) for value in (
        ABSENT, None, "", "http://localhost/", "http://LOCALHOST", "HTTP://localhost", "http://localhost.evil.example", "http://localhos", "http://localhost:80",
        "https://localhost", ["http://localhost"], {"iss": "http://localhost"}, 0,
    )],
    *[("aud", value) for value in (
        ABSENT, None, "", "http://localhost/", "http://LOCALHOST", "http://localhos", "http://localhost:80", ["http://localhost", "http://evil.example"],
        ["http://localhost"], [], {}, "http://localhost http://evil.example", 0,
    )],
    *[("exp", value) for value in (ABSENT, None, "", "9999999999", 9999999999, 1e18, 10**30, -1, 0, True, [], {}, "NaN", float("inf"), 1999999999.5)],
    *[("iat", value) for value in (ABSENT, None, "", "0", -1, 0, True, 9999999999, 10**30, [], 1.5)],
    *[("nbf", value) for value in (None, "", "0", 9999999999, 10**30, [], True, 1.5)],
    *[("sub", value) for value in (ABSENT, None, "", 0, True, ["1"], {"$ne": None})],
    *[("sid", value) for value in (ABSENT, None, "", 0, True, ["1"], {"$ne": None}, "not-a-session", "' OR 1=1 --")],
    *[("jti", value) for value in (ABSENT, None, "", 0, [])],
    *[("type", value) for value in ("refresh", None, "", 1, "ACCESS")],
]  # fmt: skip


@pytest.mark.parametrize(
    ("claim", "value"), CLAIMS, ids=[f"{claim}-{'absent' if value is ABSENT else ascii(value)[:40]}" for claim, value in CLAIMS]
)
def test_tk_07_a_signed_token_with_a_wrong_claim_is_refused(house: House, person: Person, claim: str, value: Any) -> None:
    """RFC 9068 §4: exact issuer and audience, whole numbers for times, every claim there."""
    header, claims, _ = parts(person.access)
    claims[claim] = value
    if value is ABSENT:
        del claims[claim]
    if claim == "sid":  # a token may outlive no session: where the session counts, an unknown one is no session
        answer = house.visitor().post("/api/v1/sign-out", headers={"Authorization": f"Bearer {sign(house, header, claims)}"})
        assert answer.status_code == 401
        return
    assert is_refused(house, sign(house, header, claims))


@pytest.mark.parametrize(("late", "refused"), [(5, False), (31, True), (300, True)], ids=["within the leeway", "after it", "long after"])
def test_tk_07_clocks_may_differ_by_seconds_only(house: House, person: Person, late: int, refused: bool) -> None:
    """RFC 9068 §4: a small leeway; the bound is 30 s."""
    header, claims, _ = parts(person.access)
    life = claims["exp"] - claims["iat"]
    expired = {**claims, "exp": claims["iat"] - late, "iat": claims["iat"] - late - life, "nbf": claims["iat"] - late - life}
    assert is_refused(house, sign(house, header, expired)) is refused
    if refused:
        early = {**claims, "iat": claims["iat"] + late, "nbf": claims["iat"] + late, "exp": claims["exp"] + late}
        assert is_refused(house, sign(house, header, early))


def test_tk_07_a_token_may_not_give_itself_a_longer_life(house: House, person: Person) -> None:
    header, claims, _ = parts(person.access)
    assert is_refused(house, sign(house, header, {**claims, "exp": claims["exp"] + 1}))


def test_tk_07_claims_that_are_no_object_or_come_twice_are_refused(house: House, person: Person) -> None:
    header, claims, _ = parts(person.access)
    for body in ("[]", "null", "1", '"x"', "", "{", "{}", "NaN", json.dumps([claims])):
        assert is_refused(house, sign(house, header, body))


def test_tk_07_an_expired_token_dies_although_it_was_just_checked(build: Builder) -> None:
    house = build()
    person = house.sign_up()
    assert house.get("/me", person.access).status_code == 200
    house.clock.advance(seconds=house.service.settings.access_token_seconds + 31)
    assert house.get("/me", person.access).json["code"] == "token_expired"


BOMBS: dict[str, Callable[[dict[str, Any], dict[str, Any]], str]] = {
    "1 MB of nothing": lambda _h, _c: "A" * 1_000_000,
    "dots": lambda _h, _c: "." * 4000,
    "long claims": lambda header, claims: f"{b64(header)}.{b64({**claims, 'x': 'x' * 3000})}.{'A' * 86}",
    "deep header": lambda _h, claims: f"{b64('[' * 2500)}.{b64(claims)}.{'A' * 86}",
    "deep claims": lambda header, _c: f"{b64(header)}.{b64('[' * 2500)}.{'A' * 86}",
    "deep object": lambda header, _c: f"{b64(header)}.{b64(chr(123) + chr(34) + 'a' + chr(34) + ':')}.{'A' * 86}",
    "huge number": lambda header, _c: f"{b64(header)}.{b64(chr(123) + chr(34) + 'exp' + chr(34) + ':' + '9' * 2500 + chr(125))}.{'A' * 86}",
    "PBES2": lambda _h, _c: f"{b64({'alg': 'PBES2-HS256+A128KW', 'enc': 'A128GCM', 'p2c': 2**31 - 1, 'p2s': 'AAAA'})}.AA.AA.AA.AA",
    "JWE zip": lambda _h, _c: f"{b64({'alg': 'dir', 'enc': 'A128GCM', 'zip': 'DEF'})}..AA.{'A' * 2000}.AA",
    "JWE ECDH": lambda _h, _c: f"{b64({'alg': 'ECDH-ES', 'enc': 'A128GCM', 'epk': {'kty': 'EC'}})}..AA.AA.AA",
    "zip": lambda header, claims: f"{b64({**header, 'zip': 'DEF'})}.{b64(claims)}.{'A' * 86}",
    "unencoded": lambda header, claims: f"{b64({**header, 'b64': False, 'crit': ['b64']})}.{json.dumps(claims)}.{'A' * 86}",
    "not UTF-8": lambda header, _c: f"{b64(header)}.{b64(bytes(range(128, 256)))}.{'A' * 86}",
    "lone surrogate": lambda header, _c: f"{b64(header)}.{b64(chr(123) + chr(34) + 'sub' + chr(34) + ':' + chr(34) + chr(92) + 'ud800' + chr(34) + chr(125))}.AA",
    "many parts": lambda header, claims: ".".join([b64(header), b64(claims), *["AA"] * 1000]),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_tk_08_a_token_made_to_cost_much_is_refused_unopened(house: House, person: Person, name: str) -> None:
    header, claims, _ = parts(person.access)
    assert is_refused(house, BOMBS[name](header, claims))


@pytest.mark.parametrize("name", ["crit", "b64", "deep sub", "deep custom"])
def test_tk_08_what_must_be_understood_and_is_not_is_refused(house: House, person: Person, name: str) -> None:
    header, claims, _ = parts(person.access)
    if name == "crit":
        header |= {"crit": ["exp"], "exp": 1}
    elif name == "b64":
        header |= {"crit": ["b64"], "b64": True}
    elif name == "deep sub":
        claims["sub"] = json.loads("[" * 400 + "]" * 400)
    else:
        text = json.dumps(claims)[:-1] + ',"x":' + "[" * 1200
        assert is_refused(house, sign(house, header, text))
        return
    assert is_refused(house, sign(house, header, claims))


def _signature_cases(signature: bytes) -> dict[str, bytes]:
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    raw = {
        "r=s=0": (0, 0), "r=0": (0, s), "s=0": (r, 0), "r=n": (ORDER, s), "s=n": (r, ORDER), "r=s=n": (ORDER, ORDER), "r=1 s=1": (1, 1),
        "n-1": (ORDER - 1, ORDER - 1), "r=2^256-1": (2**256 - 1, s), "swapped": (s, r), "malleable s": (r, ORDER - s), "r+1": ((r + 1) % 2**256, s),
    }  # fmt: skip
    cases = {name: one.to_bytes(32) + other.to_bytes(32) for name, (one, other) in raw.items()}
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    return cases | {
        "DER": encode_dss_signature(r, s),
        "63 bytes": signature[:-1],
        "65 bytes": signature + b"\0",
        "65 bytes in front": b"\0" + signature,
        "96 bytes": b"\0" * 16 + signature[:32] + b"\0" * 16 + signature[32:],
        "twice": signature * 2,
        "one bit": bytes([signature[0] ^ 1]) + signature[1:],
    }


def test_tk_09_no_false_signature_holds(house: House, person: Person) -> None:
    """RFC 8725 §3.4, CVE-2022-21449; among them the second signature that each true one of ECDSA has."""
    for _ in range(4):
        person = house.sign_in(person)
        head, _, text = person.access.rpartition(".")
        for name, forged in _signature_cases(unb64(text)).items():
            assert is_refused(house, f"{head}.{b64(forged)}"), name
        assert house.get("/me", person.access).status_code == 200


def test_tk_09_one_token_has_one_spelling(house: House, person: Person) -> None:
    """Padding, foreign characters and spare bits in base64 would give one token many names (RFC 7515 §2)."""
    header, claims, signature = person.access.split(".")
    spare = signature[:-1] + {"A": "B", "Q": "R", "g": "h", "w": "x"}[signature[-1]]
    assert unb64(spare) == unb64(signature)
    variants = [
        f"{header}.{claims}.{spare}", f"{header}.{claims}.{signature}==", f"{header}.{claims}.{signature}=", f"{header}.{claims}.{signature}!",
        f"{header}.{claims}.{signature[:40]}*{signature[40:]}", f"{header}.{claims}.{signature} x", f"{header}.{claims}.{signature}\t",
        f"{header}.{claims}.{signature[:40]} {signature[40:]}", f"{header}=.{claims}.{signature}", f"{header}.{claims}=.{signature}",
        f"{header}.{claims}.{signature.replace('-', '+').replace('_', '/')}+",
    ]  # fmt: skip
    for variant in variants:
        if variant.strip() != person.access:
            assert is_refused(house, variant), variant[-100:]


@pytest.mark.parametrize(
    "kind",
    ["P-384 as ES384", "P-384 as ES256", "P-521", "secp256k1", "RSA 1024", "RSA as ES256", "Ed25519", "low-order point", "other P-256"],
)
def test_tk_09_a_key_of_another_kind_signs_nothing_here(house: House, person: Person, kind: str) -> None:
    header, claims, _ = parts(person.access)
    algorithm = {
        "P-384 as ES384": "ES384",
        "P-521": "ES512",
        "secp256k1": "ES256K",
        "RSA 1024": "RS256",
        "Ed25519": "EdDSA",
        "low-order point": "EdDSA",
    }.get(kind, "ES256")
    text = f"{b64({**header, 'alg': algorithm})}.{b64(claims)}"
    assert is_refused(house, f"{text}.{b64(_foreign_signature(kind, text.encode()))}")


def _foreign_signature(kind: str, text: bytes) -> bytes:
    curves = {
        "P-384 as ES384": ec.SECP384R1(),
        "P-384 as ES256": ec.SECP384R1(),
        "P-521": ec.SECP521R1(),
        "secp256k1": ec.SECP256K1(),
        "other P-256": ec.SECP256R1(),
    }
    if kind in curves:
        key = ec.generate_private_key(curves[kind])
        r, s = decode_dss_signature(key.sign(text, ec.ECDSA(hashes.SHA256())))
        size = (key.curve.key_size + 7) // 8
        return r.to_bytes(size) + s.to_bytes(size)
    if kind.startswith("RSA"):
        from cryptography.hazmat.primitives.asymmetric import padding

        return rsa.generate_private_key(65537, 1024).sign(text, padding.PKCS1v15(), hashes.SHA256())
    if kind == "Ed25519":
        return ed25519.Ed25519PrivateKey.generate().sign(text)
    return b"\x01" + b"\0" * 63


def test_tk_10_the_published_keys_hold_no_private_part(house: House) -> None:
    house.sign_up()
    answer = house.visitor().get("/.well-known/jwks.json")
    keys = answer.json["keys"]
    assert keys
    for key in keys:
        assert set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use"}
        assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("EC", "P-256", "ES256", "sig")
    pem = house.service.core.store.signing_keys()[0].private_pem
    assert pem.splitlines()[1] not in answer.text
    assert pem.splitlines()[1].encode() not in house.dump()


def test_tk_10_a_new_key_is_announced_before_it_signs_and_the_old_one_outlives_it(build: Builder) -> None:
    """OpenID Connect Core §10.1.1: nobody who caches the keys for ten minutes meets a token that he cannot check."""
    house = build()
    person = house.sign_up()
    first = parts(person.access)[0]["kid"]
    announced = house.service.keys.rotate().kid
    assert _published(house) == {first, announced}
    for _ in range(3):
        house.clock.advance(seconds=198)
        assert parts(house.sign_in(person).access)[0]["kid"] == first, "used before others can know it"
    before = house.sign_in(person)
    house.clock.advance(seconds=10)
    after = house.sign_in(person)
    assert parts(after.access)[0]["kid"] == announced
    for token in (before.access, after.access):
        assert house.get("/me", token).status_code == 200
    house.clock.advance(seconds=100)
    assert house.get("/me", before.access).status_code == 200, "an old token must live until its time is up"
    house.clock.advance(hours=1)
    assert _published(house) == {announced}
    assert is_refused(house, _signed_by_retired(house, before.access))


def _published(house: House) -> set[str]:
    return {key["kid"] for key in house.visitor().get("/.well-known/jwks.json").json["keys"]}


def _signed_by_retired(house: House, token: str) -> str:
    """Fresh claims under the key that has been replaced: a thief of an old key must get nothing from it."""
    header, claims, _ = parts(token)
    now = int(house.clock.now().timestamp())
    key = serialization.load_pem_private_key(house.service.core.store.signing_keys()[0].private_pem.encode(), None)
    return jwt.encode({**claims, "iat": now, "nbf": now, "exp": now + 60}, key, "ES256", headers=header)


def test_tk_10_a_flood_of_unknown_kids_asks_the_store_at_most_now_and_then(
    house: House, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = house.service.core.store
    asked: list[int] = []
    keys = store.signing_keys
    monkeypatch.setattr(house.service.keys, "_store", _Counting(store, lambda: asked.append(1) or keys()))
    header, claims, _ = parts(person.access)
    begun = time.monotonic()
    for number in range(200):
        token = f"{b64({**header, 'kid': f'unknown{number}'})}.{b64(claims)}.{'A' * 86}"
        assert house.get("/me", token).status_code == 401
    assert len(asked) <= 2 + (time.monotonic() - begun), "more than once a second"


class _Counting:
    def __init__(self, store: Any, signing_keys: Callable[[], Any]) -> None:
        self._store = store
        self.signing_keys = signing_keys

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_tk_10_two_processes_rotate_at_once_and_agree(build: Builder, at_once: Any) -> None:
    one = build()
    other = build(url=one.url)
    person = one.sign_up()
    kids = at_once([house.service.keys.rotate for house in (one, other) * 5])
    generations = [key.generation for key in one.service.core.store.signing_keys()]
    assert len(set(generations)) == len(generations)
    assert {key.kid for key in kids} <= {key.kid for key in one.service.core.store.signing_keys()}
    assert other.get("/me", one.sign_in(person).access).status_code == 200


@pytest.mark.parametrize(
    "where", ["/api/v1/me", "/api/v1/me/sessions", "/api/v1/sign-out", "/account", "/", "/sign-in", "/healthz", "/.well-known/jwks.json"]
)
def test_tk_11_a_token_in_the_address_is_refused(house: House, person: Person, where: str) -> None:
    """RFC 6750 §5.3; even beside a good token in its right place."""
    for headers in ({}, person.bearer):
        answer = house.visitor().get(f"{where}?access_token={person.access}", headers=headers)
        assert answer.status_code in (400, 401)
        assert person.access not in answer.text
    assert house.visitor().get(f"{where}?token={person.access}&bearer={person.access}").status_code in (200, 303, 401, 405)
    assert house.visitor().get(f"/api/v1/me?token={person.access}&jwt={person.access}&authorization={person.access}").status_code == 401


def test_tk_11_a_token_in_a_cookie_or_body_counts_for_nothing(house: House, person: Person) -> None:
    browser = house.visitor()
    for name in ("access_token_cookie", "access_token", "auth_session", "jwt"):
        browser.set_cookie(name, person.access, domain="localhost")
    assert browser.get("/api/v1/me").status_code == 401
    assert house.post("/sign-out", {"access_token": person.access}).status_code == 401
    answer = browser.post("/api/v1/sign-out", data={"access_token": person.access})
    assert answer.status_code in (401, 415)
    assert house.get("/me", person.access).status_code == 200


@pytest.mark.parametrize("scheme", ["Basic", "Token", "JWT", "Digest", "", "Bearer,", "BearerX"])
def test_tk_11_another_scheme_carries_no_token(house: House, person: Person, scheme: str) -> None:
    value = f"{scheme} {person.access}".strip()
    assert house.visitor().get("/api/v1/me", headers={"Authorization": value}).status_code == 401


def test_tk_11_no_secret_stands_in_any_address_to_which_the_service_leads(house: House) -> None:
    password = "canary lantern quartz 77 zebra"
    email = "locations@example.com"
    browser = house.visitor()
    fields = {"email": email, "password": password, "given_name": "Ada", "family_name": "Byron"}
    answers = [browser.send_form("/sign-up/password", fields, page="/sign-up")]
    code = house.mail_to(email)[-1].code
    answers.append(browser.send_form("/sign-in/verify", {"code": code}, page="/sign-in/verify"))
    answers.append(browser.send_form("/account/token", {}, page="/account"))
    token = re.search(r"eyJ[\w.-]+", answers[-1].text)
    answers.append(browser.send_form("/sign-out", {}, page="/account"))
    cookies = [part for answer in answers for part in re.findall(r"auth_\w+=([^;]{20,})", ";".join(answer.headers.getlist("Set-Cookie")))]
    assert token
    assert len(cookies) >= 2
    led = " ".join(answer.location or "" for answer in answers)
    for secret in (password, code, token[0], email, *cookies, hashlib.sha256(code.encode()).hexdigest()):
        assert secret not in led
