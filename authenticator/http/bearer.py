"""Access tokens as they come in: what their bytes say, what bounds them, and whether their session is still open."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass
from typing import Any, Final

import jwt

from authenticator.clock import LEEWAY
from authenticator.errors import AuthError
from authenticator.flows.access import COMPACT, LONGEST, TYPE
from authenticator.flows.signing import lower
from authenticator.service import Service
from authenticator.settings import LONGEST_TOKEN

OWN_CLIENT: Final = "authenticator"  # client_id of tokens that no registered application asked for (RFC 9068 §2.2)
CACHED_SECONDS: Final = 5.0
CACHED_TOKENS: Final = 4096
# the service's own clock decides about times, not the machine's: `_believed`
_OPTIONS: Final[Any] = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "require": ["exp", "iat", "sub", "jti", "iss", "aud"],
}


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified bearer token says. `all` holds every claim.

    `scopes` is what it may be used for; None means everything that its session may, which only our own tokens do. `client` is who
    asked for it.
    """

    subject: str
    session: str
    expires_at: int
    all: dict[str, Any]
    scopes: frozenset[str] | None = None
    client: str = OWN_CLIENT


class Checks:
    """Verifies access tokens without a framework around it.

    The check of a token's bytes is kept for a few seconds by their SHA-256; whether its session has ended is
    asked anew each time.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._lock = threading.Lock()
        self._checked: dict[bytes, tuple[float, Claims]] = {}

    def check(self, token: str) -> Claims:
        """The claims of a valid token whose session is open; AuthError `invalid_token`, `token_expired` or `token_revoked`."""
        claims = self._cached(token)
        self._service.require_open(claims.session)
        return claims

    def _cached(self, token: str) -> Claims:
        if len(token) > LONGEST:
            raise AuthError("invalid_token")
        name = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        known = self._checked.get(name)
        if known and known[0] > time.monotonic():
            if known[1].expires_at + LEEWAY < self._service.core.clock.now().timestamp():
                raise AuthError("token_expired")
            return known[1]
        if not COMPACT.fullmatch(token) or lower(token) != token:
            raise AuthError("invalid_token")
        claims = self._verified(token)
        with self._lock:
            if len(self._checked) >= CACHED_TOKENS:
                self._checked.clear()
            self._checked[name] = (time.monotonic() + CACHED_SECONDS, claims)
        return claims

    def _verified(self, token: str) -> Claims:
        settings = self._service.settings
        try:
            header = jwt.get_unverified_header(token)
            decoded: dict[str, Any] = jwt.decode(
                token,
                self._key_for(header),
                algorithms=["ES256"],
                audience=settings.token_audience,
                issuer=settings.public_url,
                options=_OPTIONS,
            )
        except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            raise AuthError("invalid_token") from None
        return self._believed(decoded)

    def _believed(self, decoded: dict[str, Any]) -> Claims:
        """What the library leaves open: exact types, exact audience, no time in the future, no life longer than ours."""
        expires, issued, starts = decoded.get("exp"), decoded.get("iat"), decoded.get("nbf", 0)
        if type(expires) is not int or type(issued) is not int or type(starts) is not int:
            raise AuthError("invalid_token")
        now = self._service.core.clock.now().timestamp()
        if not all(isinstance(decoded.get(claim), str) and decoded[claim] for claim in ("sub", "sid", "jti", "client_id")):
            raise AuthError("invalid_token")  # a token without a session speaks for no person
        scopes, longest = self._bounds(decoded)
        if max(issued, starts) > now + LEEWAY or expires - issued > longest:
            raise AuthError("invalid_token")
        if expires + LEEWAY < now:
            raise AuthError("token_expired")
        return Claims(decoded["sub"], decoded["sid"], expires, decoded, scopes, decoded["client_id"])

    def _bounds(self, decoded: dict[str, Any]) -> tuple[frozenset[str] | None, int]:
        """What a token may be used for, and how long it may live at the most.

        An application's token is bounded by its scopes; one that is bound to a key is worth nothing as a bearer's (RFC 9449 §7.2).
        """
        settings, scope = self._service.settings, decoded.get("scope")
        own = decoded["client_id"] == OWN_CLIENT
        if own and (decoded.get("aud") != settings.token_audience or decoded.get("type") != "access"):
            raise AuthError("invalid_token")
        if "cnf" in decoded or not (isinstance(scope, str) or (own and scope is None)):
            raise AuthError("invalid_token")
        return None if scope is None else frozenset(scope.split()), settings.access_token_seconds if own else LONGEST_TOKEN

    def _key_for(self, header: dict[str, Any]) -> Any:
        """The published key of this kid; keys that a token brings along (jwk, jku, x5u) are not looked at (RFC 8725 §3.10)."""
        kid = header.get("kid")
        key = self._service.keys.public(kid) if isinstance(kid, str) and header.get("typ") == TYPE and "crit" not in header else None
        if key is None:
            raise jwt.InvalidKeyError("no such key")
        return key
