"""One service: where its endpoints are (OpenID Connect Discovery), and its keys."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any, Final

from authenticator_client import web
from authenticator_client.errors import Unavailable
from authenticator_client.keys import Keys

FRESH_SECONDS: Final = 600.0
AGAIN_SECONDS: Final = 5.0
ENDPOINTS: Final = frozenset(
    {
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
        "end_session_endpoint",
        "introspection_endpoint",
        "revocation_endpoint",
    }
)


class Issuer:
    """The service at this URL. Nothing is fetched before it is needed; what was fetched serves for ten minutes, and while it is away."""

    def __init__(self, url: str) -> None:
        self.url = web.proper(url)
        self.keys = Keys(self._key_set)
        self._lock = threading.Lock()
        self._known: Mapping[str, Any] = {}
        self._why = f"{self.url} does not say where its endpoints are"
        self._got_at = self._tried_at = float("-inf")

    def endpoint(self, name: str) -> str:
        """The URL of `token_endpoint` and the like; Unavailable if the service has none."""
        found = self.metadata().get(name)
        if not found:
            raise Unavailable(f"{self.url} has no {name}")
        return str(found)

    def metadata(self) -> Mapping[str, Any]:
        """What the service says about itself."""
        if self._is_due() and self._lock.acquire(blocking=not self._known):  # who knows nothing waits for who is asking
            try:
                if self._is_due():
                    self._learn()
            finally:
                self._lock.release()
        if not self._known:
            raise Unavailable(self._why)
        return self._known

    def _is_due(self) -> bool:
        now = time.monotonic()
        return now - self._got_at > FRESH_SECONDS and now - self._tried_at > AGAIN_SECONDS

    def _learn(self) -> None:
        place = f"{self.url.rstrip('/')}/.well-known/openid-configuration"
        try:
            status, found = web.get(place)
            if status != 200:
                raise Unavailable(f"{place} answers {status}")
            self._believe(found)
        except Unavailable as fault:
            self._why = str(fault)
        else:
            self._known, self._got_at = found, time.monotonic()
        finally:
            self._tried_at = time.monotonic()  # at the end, so that those who waited through a time-out do not each begin another

    def _believe(self, found: Mapping[str, Any]) -> None:
        """Unavailable unless it speaks for itself (OpenID Connect Discovery §4.3) and names only endpoints that secrets may be sent to."""
        if found.get("issuer") != self.url:
            raise Unavailable(f"the service at {self.url} calls itself {found.get('issuer')!r}: the issuer has to be spelt exactly so")
        try:
            for name in sorted(ENDPOINTS & set(found)):
                web.proper(found[name])
        except ValueError as error:
            raise Unavailable(f"the service at {self.url} names an endpoint that nothing is sent to: {error}") from None

    def _key_set(self) -> Mapping[str, Any]:
        status, found = web.get(self.endpoint("jwks_uri"))
        if status != 200:
            raise Unavailable(f"{self.url} does not show its keys: {status}")
        return found
