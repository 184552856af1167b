"""Access tokens: issued and checked through Flask-JWT-Extended, with the published keys, and the JWKS itself."""

from __future__ import annotations

import base64
import hashlib
import re
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt
from flask import Blueprint, Flask, Response, current_app, jsonify
from flask_jwt_extended import JWTManager, create_access_token, decode_token
from flask_jwt_extended.exceptions import JWTExtendedException

from authenticator.errors import AuthError
from authenticator.flows.outcomes import Signed
from authenticator.flows.sessions import shows_two_factors
from authenticator.service import Service

LEEWAY = 10  # seconds that clocks may differ (RFC 9068 §4, SECURITY.md 52)
TYPE = "at+jwt"
OWN_CLIENT = "authenticator"  # client_id of tokens that no registered application asked for (RFC 9068 §2.2)
CENTURY = 100 * 365 * 86_400  # the library asks the machine's time; the service's own clock decides, in `_believed`
CACHED_SECONDS = 5.0
CACHED_TOKENS = 4096
LONGEST = 4096  # characters of a token worth looking at
COMPACT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]{85}[AQgw]", re.ASCII)  # no padding, no spare bits: each token has one spelling (RFC 7515 §2)
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256
RESERVED = frozenset(
    {"iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp", "auth_time", "amr", "acr", "client_id", "scope", "type", "fresh", "csrf"}
)


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified access token says. `all` holds every claim."""

    subject: str
    session: str
    expires_at: int
    all: dict[str, Any]


class Tokens:
    """Issues and checks the access tokens of one service.

    The check of a token's bytes is kept for a few seconds by their SHA-256; whether its session has ended is
    asked anew each time.
    """

    def __init__(self, app: Flask, service: Service) -> None:
        self._service = service
        self._lock = threading.Lock()
        self._checked: dict[bytes, tuple[float, Claims]] = {}
        settings = service.settings
        app.config.update(
            JWT_ALGORITHM="ES256",
            JWT_DECODE_ALGORITHMS=["ES256"],
            JWT_DECODE_LEEWAY=CENTURY,
            JWT_ENCODE_ISSUER=settings.public_url,
            JWT_DECODE_ISSUER=settings.public_url,
            JWT_ENCODE_AUDIENCE=settings.token_audience,
            JWT_DECODE_AUDIENCE=settings.token_audience,
            JWT_ACCESS_TOKEN_EXPIRES=timedelta(seconds=settings.access_token_seconds),
            JWT_COOKIE_CSRF_PROTECT=False,
            JWT_PRIVATE_KEY="in the store",
            JWT_PUBLIC_KEY="in the store",
        )
        manager = JWTManager(app)
        manager.encode_key_loader(lambda _identity: self._service.keys.current().private)
        manager.decode_key_loader(self._key_for)
        manager.additional_headers_loader(lambda _identity: {"typ": TYPE, "kid": self._service.keys.current().kid})

    def issue(self, signed: Signed) -> str:
        """An access token for a session (RFC 9068)."""
        session = signed.session
        moment = self._service.core.clock.now()
        now = int(moment.timestamp())
        claims: dict[str, Any] = {
            "iat": now,
            "nbf": now,
            "exp": now + self._service.settings.access_token_seconds,
            "sid": session.id,
            "auth_time": int(session.auth_time.timestamp()),
            "amr": list(session.amr),
            "acr": "2" if shows_two_factors(session, moment) else "1",
            "client_id": OWN_CLIENT,
        }
        claims |= self._further_claims(signed)
        return lower(create_access_token(signed.user.id, additional_claims=claims))

    def _further_claims(self, signed: Signed) -> dict[str, Any]:
        hook = self._service.core.registry.hooks.auth_claims
        if not hook.get_hookimpls():
            return {}
        merged: dict[str, Any] = {}
        for claims in hook(user=signed.user, audience=self._service.settings.token_audience, scopes=()):
            clash = (RESERVED | set(merged)) & set(claims or {})
            if clash:
                raise ValueError(f"two plug-ins, or a plug-in and the core, give the claims {', '.join(sorted(clash))}")
            merged |= claims or {}
        return merged

    def check(self, token: str) -> Claims:
        """The claims of a valid token whose session is open; AuthError `invalid_token`, `token_expired` or `token_revoked`."""
        claims = self._cached(token)
        self._service.require_open(claims.session)
        return claims

    def _cached(self, token: str) -> Claims:
        if len(token) > LONGEST or not COMPACT.fullmatch(token) or lower(token) != token:
            raise AuthError("invalid_token")
        name = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        known = self._checked.get(name)
        if known and known[0] > time.monotonic():
            if known[1].expires_at + LEEWAY < self._service.core.clock.now().timestamp():
                raise AuthError("token_expired")
            return known[1]
        claims = self._verified(token)
        with self._lock:
            if len(self._checked) >= CACHED_TOKENS:
                self._checked.clear()
            self._checked[name] = (time.monotonic() + CACHED_SECONDS, claims)
        return claims

    def _verified(self, token: str) -> Claims:
        try:
            decoded: dict[str, Any] = decode_token(token, allow_expired=True)
        except (jwt.PyJWTError, JWTExtendedException, ValueError, TypeError, KeyError, OverflowError, RecursionError):
            raise AuthError("invalid_token") from None
        return self._believed(decoded)

    def _believed(self, decoded: dict[str, Any]) -> Claims:
        """What the libraries leave open: exact types, exact audience, no time in the future, no life longer than ours."""
        expires, issued, starts = decoded.get("exp"), decoded.get("iat"), decoded.get("nbf", 0)
        if type(expires) is not int or type(issued) is not int or type(starts) is not int:
            raise AuthError("invalid_token")
        settings, now = self._service.settings, self._service.core.clock.now().timestamp()
        named = all(isinstance(decoded.get(claim), str) and decoded[claim] for claim in ("sub", "sid", "jti"))
        if not named or decoded.get("aud") != settings.token_audience or decoded.get("type") != "access":
            raise AuthError("invalid_token")
        if max(issued, starts) > now + LEEWAY or expires - issued > settings.access_token_seconds:
            raise AuthError("invalid_token")
        if expires + LEEWAY < now:
            raise AuthError("token_expired")
        return Claims(decoded["sub"], decoded["sid"], expires, decoded)

    def _key_for(self, header: dict[str, Any], _payload: dict[str, Any]) -> Any:
        """The published key of this kid; keys that a token brings along (jwk, jku, x5u) are not looked at (RFC 8725 §3.10)."""
        kid = header.get("kid")
        key = self._service.keys.public(kid) if isinstance(kid, str) and header.get("typ") == TYPE and "crit" not in header else None
        if key is None:
            raise jwt.InvalidKeyError("no such key")
        return key


def lower(token: str) -> str:
    """The same token with the lower of its two valid ECDSA signatures, so that nobody can make another one of it."""
    head, _, text = token.rpartition(".")
    signature = base64.urlsafe_b64decode(f"{text}==")
    s = int.from_bytes(signature[32:])
    lowered = signature[:32] + (ORDER - s).to_bytes(32) if ORDER // 2 < s < ORDER else signature
    return f"{head}.{base64.urlsafe_b64encode(lowered).rstrip(b'=').decode()}"


def tokens() -> Tokens:
    """The tokens of the service that answers this request."""
    found: Tokens = current_app.extensions["authenticator_tokens"]
    return found


def blueprint() -> Blueprint:
    """GET /.well-known/jwks.json."""
    routes = Blueprint("keys", __name__)

    @routes.get("/.well-known/jwks.json")
    def jwks() -> Response:
        service: Service = current_app.extensions["authenticator"]
        answer = jsonify(service.keys.jwks())
        answer.headers["Cache-Control"] = "public, max-age=600"
        return answer

    return routes
