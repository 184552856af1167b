"""Whether a token was taken back since it was made: asked at the service (RFC 7662), for applications that can't wait till it ends."""

from __future__ import annotations

import hashlib
import threading
import time
from typing import Final

from authenticator_client import web
from authenticator_client.errors import Unavailable
from authenticator_client.issuer import Issuer
from authenticator_client.verifier import Verified

REMEMBERED: Final = 4096


class Introspection:
    """Give it to a verifier as `revoked`. An answer serves for `seconds`; a service that does not answer lets nobody in (Unavailable)."""

    def __init__(self, issuer: Issuer, client_id: str, client_secret: str, *, seconds: float = 1.0) -> None:
        self._issuer, self._auth, self._seconds = issuer, web.basic(client_id, client_secret), seconds
        self._lock = threading.Lock()
        self._known: dict[bytes, tuple[float, bool]] = {}

    def __call__(self, token: str, verified: Verified) -> bool:
        name, now = hashlib.sha256(token.encode()).digest(), time.monotonic()
        known = self._known.get(name)
        if known and known[0] > now:
            return known[1]
        ended = not self._is_active(token)
        with self._lock:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[name] = now + self._seconds, ended
        return ended

    def _is_active(self, token: str) -> bool:
        fields = {"token": token, "token_type_hint": "access_token"}
        status, body = web.post(self._issuer.endpoint("introspection_endpoint"), fields, self._auth)
        if status != 200 or not isinstance(body.get("active"), bool):
            raise Unavailable(f"the service does not say whether a token is still good: {status}")
        return bool(body["active"])
