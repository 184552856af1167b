"""TK-09: keys of applications that protect nothing, and the second signature that each true one of ECDSA has."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from authenticator.errors import AuthError
from authenticator.flows.client_keys import FIELD, SMALL_ORDER
from authenticator.flows.signing import ORDER
from authenticator.testing.oauth import OAuthApp
from tests.attack.forging import Forge, b64

if TYPE_CHECKING:
    from tests.attack.conftest import House


@pytest.fixture(scope="module")
def forge(house: House) -> Forge:
    return Forge.of(house)


def point(height: int, sign: int = 0) -> dict[str, str]:
    return {"kty": "OKP", "crv": "Ed25519", "x": b64((height | sign << 255).to_bytes(32, "little"))}


def weak() -> dict[str, dict[str, Any]]:
    short = rsa.generate_private_key(65537, 1024).public_key()
    usual = jwt.algorithms.RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 3072).public_key(), as_dict=True)
    other = ec.generate_private_key(ec.SECP384R1()).public_key()
    points = {f"point {height} {sign}": point(height, sign) for height in SMALL_ORDER for sign in (0, 1)}
    return {
        "RSA of 1024 bits": jwt.algorithms.RSAAlgorithm.to_jwk(short, as_dict=True),
        "RSA whose checks take long": {**usual, "e": usual["n"]},
        "RSA of 16384 bits": {**usual, "n": b64(b"\xff" * 2048)},
        "P-384": jwt.algorithms.ECAlgorithm.to_jwk(other, as_dict=True),
        "a secret": {"kty": "oct", "k": "AAAA"},
        "off the curve": {"kty": "EC", "crv": "P-256", "x": b64(bytes(31) + b"\1"), "y": b64(bytes(31) + b"\1")},
        **points,
    }


def test_tk_09_a_key_that_protects_nothing_is_not_registered(house: House) -> None:
    for name, jwk in weak().items():
        with pytest.raises(AuthError, match="validation_failed"):
            OAuthApp.register(house.app, token_endpoint_auth_method="private_key_jwt", jwks={"keys": [jwk]})
        assert name


def test_tk_09_nobody_proves_a_key_with_which_all_can_sign(forge: Forge) -> None:
    """With the neutral point as key, R neutral and S zero is a signature of everything (RFC 8032 §5.1.7)."""
    place = forge.place("DPoP")
    for height in (1, FIELD + 1, 0, FIELD - 1):
        for _ in range(4):
            header, claims = place.facts()
            text = f"{b64({**header, 'alg': 'EdDSA', 'jwk': point(height)})}.{b64(claims)}"
            assert place.refuses(f"{text}.{b64((1).to_bytes(32, 'little') + bytes(32))}"), height


def test_tk_09_the_other_signature_of_a_spent_statement_is_spent_too(forge: Forge) -> None:
    """Others' libraries give either s, so both count, but what was said counts once."""
    for name in ("client_assertion", "DPoP"):
        place = forge.place(name)
        header, claims = place.facts()
        token = place.sign(header, claims)
        assert not place.refuses(token)
        head, _, text = token.rpartition(".")
        raw = base64.urlsafe_b64decode(text + "==")
        assert place.refuses(f"{head}.{b64(raw[:32] + (ORDER - int.from_bytes(raw[32:])).to_bytes(32))}")
