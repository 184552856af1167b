"""Who signed in, as the ID token says it, and who signed out, as a logout token does."""

from __future__ import annotations

import hmac
import time
from collections.abc import Mapping
from hashlib import sha256, sha512
from typing import Any, Final

from authenticator_client.issuer import Issuer
from authenticator_client.jws import LEEWAY, Opener, base64url

LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
LOGOUT_SECONDS: Final = 300
_ID: Final = frozenset({None, "JWT"})
_LOGOUT: Final = frozenset({"logout+jwt", "application/logout+jwt"})


class IdTokens:
    """Checks the ID tokens and logout tokens that `issuer` made for one application."""

    def __init__(self, issuer: Issuer, client_id: str) -> None:
        self._issuer, self._client_id = issuer, client_id
        self._id = Opener(issuer.keys, _ID, "invalid_id_token")
        self._logout = Opener(issuer.keys, _LOGOUT, "invalid_logout_token")

    def check(self, token: object, *, nonce: str, access_token: str = "", max_age: int | None = None) -> dict[str, Any]:
        """The claims of an ID token that answers this nonce (OpenID Connect Core §3.1.3.7); Refused `invalid_id_token` otherwise."""
        claims = self._id.open(token)
        self._about_us(self._id, claims)
        self._id.times(claims)
        if not isinstance(claims.get("nonce"), str) or not hmac.compare_digest(claims["nonce"].encode(), nonce.encode()):
            self._id.refuse("it answers another sign-in (nonce)")
        if "at_hash" in claims and claims["at_hash"] not in _halves(access_token):
            self._id.refuse("it belongs to another access token (at_hash)")
        since = claims.get("auth_time")
        if max_age is not None and (type(since) is not int or since + max_age + LEEWAY < time.time()):
            self._id.refuse("the sign-in is older than was asked for (auth_time)")
        return claims

    def renewed(self, token: object, before: Mapping[str, Any]) -> dict[str, Any]:
        """The claims of an ID token that came with a refresh: the same person (OpenID Connect Core §12.2)."""
        claims = self._id.open(token)
        self._about_us(self._id, claims)
        self._id.times(claims)
        if claims["sub"] != before.get("sub"):
            self._id.refuse("it is about somebody else (sub)")
        return claims

    def logged_out(self, token: object) -> dict[str, Any]:
        """The claims of a logout token (OpenID Connect Back-Channel Logout §2.6); Refused `invalid_logout_token` otherwise."""
        refuse = self._logout.refuse
        claims = self._logout.open(token)
        if claims.get("iss") != self._issuer.url or not self._is_for_us(claims.get("aud")):
            refuse("it is of another service, or for another application")
        self._logout.times(claims)
        events, subject, session = claims.get("events"), claims.get("sub"), claims.get("sid")
        if claims["iat"] + LOGOUT_SECONDS < time.time():
            refuse("it is too old")
        if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict) or "nonce" in claims:
            refuse("it is no logout token")
        if not isinstance(claims.get("jti"), str) or not claims["jti"]:
            refuse("jti is missing")
        if not (subject or session) or any(one is not None and not (isinstance(one, str) and one) for one in (subject, session)):
            refuse("it names neither a person nor a session")
        return claims

    def _about_us(self, opener: Opener, claims: Mapping[str, Any]) -> None:
        if claims.get("iss") != self._issuer.url:
            opener.refuse("it is of another service (iss)")
        if not self._is_for_us(claims.get("aud")) or claims.get("azp", self._client_id) != self._client_id:
            opener.refuse("it is for another application (aud, azp)")
        if not isinstance(claims.get("sub"), str) or not claims["sub"]:
            opener.refuse("it is about nobody (sub)")

    def _is_for_us(self, audience: object) -> bool:
        """Ours alone: nobody else should be able to show our people's ID tokens around."""
        return audience in (self._client_id, [self._client_id])


def _halves(access_token: str) -> list[str]:
    """OpenID Connect Core §3.1.3.6: the hash is that of the signature's algorithm, SHA-512 for EdDSA and SHA-256 for the others."""
    raw = access_token.encode("ascii", "replace")
    return [base64url(digest[: len(digest) // 2]) for digest in (sha256(raw).digest(), sha512(raw).digest())]
