"""A key that is ready to sign: compact tokens, each with one spelling, and its public half for others to check them with."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from joserfc.jwk import ECKey, OKPKey, RSAKey
from jwt import PyJWS

from authenticator.crypto import base64url
from authenticator.models import SigningKey

ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256
_KINDS: Final[Mapping[str, Any]] = {"ES256": ECKey, "RS256": RSAKey, "EdDSA": OKPKey}
_JWS: Final = PyJWS(algorithms=list(_KINDS))


@dataclass(frozen=True)
class LiveKey:
    """A key ready to use; `private` and `public` are of the library `cryptography`, `jwk` is the public half as a JWK (RFC 7517 §4).

    To read an RSA key takes 25 ms, for its numbers are checked: it is done once.
    """

    kid: str
    algorithm: str
    private: Any = field(repr=False)
    public: Any = field(repr=False)
    jwk: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, key: SigningKey) -> LiveKey:
        """The key of a record."""
        imported = _KINDS[key.algorithm].import_key(key.private_pem)
        jwk = {**imported.as_dict(private=False), "kid": key.kid, "alg": key.algorithm, "use": "sig"}
        return cls(key.kid, key.algorithm, imported.private_key, imported.public_key, jwk)

    def sign(self, claims: Mapping[str, Any], typ: str) -> str:
        """These claims, signed, in compact form (RFC 7515 §7.1)."""
        body = json.dumps(claims, separators=(",", ":")).encode()
        token = _JWS.encode(body, self.private, self.algorithm, headers={"typ": typ, "kid": self.kid})
        return lower(token) if self.algorithm == "ES256" else token


def lower(token: str) -> str:
    """The same token with the lower of its two valid ECDSA signatures, so that nobody can make another one of it."""
    head, _, text = token.rpartition(".")
    signature = base64.urlsafe_b64decode(f"{text}==")
    s = int.from_bytes(signature[32:])
    lowered = signature[:32] + (ORDER - s).to_bytes(32) if ORDER // 2 < s < ORDER else signature
    return f"{head}.{base64url(lowered)}"
