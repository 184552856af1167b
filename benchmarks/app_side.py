"""What an app pays to check an access token with authenticator-client, beside what bare PyJWT takes for the same token."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import jwt
from authenticator_client import Issuer, Verifier
from authenticator_client.keys import Keys
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from authenticator.flows.signing import lower
from benchmarks.measure import Bench
from benchmarks.table import Row

ISSUER: Final = "https://auth.example.com"
AUDIENCE: Final = "app_k3Jt0pXwQm2Zb7Lc"
CHECKS: Final = 2_000


def checks(bench: Bench) -> list[Row]:
    """C1: the rate of the offline verifier by that of bare PyJWT, which is given the right key; nothing is remembered between checks."""
    rows = []
    for algorithm, key in (
        ("ES256", ec.generate_private_key(ec.SECP256R1())),
        ("EdDSA", ed25519.Ed25519PrivateKey.generate()),
        ("RS256", rsa.generate_private_key(65537, 3072)),
    ):
        token = _token(algorithm, key)
        verifier, again = (_verifier(algorithm, key, seconds) for seconds in (0.0, 5.0))
        bare = _bare(token, algorithm, key.public_key())
        spread = bench.apart(_timed(bare), _timed(lambda token=token, verifier=verifier: verifier.check(token)))
        rows.append(Row("C1", f"offline check of {algorithm}, rate by bare PyJWT's", "peer", spread, "times", least=0.9))
        if algorithm == "ES256":
            seen = bench.apart(_timed(bare), _timed(lambda token=token, again=again: again.check(token)))
            rows.append(Row("C1", "the same bytes within five seconds", "peer", seen, "times"))
    return rows


def _timed(work: Callable[[], object]) -> Callable[[], float]:
    def part() -> float:
        begun = time.thread_time()
        for _ in range(CHECKS):
            work()
        return (time.thread_time() - begun) / CHECKS

    return part


def _token(algorithm: str, key: Any) -> str:
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "517285920193577021", "client_id": AUDIENCE, "scope": "openid profile email", "sid": "8vQk2mXq7Lr4TzB8nYw3Hd",
              "jti": "fb41c7a95b3e4d3c8d1f0a2b", "iat": now, "nbf": now, "exp": now + 3600, "auth_time": now, "amr": ["pwd"], "acr": "1",
              "permissions": ["reports:read"], "roles": ["reader"]}  # fmt: skip
    made = jwt.encode(claims, key, algorithm, headers={"typ": "at+jwt", "kid": "one"})
    return lower(made) if algorithm == "ES256" else made


def _bare(token: str, algorithm: str, public: Any) -> Callable[[], object]:
    required: Any = {"require": ["exp", "iat", "nbf", "sub", "jti"]}

    def decode() -> object:
        return jwt.decode(token, public, algorithms=[algorithm], audience=AUDIENCE, issuer=ISSUER, leeway=10, options=required)

    return decode


def _verifier(algorithm: str, key: Any, seconds: float) -> Verifier:
    jwk = jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True)
    issuer = Issuer(ISSUER)
    issuer.keys = Keys(lambda: {"keys": [{**jwk, "kid": "one", "alg": algorithm, "use": "sig"}]})
    return Verifier(issuer, AUDIENCE, remember=seconds)
