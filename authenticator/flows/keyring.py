"""The keys that sign tokens: one active, the next announced, the last still trusted until its tokens are gone."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
from joserfc.jwk import ECKey

from authenticator.clock import Clock
from authenticator.crypto import random_token
from authenticator.errors import ConfigurationError
from authenticator.flows.history import History
from authenticator.models import SigningKey
from authenticator.settings import Settings
from authenticator.storage.port import Store

ALGORITHM = "ES256"
ANNOUNCED = timedelta(seconds=600)  # how long a key stands in the JWKS before it signs: the time that others may cache it
RELOAD_EVERY = 30.0  # seconds


@dataclass(frozen=True)
class LiveKey:
    """A key ready to use."""

    kid: str
    private: EllipticCurvePrivateKey = field(repr=False)
    public: EllipticCurvePublicKey = field(repr=False)


class KeyRing:
    """Signing keys of all processes, kept sealed in the store. A race to make one has one winner."""

    def __init__(self, store: Store, clock: Clock, settings: Settings, history: History) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._history = history
        self._lock = threading.Lock()
        self._keys: tuple[SigningKey, ...] = ()
        self._live: dict[str, LiveKey] = {}
        self._loaded = float("-inf")

    def current(self) -> LiveKey:
        """The key that signs now. One that has grown old announces its successor."""
        keys = self._known()
        now = self._clock.now()
        active = [key for key in keys if key.active_from <= now]
        if not active:
            raise ConfigurationError("There is no signing key that may be used now. Is this machine's clock right?")
        if keys[-1] is active[-1] and now - active[-1].created_at > timedelta(days=self._settings.signing_key_days):
            self.rotate()
        return self._live_key(active[-1])

    def public(self, kid: str) -> EllipticCurvePublicKey | None:
        """The public half of a published key; None for any other."""
        key = next((key for key in self.published() if key.kid == kid), None)
        if key is None and time.monotonic() - self._loaded > 1:
            self._load()
            key = next((key for key in self.published() if key.kid == kid), None)
        return self._live_key(key).public if key else None

    def published(self) -> list[SigningKey]:
        """Keys to publish: announced, active, and those whose last token may still live."""
        keys = self._known()
        now = self._clock.now()
        life = timedelta(seconds=self._settings.access_token_seconds + 60)
        followers = [*keys[1:], None]
        return [key for key, follower in zip(keys, followers, strict=True) if follower is None or now < follower.active_from + life]

    def jwks(self) -> dict[str, Any]:
        """The public halves as a JWK Set (RFC 7517 §5)."""
        return {"keys": [_public_jwk(key) for key in self.published()]}

    def rotate(self, *, announced: timedelta = ANNOUNCED) -> SigningKey:
        """Announce a new key, which signs after that time. Where another process was faster, its key is the new one."""
        keys = self._store.signing_keys()
        now = self._clock.now()
        generation = keys[-1].generation + 1 if keys else 1
        made = ECKey.generate_key("P-256", private=True)
        pem = made.as_pem(private=True).decode()
        key = SigningKey(generation, random_token(128), ALGORITHM, pem, now, now + announced if keys else now)
        if self._store.add_signing_key(key):
            self._history.record("signing_key_added", kid=key.kid)
        self._load()
        return self._keys[-1]

    def _known(self) -> tuple[SigningKey, ...]:
        if time.monotonic() - self._loaded > RELOAD_EVERY:
            self._load()
        if not self._keys:
            self.rotate()
        return self._keys

    def _load(self) -> None:
        with self._lock:
            self._keys = tuple(self._store.signing_keys())
            self._loaded = time.monotonic()

    def _live_key(self, key: SigningKey) -> LiveKey:
        live = self._live.get(key.kid)
        if live is None:
            imported = ECKey.import_key(key.private_pem)
            live = self._live[key.kid] = LiveKey(key.kid, imported.private_key, imported.public_key)  # type: ignore[arg-type]
        return live


def _public_jwk(key: SigningKey) -> dict[str, Any]:
    public = ECKey.import_key(key.private_pem).as_dict(private=False)
    return {**public, "kid": key.kid, "alg": key.algorithm, "use": "sig"}
