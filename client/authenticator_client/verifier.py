"""Access tokens, checked without asking the service (RFC 9068)."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from authenticator_client.issuer import Issuer
from authenticator_client.jws import LEEWAY, LONGEST, Opener

REMEMBERED: Final = 4096
MOST_AUDIENCES: Final = 16
ACCESS: Final = frozenset({"at+jwt", "application/at+jwt"})


@dataclass(frozen=True, slots=True)
class Verified:
    """What a good token says: whose it is, what it may be used for, and what its owner may do in this application.

    `session` is empty for an application that speaks for itself; its `subject` then is its client id. `expires_at` is in seconds
    since 1970.
    """

    subject: str
    client: str
    session: str
    expires_at: int
    scopes: frozenset[str]
    permissions: frozenset[str]
    roles: frozenset[str]
    claims: Mapping[str, Any] = field(repr=False)

    def may(self, permission: str) -> bool:
        return permission in self.permissions


class Verifier:
    """Checks access tokens that `issuer` made for `audience`: the client id of the application, or the resource that it registered.

    `revoked` is asked about each good token, for applications that can't wait the two minutes until it ends by itself;
    see `Introspection`. `remember` is for how many seconds the check of the same bytes is not repeated (0: never);
    whether it is over or revoked is looked at each time. Threads may share a verifier; make one for each process.
    """

    def __init__(
        self,
        issuer: str | Issuer,
        audience: str,
        *,
        revoked: Callable[[str, Verified], bool] | None = None,
        remember: float = 5.0,
    ) -> None:
        if not audience:
            raise ValueError("a verifier needs its audience: a token for another application must not pass")
        self.issuer = issuer if isinstance(issuer, Issuer) else Issuer(issuer)
        self.audience = audience
        self._revoked, self._remember = revoked, remember
        self._opener = Opener(self.issuer.keys, ACCESS)
        self._lock = threading.Lock()
        self._known: dict[bytes, tuple[float, Verified]] = {}

    def check(self, token: str) -> Verified:
        """What the token says. Refused: `invalid_token`, `token_expired`, `token_revoked`; Unavailable if the keys can't be fetched."""
        found = self._recalled(token) if self._remember else self._verified(token)
        if self._revoked is not None and self._revoked(token, found):
            self._opener.refuse("it was taken back", "token_revoked")
        return found

    def _recalled(self, token: str) -> Verified:
        if not isinstance(token, str) or len(token) > LONGEST:
            self._opener.refuse("it is too long, or no text")
        name, now = hashlib.sha256(token.encode("utf-8", "replace")).digest(), time.monotonic()
        known = self._known.get(name)
        if known and known[0] > now:
            if known[1].expires_at + LEEWAY < time.time():
                self._opener.refuse("it is over", "token_expired")
            return known[1]
        found = self._verified(token)
        with self._lock:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[name] = now + self._remember, found
        return found

    def _verified(self, token: str) -> Verified:
        opener = self._opener
        claims = opener.open(token)
        if claims.get("iss") != self.issuer.url:
            opener.refuse("it is of another service (iss)")
        if not self._is_for_us(claims.get("aud")):
            opener.refuse("it is for another application (aud)")
        expires, subject, client = opener.times(claims), claims.get("sub"), claims.get("client_id")
        if not _text(subject) or not _text(client) or not _text(claims.get("jti")):
            opener.refuse("sub, client_id or jti is missing")
        if "cnf" in claims:
            opener.refuse("it is bound to a key, so it is worth nothing as a bearer's (RFC 9449 §7.2)")
        session, scope = claims.get("sid", ""), claims.get("scope", "")
        if not isinstance(session, str) or not isinstance(scope, str):
            opener.refuse("sid or scope is no text")
        permissions, roles = self._names(claims, "permissions"), self._names(claims, "roles")
        return Verified(str(subject), str(client), session, expires, frozenset(scope.split()), permissions, roles, claims)

    def _is_for_us(self, audience: object) -> bool:
        """Exactly ours, or a short list in which ours is."""
        if isinstance(audience, list) and len(audience) <= MOST_AUDIENCES and all(isinstance(one, str) for one in audience):
            return self.audience in audience
        return isinstance(audience, str) and audience == self.audience

    def _names(self, claims: Mapping[str, Any], claim: str) -> frozenset[str]:
        found = claims.get(claim, ())
        if not isinstance(found, list | tuple) or not all(isinstance(one, str) for one in found):
            self._opener.refuse(f"{claim} is no list of names")
        return frozenset(found)


def _text(value: object) -> bool:
    return isinstance(value, str) and value != ""
