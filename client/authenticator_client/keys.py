"""The service's published keys: fetched once, kept while it is away, looked at again for a key that nobody knows, but rarely."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import Algorithm, get_default_algorithms

from authenticator_client.errors import Unavailable

FRESH_SECONDS: Final = 600.0
STALE_SECONDS: Final = 86_400.0  # how long keys serve while the service is away: a key that was withdrawn must not live for ever
UNKNOWN_SECONDS: Final = 60.0  # at most one look for an unknown key in this time, or strangers could make us flood the service
AGAIN_SECONDS: Final = 5.0
PATIENCE: Final = 15.0
MOST_KEYS: Final = 32
LEAST_RSA_BITS: Final = 2048
ALGORITHMS: Final = ("ES256", "EdDSA", "RS256")
_KINDS: Final = {("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA", ("RSA", None): "RS256"}
_MADE: Final[Mapping[str, Algorithm]] = {name: made for name, made in get_default_algorithms().items() if name in ALGORITHMS}
_ED25519_FIELD: Final = 2**255 - 19
# y of the points of small order: under such a key, signatures can be made by anybody
_ED25519_SMALL: Final = frozenset(
    {
        0,
        1,
        _ED25519_FIELD - 1,
        2707385501144840649318225287225658788936804267575313519463743609750303402022,
        55188659117513257062467267217118295137698188065244968500265048394206261417927,
    }
)


@dataclass(frozen=True, slots=True)
class Key:
    """One published key: it checks signatures of its one algorithm."""

    kid: str
    algorithm: str
    public: Any
    method: Algorithm

    def verifies(self, text: bytes, signature: bytes) -> bool:
        return bool(self.method.verify(text, self.public, signature))


def key_of(jwk: object) -> Key | None:
    """The key of a JWK; None for one that is of no use here: another purpose, another kind, too weak."""
    if not isinstance(jwk, dict) or jwk.get("use", "sig") != "sig" or not isinstance(jwk.get("kid"), str):
        return None
    kty, curve = jwk.get("kty"), jwk.get("crv")
    algorithm = _KINDS.get((kty, curve)) if isinstance(kty, str) and (curve is None or isinstance(curve, str)) else None
    if algorithm is None or jwk.get("alg", algorithm) != algorithm or "d" in jwk:
        return None
    try:
        public = _MADE[algorithm].from_jwk(jwk)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    if isinstance(public, RSAPublicKey) and public.key_size < LEAST_RSA_BITS:
        return None
    if algorithm == "EdDSA" and int.from_bytes(public.public_bytes_raw(), "little") % 2**255 % _ED25519_FIELD in _ED25519_SMALL:
        return None
    return Key(jwk["kid"], algorithm, public, _MADE[algorithm])


class Keys:
    """Keys by their kid. `fetch` brings the JWK set; threads may share this object."""

    def __init__(self, fetch: Callable[[], Mapping[str, Any]]) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._known: dict[str, Key] = {}
        self._why = ""
        self._got_at = self._tried_at = float("-inf")

    def find(self, kid: str) -> Key | None:
        """The key of this name, None if the service has none; Unavailable while nothing can be known."""
        known, now = self._known, time.monotonic()
        if known and now - self._got_at <= FRESH_SECONDS and kid in known:
            return known[kid]
        pause = UNKNOWN_SECONDS if known else AGAIN_SECONDS
        if now - self._tried_at > pause or (kid not in known and self._lock.locked()):  # a look that is under way may bring it
            self._look(pause, patience=0 if kid in known else PATIENCE)
        if not self._known or time.monotonic() - self._got_at > STALE_SECONDS:
            raise Unavailable(f"the service's keys cannot be fetched: {self._why}")
        return self._known.get(kid)

    def _look(self, pause: float, *, patience: float) -> None:
        """Fetch once, whoever else wants to; who has the key she needs does not wait for newer ones."""
        if not self._lock.acquire(timeout=patience):
            return
        try:
            if time.monotonic() - self._tried_at > pause:
                self._learn()
        finally:
            self._lock.release()

    def _learn(self) -> None:
        try:
            found = self._fetch().get("keys")
            listed = found[:MOST_KEYS] if isinstance(found, list) else []
            keys = {key.kid: key for key in map(key_of, listed) if key}
            if keys:
                self._known, self._got_at = keys, time.monotonic()
            else:
                self._why = "the service shows no key of use"
        except Unavailable as fault:
            self._why = str(fault)
        finally:
            self._tried_at = time.monotonic()  # at the end, so that those who waited through a time-out do not each begin another
