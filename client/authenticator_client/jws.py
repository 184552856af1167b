"""Signed tokens: from their bytes to claims, believed only under a published key (RFC 7515, RFC 8725)."""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from authenticator_client.errors import Refused
from authenticator_client.keys import ALGORITHMS, Key, Keys

LEEWAY: Final = 10  # seconds that clocks may differ
LONGEST: Final = 8192  # characters of a token
LONGEST_HEADER: Final = 512
COMPACT: Final = re.compile(r"([\w-]+)\.([\w-]+)\.([\w-]+)", re.ASCII)
FAR: Final = 1 << 40  # seconds: times beyond that are no times
_ORDER_HALF: Final = 0x7FFFFFFF800000007FFFFFFFFFFFFFFFDE737D56D38BCF4279DCE5617E3192A8  # of P-256
_HEADERS: Final = 64


class Opener:
    """Opens tokens of one service, of one kind: `types` are the values of the header `typ` that it takes, None for a missing one."""

    def __init__(self, keys: Keys, types: frozenset[str | None], code: str = "invalid_token") -> None:
        self._keys, self._types, self._code = keys, types, code
        self._read: dict[str, tuple[str, str]] = {}

    def open(self, token: object) -> dict[str, Any]:
        """The claims of a token that the service has signed, `iss` and `aud` still unread; Refused otherwise."""
        if not isinstance(token, str) or len(token) > LONGEST:
            self.refuse("it is too long, or no text")
        found = COMPACT.fullmatch(token)
        if found is None:
            self.refuse("it is no signed token in compact form")
        head, body, tail = found.groups()
        key = self._key(head)
        signature = _unb64(tail)
        if signature is None or base64url(signature) != tail or _is_malleable(key, signature):
            self.refuse("its signature is misspelt")
        if not key.verifies(f"{head}.{body}".encode(), signature):
            self.refuse("its signature is wrong")
        return self._claims(body)

    def refuse(self, why: str, code: str = "") -> NoReturn:
        raise Refused(code or self._code, f"the token is refused: {why}")

    def _key(self, head: str) -> Key:
        """The published key that the header names. Keys that a token brings along are never looked at (RFC 8725 §3.10)."""
        kid, algorithm = self._read.get(head) or self._header(head)
        key = self._keys.find(kid)
        if key is None or key.algorithm != algorithm:
            self.refuse("no published key fits it")
        if len(self._read) >= _HEADERS:
            self._read.clear()
        self._read[head] = kid, algorithm  # only of keys that exist, so strangers fill nothing
        return key

    def _header(self, head: str) -> tuple[str, str]:
        header = _object(head) if len(head) <= LONGEST_HEADER else None
        if header is None or "crit" in header or header.get("b64", True) is not True:
            self.refuse("its header can't be read")
        kid, algorithm, kind = header.get("kid"), header.get("alg"), header.get("typ")
        if algorithm not in ALGORITHMS or not isinstance(kid, str):
            self.refuse(f"it must be signed by one of {', '.join(ALGORITHMS)}, with a kid")
        if not (kind is None or isinstance(kind, str)) or kind not in self._types:
            self.refuse("it is of another kind (typ)")
        return kid, algorithm

    def _claims(self, body: str) -> dict[str, Any]:
        claims = _object(body)
        if claims is None:
            self.refuse("it holds no claims")
        return claims

    def times(self, claims: Mapping[str, Any]) -> int:
        """When the claims end; Refused if they are over or not begun, or their times are no whole numbers."""
        now, expires, issued, starts = time.time(), claims.get("exp"), claims.get("iat"), claims.get("nbf", 0)
        if type(expires) is not int or type(issued) is not int or type(starts) is not int or not 0 < issued < expires < FAR:
            self.refuse("exp, iat or nbf is missing or no time")
        if issued > now + LEEWAY or starts > now + LEEWAY:
            self.refuse("it is not valid yet")
        if expires + LEEWAY < now:
            self.refuse("it is over", "token_expired")
        return expires


def _is_malleable(key: Key, signature: bytes) -> bool:
    """Whether it is the higher of the two signatures that ECDSA allows, which the service never sends."""
    return key.algorithm == "ES256" and (len(signature) != 64 or int.from_bytes(signature[32:]) > _ORDER_HALF)


def _object(text: str) -> dict[str, Any] | None:
    raw = _unb64(text)
    try:
        found = json.loads(raw.decode(), object_pairs_hook=_once, parse_constant=_never) if raw else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _never(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _unb64(text: str) -> bytes | None:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return None


def base64url(raw: bytes) -> str:
    """Base64 without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
