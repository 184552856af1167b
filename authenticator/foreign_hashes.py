"""Password hashes that other systems made: read, bounded in cost, and checked until their owner's next sign-in replaces them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec

from argon2 import extract_parameters
from argon2.exceptions import InvalidHashError

LONGEST = 1024  # characters of a hash that are looked at
SHORTEST = 16  # bytes of a digest: a shorter one would fit many passwords, an empty one all
MOST_SCRYPT = 1 << 20  # N·r·p: about a second, and 128 MiB
MOST_PBKDF2 = 1_500_000  # rounds
MOST_BCRYPT = 13  # the logarithm of the rounds
MOST_ARGON2 = 262_144, 1_048_576  # KiB, and KiB times passes
BCRYPT_BYTES = 72  # what bcrypt looks at; its libraries cut the rest off, so the hash was made of that much
DIGESTS = {"sha1": 20, "sha256": 32, "sha512": 64}


@dataclass(frozen=True, slots=True)
class Foreign:
    """A hash taken apart: `derive` does to a password what was done to the right one, and `expected` is what came of that."""

    derive: Callable[[bytes], bytes] = field(repr=False)
    expected: bytes = field(repr=False)


def recognised(hashed: str) -> bool:
    """Whether this hash can be checked here at a bearable cost, for imports."""
    hashed = bare(hashed)
    return _is_bearable_argon2(hashed) if is_argon2(hashed) else _read(hashed) is not None


def matches(hashed: str, password: str) -> bool:
    """Whether the password is the one behind a hash of bcrypt, scrypt, PBKDF2 or Firebase; False for any other."""
    found = _read(bare(hashed))
    return found is not None and hmac.compare_digest(found.derive(password.encode()), found.expected)


def is_argon2(hashed: str) -> bool:
    """Whether it is one of argon2, which is checked where our own are."""
    return hashed.startswith("$argon2")


def bare(hashed: str) -> str:
    """The hash without the name that Django writes in front of those of argon2 and bcrypt."""
    for name in ("argon2", "bcrypt$"):
        if hashed.startswith((f"{name}$argon2", f"{name}$2")):
            return hashed.removeprefix(name)
    return hashed


def _is_bearable_argon2(hashed: str) -> bool:
    try:
        found = extract_parameters(hashed)
    except (InvalidHashError, ValueError):
        return False
    most, most_work = MOST_ARGON2
    return found.memory_cost <= most and found.memory_cost * found.time_cost <= most_work and found.hash_len >= SHORTEST


def _read(hashed: str) -> Foreign | None:
    if len(hashed) > LONGEST or not hashed.isascii():
        return None
    for form, reader in _FORMS:
        found = form.fullmatch(hashed)
        if found:
            try:
                foreign = reader(found.groupdict())
            except (ValueError, binascii.Error):
                return None
            return foreign if foreign and len(foreign.expected) >= SHORTEST else None
    return None


def _bcrypt(parts: Mapping[str, str]) -> Foreign | None:
    """`$2b$12$…`, also from PHP (`$2y$`) and from before 2014 (`$2a$`). Nothing without the extra `import`, which brings the library."""
    if not 4 <= int(parts["cost"]) <= MOST_BCRYPT or find_spec("bcrypt") is None:
        return None
    whole = f"$2b${parts['cost']}${parts['rest']}".encode()

    def derive(password: bytes) -> bytes:
        import bcrypt  # who imports nobody does without

        return b"" if b"\0" in password else bcrypt.hashpw(password[:BCRYPT_BYTES], whole)

    return Foreign(derive, whole)


def _bcrypt_sha256(parts: Mapping[str, str]) -> Foreign | None:
    """Django's `bcrypt_sha256$$2b$12$…`, which knows no longest password."""
    inner = _bcrypt(parts)
    return inner and Foreign(lambda password: inner.derive(hashlib.sha256(password).hexdigest().encode()), inner.expected)


def _scrypt(parts: Mapping[str, str], *, salt: bytes, expected: bytes) -> Foreign | None:
    n = 1 << int(parts["ln"]) if parts.get("ln") else int(parts["n"])
    return _scrypt_of(n, int(parts["r"]), int(parts["p"]), salt, expected)


def _scrypt_of(n: int, r: int, p: int, salt: bytes, expected: bytes) -> Foreign | None:
    if n < 2 or n & (n - 1) or r < 1 or p < 1 or n * r * p > MOST_SCRYPT or len(expected) > DIGESTS["sha512"]:
        return None
    memory = 128 * r * (n + p + 2) + 1024  # what OpenSSL counts
    return Foreign(partial(hashlib.scrypt, salt=salt, n=n, r=r, p=p, maxmem=memory, dklen=len(expected)), expected)


def _scrypt_phc(parts: Mapping[str, str]) -> Foreign | None:
    """`$scrypt$ln=16,r=8,p=1$salt$hash`, as passlib and others write it."""
    return _scrypt(parts, salt=_base64(parts["salt"]), expected=_base64(parts["hash"]))


def _scrypt_django(parts: Mapping[str, str]) -> Foreign | None:
    """`scrypt$16384$salt$8$5$hash`."""
    return _scrypt(parts, salt=parts["salt"].encode(), expected=_base64(parts["hash"]))


