"""Providers that speak OpenID Connect: the code flow again, and an ID token that is checked before anything in it is believed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import Key
from joserfc.jws import JWSRegistry
from joserfc.jwt import ClaimsOption, JWTClaimsRegistry

from authenticator.clock import LEEWAY
from authenticator.crypto import half_hash, same
from authenticator.kinds.base import Identity, Visit
from authenticator.kinds.issuer import Issuer
from authenticator.kinds.oauth import OAuthProvider, Tokens, Untrusted
from authenticator.kinds.people import Person
from authenticator.web_client import json_object


class OIDCProvider(OAuthProvider):
    """An issuer; everything else it says itself at its discovery address.

    `algorithms` (all of SHA-256) is what it may sign with, never what a token says. `more_issuers` are further spellings of `iss` in
    its ID tokens. `use_userinfo` asks the userinfo endpoint for what the ID token leaves out.
    """

    scope = "openid email profile"
    algorithms: ClassVar[tuple[str, ...]] = ("RS256", "ES256")
    more_issuers: ClassVar[tuple[str, ...]] = ()
    use_userinfo: ClassVar[bool] = False

    # What a provider may supply

    def check_claims(self, claims: Mapping[str, Any]) -> None:
        """Refuse signed claims for reasons of this provider's own: raise Untrusted, or AuthError with a sentence for people."""

    def email_proven(self, claims: Mapping[str, Any]) -> bool:
        """Whether the provider has shown that the mailbox is hers. Only the boolean true counts: "true" and 1 do not."""
        return claims.get("email_verified") is True

    def subject(self, profile: Mapping[str, Any]) -> Any:
        return profile.get("sub")

    def identity(self, profile: Mapping[str, Any]) -> Identity:
        """From the standard claims (OpenID Connect Core §5.1)."""
        words: dict[str, Any] = {
            name: profile.get(name) or "" for name in ("email", "given_name", "family_name", "name", "picture", "locale")
        }
        return Identity(**words, email_proven=self.email_proven(profile))

    @classmethod
    def example(cls, person: Person) -> dict[str, Any]:
        """Standard claims, without those that the emulator adds to every ID token."""
        claims = {"sub": person.subject(cls.name), "name": person.name, "given_name": person.given_name, "family_name": person.family_name}
        return claims | ({"email": person.email, "email_verified": person.email_verified} if person.email else {})

    # The checks

    @cached_property
    def published(self) -> Issuer:
        """The issuer's metadata and keys, kept as long as this provider lives."""
        return Issuer(self.kit, self.place(self.issuer))

    def endpoint(self, name: str) -> str:
        return str(getattr(self.published.metadata(), name))

    def request(self, visit: Visit, keep: Mapping[str, str]) -> dict[str, str]:
        return super().request(visit, keep) | {"nonce": keep["nonce"]}

    def check_callback(self, answer: Mapping[str, str]) -> None:
        super().check_callback(answer)
        if "iss" not in answer and self.published.metadata().says_issuer:
            raise Untrusted("no iss in the callback")  # an issuer that promises it and is silent may be another one

    def verify(self, tokens: Tokens, keep: Mapping[str, Any]) -> Mapping[str, Any]:
        """The ID token's claims, every one that matters checked (OpenID Connect Core §3.1.3.7)."""
        text = tokens.answer.get("id_token")
        if not isinstance(text, str) or text.count(".") != 2:
            raise Untrusted("no ID token")
        claims = self._signed(text)
        self._check(claims, keep["nonce"])
        if "at_hash" in claims and claims["at_hash"] != half_hash(tokens.access):
            raise Untrusted("at_hash does not fit the access token")
        self.check_claims(claims)
        return claims

    def _signed(self, text: str) -> dict[str, Any]:
        """The payload, once its signature holds under a key of the issuer's own (RFC 8725 §3.1: our algorithms, not the token's)."""

        def key(token: Any) -> Key:
            header = token.headers()  # jku, jwk, x5u and x5c in it are never followed
            kid = header.get("kid")
            found = self.published.key(kid, header["alg"]) if header.get("alg") in self.algorithms and isinstance(kid, str | None) else None
            if found is None:
                raise Untrusted("the ID token's key is unknown")
            return found

        try:
            token = jws.deserialize_compact(text, key, registry=JWSRegistry(algorithms=self.algorithms, strict_check_header=False))
        except (JoseError, ValueError) as error:
            raise Untrusted(f"the ID token's signature does not hold ({type(error).__name__})") from None
        return json_object(token.payload or b"")

    def _check(self, claims: Mapping[str, Any], nonce: str) -> None:
        client_id = self.options.client_id
        now = int(self.kit.clock.now().timestamp())
        required: dict[str, ClaimsOption] = {name: {"essential": True} for name in ("iss", "sub", "aud", "exp", "iat", "nonce")}
        try:
            JWTClaimsRegistry(now=now, leeway=LEEWAY, **required).validate(dict(claims))
        except JoseError as error:
            raise Untrusted(f"claim {getattr(error, 'claim', '')} of the ID token: {type(error).__name__}") from None
        audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        if claims["iss"] not in (self.place(self.issuer), *self.more_issuers):
            raise Untrusted("iss of the ID token is another issuer")
        if client_id not in audiences:
            raise Untrusted("aud of the ID token is another client")
        if ("azp" in claims or len(audiences) > 1) and claims.get("azp") != client_id:
            raise Untrusted("azp of the ID token is another client")
        if not isinstance(claims["nonce"], str) or not same(claims["nonce"], nonce):
            raise Untrusted("nonce of the ID token is another sign-in's")

    def profile(self, tokens: Tokens, claims: Mapping[str, Any]) -> Mapping[str, Any]:
        """The signed claims; where `use_userinfo`, with what the userinfo endpoint adds about the same subject."""
        if not self.use_userinfo:
            return claims
        info = self.fetch(self.endpoint("profile"), tokens, self.profile_params())
        if info.get("sub") != claims["sub"]:
            raise Untrusted("userinfo is about another subject")  # OpenID Connect Core §5.3.2
        return {**info, **claims}  # where both speak, the signed word counts
