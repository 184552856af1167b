"""An authenticator in software: it makes passkeys and signs with them, and says something else than the truth where a test wants that."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

ES256, EDDSA, RS256 = -7, -8, -257
PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED, EXTENDED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80
Sign = Callable[[bytes], bytes]


@dataclass
class Credential:
    """One passkey inside the authenticator."""

    id: bytes
    rp_id: str
    handle: bytes
    cose: dict[int, Any] = field(repr=False)
    sign: Sign = field(repr=False)
    count: int = 0


@dataclass
class SecurityKey:
    """A device at a browser that shows `origin`. It unlocks with its person unless `verifies` is off; without `counts` its counter stays 0.

    `create` and `get` take `options.publicKey` of a challenge and give the text of the field `credential`. What is named in
    their further arguments is said instead of the truth.
    """

    origin: str
    verifies: bool = True
    counts: bool = True
    credentials: list[Credential] = field(default_factory=list)

    def create(
        self,
        options: Mapping[str, Any],
        *,
        algorithm: int = ES256,
        credential_id: bytes = b"",
        client: Mapping[str, Any] | None = None,
        cose: Mapping[int, Any] | None = None,
        flags: int | None = None,
        rp_id: str = "",
        attestation: Mapping[str, Any] | None = None,
        self_signed: bool = False,
        resident: bool = True,
        extra: bytes = b"",
    ) -> str:
        """Make a passkey, as `navigator.credentials.create` does."""
        public, sign = KEYS[algorithm]()
        made = Credential(credential_id or secrets.token_bytes(32), options["rp"]["id"], unpacked(options["user"]["id"]), public, sign)
        said = self._client_data("webauthn.create", options, client)
        told = flags if flags is not None else self._flags() | ATTESTED
        attested = bytes(16) + len(made.id).to_bytes(2, "big") + made.id + cbor2.dumps({**public, **(cose or {})}, canonical=True)
        data = self._authenticator_data(rp_id or made.rp_id, told, 0) + attested + extra
        statement = {"fmt": "none", "attStmt": {}, "authData": data, **(attestation or {})}
        if self_signed:
            statement |= {"fmt": "packed", "attStmt": {"alg": algorithm, "sig": sign(data + hashlib.sha256(said).digest())}}
        self.credentials.append(made)
        response = {"clientDataJSON": packed(said), "attestationObject": packed(cbor2.dumps(statement)), "transports": ["internal"]}
        return _credential(made.id, response, {"credProps": {"rk": resident}})

    def get(
        self,
        options: Mapping[str, Any],
        *,
        credential: Credential | None = None,
        client: Mapping[str, Any] | None = None,
        count: int | None = None,
        flags: int | None = None,
        rp_id: str = "",
        handle: bytes | None = None,
        signature: bytes = b"",
    ) -> str:
        """Sign with a passkey, by default the newest that the options allow, as `navigator.credentials.get` does."""
        used = credential or self.fitting(options)[-1]
        used.count += self.counts
        said = self._client_data("webauthn.get", options, client)
        data = self._authenticator_data(
            rp_id or used.rp_id, self._flags() if flags is None else flags, used.count if count is None else count
        )
        response = {
            "clientDataJSON": packed(said),
            "authenticatorData": packed(data),
            "signature": packed(signature or used.sign(data + hashlib.sha256(said).digest())),
        }
        told = used.handle if handle is None else handle
        return _credential(used.id, {**response, "userHandle": packed(told)} if told else response, {})

    def fitting(self, options: Mapping[str, Any]) -> list[Credential]:
        """The passkeys with which these options can be answered."""
        allowed = [unpacked(item["id"]) for item in options["allowCredentials"]]
        return [one for one in self.credentials if one.rp_id == options["rpId"] and (not allowed or one.id in allowed)]

    def _flags(self) -> int:
        return PRESENT | (VERIFIED if self.verifies else 0)

    def _client_data(self, kind: str, options: Mapping[str, Any], instead: Mapping[str, Any] | None) -> bytes:
        told = {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False, **(instead or {})}
        return json.dumps({name: value for name, value in told.items() if value is not None}, separators=(",", ":")).encode()

    def _authenticator_data(self, rp_id: str, flags: int, count: int) -> bytes:
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + count.to_bytes(4, "big")


def packed(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unpacked(text: str) -> bytes:
    """The inverse."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _credential(id: bytes, response: Mapping[str, Any], extensions: Mapping[str, Any]) -> str:
    name = packed(id)
    return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response, "clientExtensionResults": extensions})


def _es256() -> tuple[dict[int, Any], Sign]:
    private = ec.generate_private_key(ec.SECP256R1())
    numbers = private.public_key().public_numbers()
    public = {1: 2, 3: ES256, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
    return public, lambda data: private.sign(data, ec.ECDSA(hashes.SHA256()))


def _eddsa() -> tuple[dict[int, Any], Sign]:
    private = ed25519.Ed25519PrivateKey.generate()
    return {1: 1, 3: EDDSA, -1: 6, -2: private.public_key().public_bytes_raw()}, private.sign


def _rs256() -> tuple[dict[int, Any], Sign]:
    private = rsa.generate_private_key(65537, 2048)
    modulus = private.public_key().public_numbers().n.to_bytes(256, "big")
    return {1: 3, 3: RS256, -1: modulus, -2: b"\x01\x00\x01"}, lambda data: private.sign(data, padding.PKCS1v15(), hashes.SHA256())


KEYS: Mapping[int, Callable[[], tuple[dict[int, Any], Sign]]] = {ES256: _es256, EDDSA: _eddsa, RS256: _rs256}