def _scrypt_werkzeug(parts: Mapping[str, str]) -> Foreign | None:
    """`scrypt:32768:8:1$salt$hash`."""
    return _scrypt(parts, salt=parts["salt"].encode(), expected=bytes.fromhex(parts["hash"]))


def _firebase(parts: Mapping[str, str]) -> Foreign | None:
    """`$fbscrypt$v=1,n=14,r=8,p=1,ss=…,sk=…$salt$hash`: the signer's key, encrypted under what scrypt makes of the password."""
    key = _base64(parts["sk"])
    salt, expected = _base64(parts["salt"]) + _base64(parts["ss"]), _base64(parts["hash"])
    derived = _scrypt_of(1 << int(parts["ln"]), int(parts["r"]), int(parts["p"]), salt, bytes(32))
    if derived is None or len(key) != len(expected):
        return None

    def encrypted(password: bytes) -> bytes:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # imports only are made of these

        return Cipher(algorithms.AES256(derived.derive(password)), modes.CTR(bytes(16))).encryptor().update(key)

    return Foreign(encrypted, expected)


def _pbkdf2(parts: Mapping[str, str], *, salt: bytes, expected: bytes) -> Foreign | None:
    name, rounds = parts.get("digest") or "sha1", int(parts["rounds"])
    if not 1 <= rounds <= MOST_PBKDF2 or len(expected) > DIGESTS[name]:
        return None
    return Foreign(lambda password: hashlib.pbkdf2_hmac(name, password, salt, rounds, len(expected)), expected)


def _pbkdf2_passlib(parts: Mapping[str, str]) -> Foreign | None:
    """`$pbkdf2-sha256$29000$salt$hash`; `$pbkdf2$` is SHA-1."""
    return _pbkdf2(parts, salt=_base64(parts["salt"]), expected=_base64(parts["hash"]))


def _pbkdf2_django(parts: Mapping[str, str]) -> Foreign | None:
    """`pbkdf2_sha256$870000$salt$hash`."""
    return _pbkdf2(parts, salt=parts["salt"].encode(), expected=_base64(parts["hash"]))


def _pbkdf2_werkzeug(parts: Mapping[str, str]) -> Foreign | None:
    """`pbkdf2:sha256:1000000$salt$hash`."""
    return _pbkdf2(parts, salt=parts["salt"].encode(), expected=bytes.fromhex(parts["hash"]))


def _base64(text: str) -> bytes:
    """Base64 with or without padding, URL-safe or not, and with passlib's dots for plus signs."""
    usual = text.rstrip("=").replace("-", "+").replace("_", "/").replace(".", "+")
    return base64.b64decode(usual + "=" * (-len(usual) % 4), validate=True)


_B64, _NUMBER = r"[A-Za-z0-9+/._=-]", r"[1-9][0-9]{0,8}"
_DIGEST = r"(?P<digest>sha1|sha256|sha512)"
_BLOWFISH = r"\$2[aby]\$(?P<cost>[0-9]{2})\$(?P<rest>[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31})"
_LOG = r"(?P<ln>[1-9]|1[0-9]|2[0-9])"
_RP = rf"r=(?P<r>{_NUMBER}),p=(?P<p>{_NUMBER})"
_TAIL = rf"\$(?P<salt>{_B64}*)\$(?P<hash>{_B64}+)"
_Reader = Callable[[Mapping[str, str]], Foreign | None]
_FORMS: tuple[tuple[re.Pattern[str], _Reader], ...] = (
    (re.compile(_BLOWFISH), _bcrypt),
    (re.compile(rf"bcrypt_sha256\${_BLOWFISH}"), _bcrypt_sha256),
    (re.compile(rf"\$scrypt\$ln={_LOG},{_RP}{_TAIL}"), _scrypt_phc),
    (re.compile(rf"scrypt\$(?P<n>{_NUMBER})\$(?P<salt>[^$]+)\$(?P<r>{_NUMBER})\$(?P<p>{_NUMBER})\$(?P<hash>{_B64}+)"), _scrypt_django),
    (re.compile(rf"scrypt:(?P<n>{_NUMBER}):(?P<r>{_NUMBER}):(?P<p>{_NUMBER})\$(?P<salt>[^$]+)\$(?P<hash>[0-9a-f]+)"), _scrypt_werkzeug),
    (re.compile(rf"\$fbscrypt\$v=1,n={_LOG},{_RP},ss=(?P<ss>{_B64}*),sk=(?P<sk>{_B64}+){_TAIL}"), _firebase),
    (re.compile(rf"\$pbkdf2(?:-{_DIGEST})?\$(?P<rounds>{_NUMBER}){_TAIL}"), _pbkdf2_passlib),
    (re.compile(rf"pbkdf2_{_DIGEST}\$(?P<rounds>{_NUMBER})\$(?P<salt>[^$]+)\$(?P<hash>{_B64}+)"), _pbkdf2_django),
    (re.compile(rf"pbkdf2:{_DIGEST}:(?P<rounds>{_NUMBER})\$(?P<salt>[^$]+)\$(?P<hash>[0-9a-f]+)"), _pbkdf2_werkzeug),
)
