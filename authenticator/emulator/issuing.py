"""Codes, access tokens and ID tokens of the emulator: single use, short life, PKCE, as a careful provider has them."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from authenticator.clock import Clock
from authenticator.crypto import half_hash, random_token, same
from authenticator.emulator.faults import changed_claims, changed_person
from authenticator.kinds.oauth import OAuthProvider
from authenticator.kinds.people import Person

CODE_LIFE = timedelta(seconds=60)
TOKEN_LIFE = timedelta(hours=1)
Claims = dict[str, Any]
UNSIGNED = "eyJhbGciOiJub25lIn0"  # {"alg":"none"}


@dataclass(frozen=True, slots=True)
class Grant:
    """What a person has allowed: who, to whom, and under which fault."""

    provider: type[OAuthProvider]
    person: Person
    fault: str
    client_id: str
    redirect_uri: str
    nonce: str
    challenge: str
    expires_at: datetime
    secret: str = field(default="", repr=False)


class Refused(Exception):
    """A request that the emulator refuses, as an error code of RFC 6749 §5.2."""

    def __init__(self, error: str, status: int = 400) -> None:
        self.error, self.status = error, status
        super().__init__(error)


class Issuing:
    """Everything the emulator has given out, in memory."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._codes: dict[str, Grant] = {}
        self._tokens: dict[str, Grant] = {}
        self._lock = threading.Lock()
        self.key = _new_key()

    def code(self, **facts: Any) -> str:
        """A code for a new grant."""
        return self._put(self._codes, Grant(expires_at=self._clock.now() + CODE_LIFE, **facts))

    def redeem(self, provider: type[OAuthProvider], form: dict[str, str], client_id: str, secret: str) -> Grant:
        """The grant behind a code, once; Refused if anything about the request is not as the authorization was."""
        with self._lock:
            grant = self._codes.pop(form.get("code", ""), None)
        if grant is None or grant.provider is not provider or grant.expires_at <= self._clock.now():
            raise Refused("invalid_grant")
        if grant.client_id != client_id or grant.redirect_uri != form.get("redirect_uri"):
            raise Refused("invalid_grant")
        if grant.challenge and create_s256_code_challenge(form.get("code_verifier", "")) != grant.challenge:
            raise Refused("invalid_grant")
        return Grant(**{name: getattr(grant, name) for name in Grant.__slots__} | {"secret": secret})

    def access_token(self, grant: Grant) -> str:
        """An access token for a redeemed grant."""
        facts = {name: getattr(grant, name) for name in Grant.__slots__} | {"expires_at": self._clock.now() + TOKEN_LIFE}
        return self._put(self._tokens, Grant(**facts))

    def allowed(self, provider: type[OAuthProvider], token: str, proof: str) -> Grant:
        """The grant behind an access token; Refused if there is none, or its proof of the client secret is missing."""
        grant = self._tokens.get(token)
        if grant is None or grant.provider is not provider or grant.expires_at <= self._clock.now():
            raise Refused("invalid_token", 401)
        if provider.app_proof and not same(proof, hmac.new(grant.secret.encode(), token.encode(), hashlib.sha256).hexdigest()):
            raise Refused("invalid_request")
        return grant

    def revoke(self, token: str) -> None:
        """Forget a token; an unknown one is no error (RFC 7009 §2.2)."""
        self._tokens.pop(token, None)

    def profile(self, grant: Grant) -> Claims:
        """What the provider's own endpoint says about the person."""
        profile = grant.provider.example(changed_person(grant.person, grant.fault))
        if grant.fault == "missing_subject":
            for body in (profile, profile.get("data", {})):
                body.pop("id", None)
                body.pop("sub", None)
        return profile | ({"sub": "somebody-else"} if grant.fault == "other_userinfo" else {})

    def id_token(self, grant: Grant, issuer: str, access: str, tamper: Callable[[Claims], Claims] | None) -> str:
        """A signed ID token (OpenID Connect Core §2), or what the fault makes of it."""
        now = int(self._clock.now().timestamp())
        claims = grant.provider.example(changed_person(grant.person, grant.fault)) | {
            "iss": issuer, "aud": grant.client_id, "azp": grant.client_id, "iat": now, "exp": now + 3600, "at_hash": half_hash(access)
        }  # fmt: skip
        claims = changed_claims(claims | ({"nonce": grant.nonce} if grant.nonce else {}), grant.fault)
        claims = tamper(claims) if tamper else claims
        if grant.fault == "rotated_key":
            self.rotate()
        key = _new_key() if grant.fault == "foreign_key" else self.key
        token = jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, key, algorithms=["RS256"])
        return f"{UNSIGNED}.{token.split('.')[1]}." if grant.fault == "unsigned" else token

    def rotate(self) -> None:
        """Sign with a new key from now on, and publish only that."""
        self.key = _new_key()

    def key_set(self) -> Any:
        """The public keys."""
        return KeySet([self.key]).as_dict(private=False, use="sig", alg="RS256")

    def _put(self, shelf: dict[str, Grant], grant: Grant) -> str:
        token, now = random_token(), self._clock.now()
        with self._lock:
            for old in [name for name, held in shelf.items() if held.expires_at <= now]:
                del shelf[old]
            shelf[token] = grant
        return token


def _new_key() -> RSAKey:
    return RSAKey.generate_key(2048, auto_kid=True)
