"""What an OpenID issuer publishes about itself, its metadata and its keys, kept for a while (OpenID Connect Discovery, RFC 8414, RFC 7517)."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, RSAKey

from authenticator.kit import Kit
from authenticator.web_client import BadAnswer

KEEP = timedelta(hours=1)
PAUSE = timedelta(minutes=1)  # between fetches for unknown keys
KEYS = 100


@dataclass(frozen=True, slots=True)
class Metadata:
    """An issuer's own description: its endpoints, all of them checked, and whether it always says `iss` in the callback."""

    authorize: str
    token: str
    profile: str
    keys: str
    says_issuer: bool


@dataclass(frozen=True, slots=True)
class _Held:
    at: datetime
    value: Any


class Issuer:
    """One issuer, asked when needed. Two threads that ask at once both fetch: nobody waits for another's slow call."""

    def __init__(self, kit: Kit, issuer: str) -> None:
        self._kit, self._issuer = kit, issuer
        self._lock = threading.Lock()
        self._metadata: _Held | None = None
        self._keys: _Held | None = None
        self._asked: datetime | None = None

    def metadata(self) -> Metadata:
        """Where things are; BadAnswer if the document is another issuer's or leads away from https."""
        held = self._fresh(self._metadata)
        if held is None:
            document = self._object(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
            held = self._metadata = _Held(self._kit.clock.now(), self._read(document))
        metadata: Metadata = held.value
        return metadata

    def _read(self, document: Mapping[str, Any]) -> Metadata:
        if document.get("issuer") != self._issuer:
            raise BadAnswer("the metadata is another issuer's")  # OpenID Connect Discovery §4.3
        return Metadata(
            authorize=self._url(document, "authorization_endpoint"),
            token=self._url(document, "token_endpoint"),
            profile=self._url(document, "userinfo_endpoint") if document.get("userinfo_endpoint") else "",
            keys=self._url(document, "jwks_uri"),
            says_issuer=document.get("authorization_response_iss_parameter_supported") is True,
        )

    def _url(self, document: Mapping[str, Any], name: str) -> str:
        url, emulator = document.get(name), self._kit.emulator_url
        # While the emulator stands in, nothing may lead to the real provider, nor the other way round.
        good = isinstance(url, str) and url.isprintable() and (url.startswith(f"{emulator}/") if emulator else self._kit.http.allows(url))
        if not good:
            raise BadAnswer(f"the metadata has no usable {name}")
        return str(url)

    def key(self, kid: str | None, algorithm: str) -> Key | None:
        """The key for a signature. An unknown one is looked for once more, at most once a minute (SECURITY: unknown kid)."""
        held = self._fresh(self._keys)
        if held is None:
            held = self._fetch_keys()
        found = _choose(held.value, kid, algorithm)
        if found is None and self._may_ask():
            found = _choose(self._fetch_keys().value, kid, algorithm)
        return found

    def _fetch_keys(self) -> _Held:
        with self._lock:
            self._asked = self._kit.clock.now()
        document = self._object(self.metadata().keys)
        entries = document.get("keys")
        if not isinstance(entries, list) or len(entries) > KEYS:
            raise BadAnswer("the key set is none")
        self._keys = _Held(self._kit.clock.now(), tuple(key for entry in entries if (key := _imported(entry))))
        return self._keys

    def _may_ask(self) -> bool:
        now = self._kit.clock.now()
        with self._lock:
            if self._asked is not None and now - self._asked < PAUSE:
                return False
            self._asked = now
            return True

    def _fresh(self, held: _Held | None) -> _Held | None:
        return held if held and self._kit.clock.now() - held.at < KEEP else None

    def _object(self, url: str) -> dict[str, Any]:
        answer = self._kit.http.get(url)
        if answer.status != 200:
            raise BadAnswer(f"status {answer.status}")
        return answer.object()


def _imported(entry: Any) -> Key | None:
    """A public key for signatures, strong enough; None for whatever else a key set may hold (RFC 7517 §5)."""
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return None
    try:
        if entry.get("kty") == "RSA":
            key = RSAKey.import_key(entry)
            return key if key.raw_value.key_size >= 2048 else None
        return ECKey.import_key(entry) if entry.get("kty") == "EC" and entry.get("crv") == "P-256" else None
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def _choose(keys: Collection[Key], kid: str | None, algorithm: str) -> Key | None:
    """The key that `kid` names; without `kid` only if there is no choice. Its type must be the algorithm's (RFC 8725 §3.1)."""
    kind = "EC" if algorithm.startswith("ES") else "RSA"
    fit = [key for key in keys if key.key_type == kind and key.get("alg", algorithm) == algorithm]
    named = fit if kid is None else [key for key in fit if key.get("kid") == kid]
    return named[0] if len(named) == 1 else None
