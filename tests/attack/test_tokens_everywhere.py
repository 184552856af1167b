"""TK-01, TK-02, TK-03, TK-08, TK-09 at every place that takes a signed token: whatever the place, the forgery is none there."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import resource
import secrets
import socket
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from authenticator.flows.signing import ORDER
from tests.attack.costs import costing_little
from tests.attack.forging import PLACES, Forge, Place, b64, encodings, es256

if TYPE_CHECKING:
    from tests.attack.conftest import House

pytestmark = pytest.mark.parametrize("where", PLACES)
THIEF = ec.generate_private_key(ec.SECP256R1())
JWK: dict[str, Any] = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(THIEF.public_key()))


@pytest.fixture(scope="module")
def forge(house: House) -> Forge:
    return Forge.of(house)


@pytest.fixture
def place(forge: Forge, where: str) -> Place:
    return forge.place(where)


@pytest.fixture
def reached(forge: Forge, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Hosts that were asked for, and files that were opened, for a token's sake: none."""
    found: list[str] = []
    names, opened = socket.getaddrinfo, open

    def ask(host: Any, *args: Any, **more: Any) -> Any:
        if host and "evil" in str(host):
            found.append(str(host))
        return names(host, *args, **more)

    def read(file: Any, *args: Any, **more: Any) -> Any:
        if str(file).startswith(("/etc/", "/dev/", "..")):
            found.append(str(file))
        return opened(file, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    monkeypatch.setattr("builtins.open", read)
    monkeypatch.setattr(type(forge.house.service.core.outside), "get", lambda _self, url, **_: found.append(url))
    return found


def fresh(claims: dict[str, Any]) -> dict[str, Any]:
    return {**claims, "jti": secrets.token_hex(8)} if "jti" in claims else claims


def test_tk_00_a_good_token_is_taken(place: Place) -> None:
    """Else all that follows would pass for the wrong reason. The hint for signing out would sign her out: that is LO-01."""
    if place.name != "sign-out hint":
        header, claims = place.facts()
        assert not place.refuses(place.sign(header, fresh(claims)))


def test_tk_01_without_a_signature(place: Place) -> None:
    header, claims = place.facts()
    for spelling in ("none", "None", "NONE", "nOnE", "", None, ["none"], {"a": 1}):
        head = f"{b64({**header, 'alg': spelling})}.{b64(fresh(claims))}"
        for token in (f"{head}.", head):
            assert place.refuses(token), spelling


def test_tk_02_with_a_public_key_as_the_secret(place: Place) -> None:
    """RFC 8725 §3.1, CVE-2022-29217: all published keys in eight spellings, those of RSA in ten."""
    header, claims = place.facts()
    tried = 0
    for jwk in place.published:
        for name, secret in encodings(jwk).items():
            text = f"{b64({**header, 'alg': 'HS256', 'kid': jwk.get('kid')})}.{b64(fresh(claims))}"
            assert place.refuses(f"{text}.{b64(hmac.digest(secret, text.encode(), hashlib.sha256))}"), (jwk["kty"], name)
            tried += 1
    assert tried >= 16


INJECTED: dict[str, dict[str, Any]] = {
    "jwk": {"jwk": JWK},
    "jwk, no kid": {"jwk": JWK, "kid": None},
    "jwk with kid": {"jwk": {**JWK, "kid": "thief"}, "kid": "thief"},
    "jwk a list": {"jwk": [JWK]},
    "jwk secret": {"jwk": {"kty": "oct", "k": "AAAA"}},
    "jku": {"jku": "https://evil.example/jwks.json"},
    "jku plain": {"jku": "http://evil.example/jwks.json", "kid": "thief"},
    "jku file": {"jku": "file:///etc/passwd"},
    "x5u": {"x5u": "https://evil.example/cert.pem"},
    "x5c": {"x5c": ["MIIB"]},
    "x5t": {"x5t": "AAAA", "x5t#S256": "AAAA"},
    "crit": {"crit": ["exp"], "exp": 1},
    "crit b64": {"crit": ["b64"], "b64": False},
    "kid path": {"kid": "../../../../dev/null"},
    "kid file": {"kid": "/etc/hostname"},
    "kid sql": {"kid": "x' UNION SELECT private_pem FROM signing_keys --"},
    "kid url": {"kid": "https://evil.example/key"},
    "kid number": {"kid": 0},
    "kid object": {"kid": {"$ne": None}},
    "kid list": {"kid": ["k1"]},
    "kid null": {"kid": None},
    "kid long": {"kid": "k" * 3000},
    "kid NUL": {"kid": "\x00"},
}


def test_tk_03_with_a_key_that_comes_along(place: Place, reached: list[str]) -> None:
    """Signed by a thief. At DPoP a proof names its key by right, so there the place says another key than signed."""
    for name, more in INJECTED.items():
        if place.name == "DPoP" and more.get("jwk") in (JWK, {**JWK, "kid": "thief"}):
            continue  # an honest proof of the thief's own key, which opens nothing of anybody else's
        header, claims = place.facts()
        assert place.refuses(es256(THIEF, {**header, **more}, fresh(claims))), name
    assert reached == []


def test_tk_03_with_what_must_be_understood(place: Place, reached: list[str]) -> None:
    strange: tuple[dict[str, Any], ...] = (INJECTED["crit"], INJECTED["crit b64"], {"crit": []}, {"crit": "exp"}, {"crit": None})
    for more in strange:
        header, claims = place.facts()
        assert place.refuses(place.sign({**header, **more}, fresh(claims))), more
    assert reached == []


def bombs(header: dict[str, Any], claims: dict[str, Any]) -> dict[str, str]:
    tail = "A" * 86
    opened = '{"exp":'
    wide = {"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 2**31 - 1, "p2s": "AAAA"}
    return {
        "a megabyte": "A" * 1_000_000,
        "twelve kilobytes": f"{b64(header)}.{b64({**claims, 'x': 'x' * 9000})}.{tail}",
        "dots": "." * 5000,
        "a deep header": f"{b64('[' * 3000)}.{b64(claims)}.{tail}",
        "deep claims": f"{b64(header)}.{b64('[' * 3000)}.{tail}",
        "deep objects": f"{b64(header)}.{b64(opened * 800)}.{tail}",
        "a huge number": f"{b64(header)}.{b64(opened + '9' * 3000 + '}')}.{tail}",
        "PBES2": f"{b64({**header, **wide})}.AA.AA.AA.AA",
        "a zip": f"{b64({'alg': 'dir', 'enc': 'A128GCM', 'zip': 'DEF'})}..AA.{'A' * 3000}.AA",
        "ECDH": f"{b64({'alg': 'ECDH-ES', 'enc': 'A128GCM', 'epk': {'kty': 'EC'}})}..AA.AA.AA",
        "no UTF-8": f"{b64(header)}.{b64(bytes(range(128, 256)))}.{tail}",
    }


def test_tk_08_made_to_cost_much(place: Place) -> None:
    header, claims = place.facts()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, bomb in bombs(header, claims).items():
        with costing_little():
            assert place.refuses(bomb), name
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000, "kilobytes"


def signatures(r: int, s: int) -> dict[str, bytes]:
    pairs = {
        "zeros": (0, 0), "r=0": (0, s), "s=0": (r, 0), "r=n": (ORDER, s), "s=n": (r, ORDER), "both n": (ORDER, ORDER), "ones": (1, 1),
        "n-1": (ORDER - 1, ORDER - 1), "swapped": (s, r), "r+1": ((r + 1) % 2**256, s), "largest": (2**256 - 1, 2**256 - 1),
    }  # fmt: skip
    found = {name: one.to_bytes(32) + other.to_bytes(32) for name, (one, other) in pairs.items()}
    good = r.to_bytes(32) + s.to_bytes(32)
    return {**found, "short": good[:-1], "long": good + b"\0", "twice": good * 2, "empty": b"", "a bit": bytes([good[0] ^ 1]) + good[1:]}


def test_tk_09_with_a_signature_that_is_none(place: Place) -> None:
    """RFC 8725 §3.4, CVE-2022-21449."""
    header, claims = place.facts()
    token = place.sign({**header, "alg": "ES256"}, fresh(claims))
    head, _, text = token.rpartition(".")
    raw = base64.urlsafe_b64decode(text + "==")
    for name, forged in signatures(int.from_bytes(raw[:32]), int.from_bytes(raw[32:])).items():
        assert place.refuses(f"{head}.{b64(forged)}"), name


def test_tk_09_with_a_key_on_another_curve(place: Place) -> None:
    curves = {"ES384": ec.SECP384R1(), "ES512": ec.SECP521R1(), "ES256K": ec.SECP256K1(), "ES256": ec.SECP256K1()}
    for algorithm, curve in curves.items():
        key, (header, claims) = ec.generate_private_key(curve), place.facts()
        size = (key.curve.key_size + 7) // 8
        text = f"{b64({**header, 'alg': algorithm})}.{b64(fresh(claims))}"
        r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        assert place.refuses(f"{text}.{b64(r.to_bytes(size) + s.to_bytes(size))}"), algorithm
