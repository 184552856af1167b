"""The keys that sign tokens, for each algorithm: one active, the next announced, the last still trusted until its tokens are gone."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from joserfc.jwk import ECKey, OKPKey, RSAKey

from authenticator.clock import Clock
from authenticator.crypto import random_token
from authenticator.errors import ConfigurationError
from authenticator.flows.history import History
from authenticator.flows.signing import LiveKey
from authenticator.flows.turns import Turns
from authenticator.models import SigningKey
from authenticator.settings import LONGEST_TOKEN, Settings
from authenticator.storage.port import Store

ALGORITHM: Final = "ES256"  # of access tokens
ALGORITHMS: Final = ("RS256", "ES256", "EdDSA")  # of ID tokens, as applications choose
ANNOUNCED: Final = timedelta(seconds=600)  # how long a key stands in the JWKS before it signs: the time that others may cache it
KEPT: Final = timedelta(seconds=LONGEST_TOKEN + 60)  # how long a key stands there after it has signed: until its last token is gone
BEHIND: Final = timedelta(minutes=5)  # a clock that is set back, or is not as far as that of the node which made the first key
RELOAD_EVERY: Final = 30.0  # seconds
_MAKE: Final[Mapping[str, Callable[[], Any]]] = {
    "ES256": lambda: ECKey.generate_key("P-256", private=True),
    "RS256": lambda: RSAKey.generate_key(3072, private=True),  # ASVS 5.0 11.2.3
    "EdDSA": lambda: OKPKey.generate_key("Ed25519", private=True),
}


class KeyRing:
    """Signing keys of all processes, kept sealed in the store. A race to make one has one winner.

    The keys of each algorithm follow one another by themselves. The first one of an algorithm is made when it is needed, and signs
    at once: nobody can have cached a set in which it is missed for long, because an unknown `kid` has the set fetched anew.
    """

    def __init__(self, store: Store, clock: Clock, settings: Settings, history: History) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._history = history
        self._turns = Turns()
        self._keys: tuple[SigningKey, ...] = ()
        self._live: dict[str, LiveKey] = {}
        self._loaded = float("-inf")

    def current(self, algorithm: str = ALGORITHM) -> LiveKey:
        """The key that signs now. One that has grown old announces its successor."""
        keys = self._known(algorithm)
        now = self._clock.now()
        active = [key for key in keys if key.active_from <= now] or [key for key in keys[:1] if key.active_from <= now + BEHIND]
        if not active:
            raise ConfigurationError("There is no signing key that may be used now. Is this machine's clock right?")
        if keys[-1] is active[-1] and now - active[-1].created_at > timedelta(days=self._settings.signing_key_days):
            self.rotate(algorithm=algorithm)
        return self._live_key(active[-1])

    def sign(self, claims: Mapping[str, Any], *, typ: str, algorithm: str = ALGORITHM) -> str:
        """These claims as a signed token (RFC 7515 §7.1), with the `kid` of the key that signs now."""
        return self.current(algorithm).sign(claims, typ)

    def ready(self) -> None:
        """See that there is a key of each algorithm that applications may choose: whoever reads of them finds them in the JWKS."""
        for algorithm in ALGORITHMS:
            self._known(algorithm)

    def public(self, kid: str, algorithm: str = ALGORITHM) -> Any:
        """The public half of a published key of this algorithm; None for any other."""
        key = next((key for key in self.published() if key.kid == kid), None)
        if key is None and time.monotonic() - self._loaded > 1:
            self._load()
            key = next((key for key in self.published() if key.kid == kid), None)
        return self._live_key(key).public if key and key.algorithm == algorithm else None

    def ever(self, kid: str) -> LiveKey | None:
        """A key that signs or has signed here, however long ago: an ID token that comes back as a hint may be old."""
        key = next((key for key in self._keys if key.kid == kid), None)
        if key is None and time.monotonic() - self._loaded > 1:
            self._load()
            key = next((key for key in self._keys if key.kid == kid), None)
        return self._live_key(key) if key else None

    def published(self) -> list[SigningKey]:
        """Keys to publish: announced, active, and those whose last token may still live."""
        self._known(ALGORITHM)
        now = self._clock.now()
        followers: dict[str, SigningKey] = {}
        kept = []
        for key in reversed(self._keys):
            follower = followers.get(key.algorithm)
            if follower is None or now < follower.active_from + KEPT:
                kept.append(key)
            followers[key.algorithm] = key
        return kept[::-1]

    def jwks(self) -> dict[str, Any]:
        """The public halves as a JWK Set (RFC 7517 §5)."""
        return {"keys": [self._live_key(key).jwk for key in self.published()]}

    def rotate(self, *, announced: timedelta = ANNOUNCED, algorithm: str = ALGORITHM) -> SigningKey:
        """Announce a new key, which signs after that time. Where another process was faster, its key is the new one."""
        keys = self._store.signing_keys()
        now = self._clock.now()
        generation = keys[-1].generation + 1 if keys else 1
        first = not any(key.algorithm == algorithm for key in keys)
        pem = _MAKE[algorithm]().as_pem(private=True).decode()
        key = SigningKey(generation, random_token(128), algorithm, pem, now, now if first else now + announced)
        if self._store.add_signing_key(key):
            self._history.record("signing_key_added", kid=key.kid, algorithm=algorithm)
        self._load()
        made = [key for key in self._keys if key.algorithm == algorithm]
        return made[-1] if made else self.rotate(announced=announced, algorithm=algorithm)  # the winner's was of another algorithm

    def _known(self, algorithm: str) -> list[SigningKey]:
        if time.monotonic() - self._loaded > RELOAD_EVERY:
            self._load()
        found = [key for key in self._keys if key.algorithm == algorithm]
        if not found:
            self.rotate(algorithm=algorithm)
            found = [key for key in self._keys if key.algorithm == algorithm]
        return found

    def _load(self) -> None:
        came = time.monotonic()
        with self._turns.taken():
            if self._loaded < came:  # else somebody has since
                begun = time.monotonic()
                self._keys = tuple(self._store.signing_keys())
                self._loaded = begun

    def _live_key(self, key: SigningKey) -> LiveKey:
        live = self._live.get(key.kid)
        if live is None:
            live = self._live[key.kid] = LiveKey.of(key)
        return live
