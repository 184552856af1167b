"""What is kept with a passkey, and which public keys are taken."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

ES256, EDDSA, RS256 = -7, -8, -257
ALGORITHMS = (ES256, EDDSA, RS256)
KTY, ALG = 1, 3


@dataclass(frozen=True)
class Passkey:
    """A credential as it is stored: id, COSE public key and user handle in base64url, the signature counter, and what its device said of it."""

    id: str
    public_key: str
    handle: str
    count: int = 0
    verified: bool = True
    eligible: bool = False  # may be backed up, which never changes
    backed_up: bool = False
    transports: tuple[str, ...] = ()
    aaguid: str = ""

    def text(self) -> str:
        """As a login key's secret."""
        return json.dumps(asdict(self))


def passkey(secret: str | None) -> Passkey:
    """The inverse of `text`."""
    facts = json.loads(secret or "{}")
    return Passkey(**{**facts, "transports": tuple(facts["transports"])})


def is_taken(cose: Mapping[Any, Any]) -> bool:
    """Whether this is a public key of one of our algorithms and nothing else: P-256, Ed25519, or RSA of 2,048 to 4,096 bits.

    Compared with their types, because `True == 1` (RFC 9053 §7, RFC 8230 §4).
    """
    shape = {name: (type(value), len(value) if isinstance(value, bytes) else value) for name, value in cose.items()}
    if any(type(name) is not int for name in shape):
        return False
    if cose.get(ALG) == RS256:
        return _is_long_enough(cose.get(-1)) and {**shape, -1: None} == {KTY: (int, 3), ALG: (int, RS256), -1: None, -2: (bytes, 3)}
    return shape in (
        {KTY: (int, 2), ALG: (int, ES256), -1: (int, 1), -2: (bytes, 32), -3: (bytes, 32)},
        {KTY: (int, 1), ALG: (int, EDDSA), -1: (int, 6), -2: (bytes, 32)},
    )


def _is_long_enough(modulus: object) -> bool:
    return isinstance(modulus, bytes) and 2048 <= int.from_bytes(modulus, "big").bit_length() <= 4096 and modulus[0] > 0
