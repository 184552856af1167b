"""Random values, digests and authenticated encryption: the few primitives that everything else uses."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
_cipher = lru_cache(64)(AESGCM)  # to set one up takes longer than to seal with it


def random_token(bits: int = 256) -> str:
    """An unguessable URL-safe text of that many random bits (ASVS 5.0 11.5.1)."""
    return secrets.token_urlsafe(bits // 8)


def random_code(digits: int = 6) -> str:
    """A decimal code with leading zeros kept (ASVS 5.0 6.5.4)."""
    return f"{secrets.randbelow(10**digits):0{digits}d}"


def digest(value: str) -> str:
    """SHA-256 as hex, for values of 128 random bits and more: they need no key and no salt."""
    return hashlib.sha256(value.encode()).hexdigest()


def keyed_digest(key: bytes, *parts: str) -> str:
    """HMAC-SHA-256 as hex over parts that cannot run into each other."""
    return _mac(key, parts).hex()


def keyed_token(key: bytes, *parts: str) -> str:
    """The same as URL-safe text of 256 bits."""
    return base64url(_mac(key, parts))


def _mac(key: bytes, parts: tuple[str, ...]) -> bytes:
    message = b"".join(len(part := text.encode()).to_bytes(4, "big") + part for text in parts)
    return hmac.digest(key, message, "sha256")


def base64url(raw: bytes) -> str:
    """Base64 for addresses and tokens, without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def s256(text: str) -> str:
    """SHA-256 as URL-safe text, as in PKCE (RFC 7636 §4.2) and DPoP (RFC 9449 §4.2)."""
    return base64url(hashlib.sha256(text.encode()).digest())


def half_hash(text: str, name: str = "sha256") -> str:
    """The left half of a hash, as OpenID Connect Core §3.1.3.6 wants it."""
    full = hashlib.new(name, text.encode()).digest()
    return base64url(full[: len(full) // 2])


def same(left: str, right: str) -> bool:
    """Compare in a time that does not tell where the first difference is."""
    return hmac.compare_digest(left.encode(), right.encode())


def kept_secret(file: Path) -> str:
    """The secret in this file, made at first use; only its owner can read it."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text().strip()
    with os.fdopen(handle, "w") as opened:
        opened.write(random_token())
    return file.read_text().strip()


@lru_cache(128)
def derive_key(secret: bytes, purpose: str) -> bytes:
    """A 256-bit key for one purpose from a master secret of full entropy (HKDF-Expand, RFC 5869 §2.3)."""
    return hmac.digest(secret, purpose.encode() + b"\x01", "sha256")


def seal(key: bytes, plain: bytes, bound_to: str) -> bytes:
    """AES-256-GCM with a random nonce in front; `bound_to` names the record and field it belongs to."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + _cipher(key).encrypt(nonce, plain, bound_to.encode())


def unseal(key: bytes, sealed: bytes, bound_to: str) -> bytes:
    """The inverse of `seal`; `ValueError` if the text, the key or the place differ."""
    try:
        return _cipher(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to.encode())
    except InvalidTag:
        raise ValueError(f"sealed text does not belong to {bound_to}, or its key is another") from None
