"""Hashes that other systems made: each kind opens for its password and no other, and none may cost too much."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
from collections.abc import Callable

import bcrypt
import pytest
from argon2 import PasswordHasher
from argon2.low_level import Type

from authenticator import foreign_hashes
from authenticator.errors import AuthError
from authenticator.foreign_hashes import recognised
from authenticator.hashing import Argon2Hasher

# from the documentation and the test suites of those who made them: crypt_blowfish, passlib, Django, Firebase
PUBLISHED = {
    "bcrypt": ("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"),
    "scrypt of passlib": ("$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E", "password"),
    "scrypt of Django": (
        "scrypt$16384$seasalt$8$1$Qj3+9PPyRjSJIebHnG81TMjsqtaIGxNQG/aEB/NYafTJ7tibgfYz71m0ldQESkXFRkdVCBhhY8mx7rQwite/Pw==",
        "lètmein",
    ),
    "PBKDF2 of passlib": ("$pbkdf2-sha256$1212$4vjV83LKPjQzk31VI4E0Vw$hsYF68OiOUPdDZ1Fg.fJPeq1h/gXXY7acBp9/6c.tmQ", "password"),
    "PBKDF2-SHA-512 of passlib": (
        "$pbkdf2-sha512$1212$RHY0Fr3IDMSVO/RSZyb5ow$eNLfBK.eVozomMr.1gYa17k9B7KIK25NOEshvhrSX.esqY3s.FvWZViXz4KoLlQI.BzY/YTNJOiKc5gBYFYGww",
        "password",
    ),
    "Firebase": (
        "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,"
        "sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="
        "$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==",
        "user1password",
    ),
}


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def pbkdf2(name: str, rounds: int) -> bytes:
    return hashlib.pbkdf2_hmac(name, b"open sesame", b"seasalt", rounds)


def scrypt(n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(b"open sesame", salt=b"seasalt", n=n, r=r, p=p, dklen=64)


SHA256 = hashlib.sha256(b"open sesame").hexdigest().encode()
COMPUTED: dict[str, Callable[[], str]] = {
    "bcrypt": lambda: bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4)).decode(),
    "bcrypt of PHP": lambda: bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4)).decode().replace("$2b$", "$2y$"),
    "bcrypt of Django": lambda: "bcrypt$" + bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4)).decode(),
    "bcrypt over SHA-256 of Django": lambda: "bcrypt_sha256$" + bcrypt.hashpw(SHA256, bcrypt.gensalt(4)).decode(),
    "PBKDF2 of Django": lambda: f"pbkdf2_sha256$1000$seasalt${b64(pbkdf2('sha256', 1000))}",
    "PBKDF2-SHA-1 of Django": lambda: f"pbkdf2_sha1$1000$seasalt${b64(pbkdf2('sha1', 1000))}",
    "PBKDF2-SHA-512": lambda: f"pbkdf2_sha512$1000$seasalt${b64(pbkdf2('sha512', 1000))}",
    "PBKDF2-SHA-1 of passlib": lambda: (
        f"$pbkdf2$1000${b64(b'seasalt').rstrip('=')}${b64(pbkdf2('sha1', 1000)).rstrip('=').replace('+', '.')}"
    ),
    "PBKDF2 of Werkzeug": lambda: f"pbkdf2:sha256:1000$seasalt${pbkdf2('sha256', 1000).hex()}",
    "scrypt of Django": lambda: f"scrypt$1024$seasalt$8$5${b64(scrypt(1024, 8, 5))}",
    "scrypt of Werkzeug": lambda: f"scrypt:1024:8:1$seasalt${scrypt(1024, 8, 1).hex()}",
    "argon2i": lambda: PasswordHasher(1, 64, 1, type=Type.I).hash("open sesame"),
    "argon2 of Django": lambda: "argon2" + PasswordHasher(1, 64, 1).hash("open sesame"),
}


@pytest.fixture(scope="module")
def hasher() -> Argon2Hasher:
    return Argon2Hasher(memory=8192, time=1)


@pytest.mark.parametrize("kind", PUBLISHED)
def test_a_published_hash_opens_for_its_password_only(hasher: Argon2Hasher, kind: str) -> None:
    hashed, password = PUBLISHED[kind]
    assert recognised(hashed)
    assert hasher.verify(hashed, password)
    for other in (password + " ", password[:-1], password.upper() if password != password.upper() else password.lower(), ""):
        assert not hasher.verify(hashed, other)
    assert hasher.outdated(hashed)


@pytest.mark.parametrize("kind", COMPUTED)
def test_a_hash_made_elsewhere_opens_for_its_password_only(hasher: Argon2Hasher, kind: str) -> None:
    hashed = COMPUTED[kind]()
    assert recognised(hashed)
    assert hasher.verify(hashed, "open sesame")
    assert not hasher.verify(hashed, "open sesame ")
    assert not hasher.verify(hashed, "")
    assert hasher.outdated(hashed)


def test_our_own_hash_is_recognised_and_needs_no_upgrade(hasher: Argon2Hasher) -> None:
    hashed = hasher.hash("open sesame")
    assert recognised(hashed)
    assert not hasher.outdated(hashed)


def test_a_long_password_was_cut_by_bcrypt_and_still_opens(hasher: Argon2Hasher) -> None:
    hashed = bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4)).decode()
    assert hasher.verify(hashed, "x" * 90)
    assert not hasher.verify(hashed, "x" * 71)
    assert not hasher.verify(hashed, "x" * 10 + "\0" + "x" * 61)


TOO_DEAR = {
    "bcrypt": "$2b$14$" + "C" * 21 + "." + "C" * 31,
    "bcrypt without rounds": "$2b$03$" + "C" * 21 + "." + "C" * 31,
    "scrypt, much memory": f"$scrypt$ln=21,r=8,p=1$c2FsdA${b64(bytes(32))}",
    "scrypt, many lanes": f"$scrypt$ln=14,r=8,p=9$c2FsdA${b64(bytes(32))}",
    "scrypt, wide blocks": f"$scrypt$ln=10,r=99999999,p=1$c2FsdA${b64(bytes(32))}",
    "scrypt of Django": f"scrypt$4194304$salt$8$1${b64(bytes(64))}",
    "scrypt that is no power of two": f"scrypt$16385$salt$8$1${b64(bytes(64))}",
    "PBKDF2": f"pbkdf2_sha256$1500001$salt${b64(bytes(32))}",
    "PBKDF2 of many blocks": f"pbkdf2_sha256$1000$salt${b64(bytes(64))}",
    "Firebase": f"$fbscrypt$v=1,n=20,r=8,p=1,ss=Bw==,sk={b64(bytes(64))}$c2FsdA==${b64(bytes(64))}",
    "argon2, much memory": f"$argon2id$v=19$m=4194304,t=1,p=1${b64(bytes(16)).rstrip('=')}${b64(bytes(32)).rstrip('=')}",
    "argon2, many passes": f"$argon2id$v=19$m=65536,t=4000,p=1${b64(bytes(16)).rstrip('=')}${b64(bytes(32)).rstrip('=')}",
}


@pytest.mark.parametrize("kind", TOO_DEAR)
def test_a_hash_that_costs_too_much_is_not_taken(hasher: Argon2Hasher, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not recognised(TOO_DEAR[kind])
    if kind.startswith("argon2"):
        return  # imports refuse it; the operator's own settings may be as dear as she likes
    for name in ("scrypt", "pbkdf2_hmac"):
        monkeypatch.setattr(f"authenticator.foreign_hashes.hashlib.{name}", lambda *_, **__: pytest.fail("it was computed"))
    monkeypatch.setattr(bcrypt, "hashpw", lambda *_: pytest.fail("it was computed"))
    assert not hasher.verify(TOO_DEAR[kind], "open sesame")


NONSENSE = [
    "", "$", "x", "open sesame", "$1$salt$hash", "{SSHA}abc", "5f4dcc3b5aa765d61d8327deb882cf99", "$2b$12$short", "$scrypt$ln=14,r=8,p=1$c2FsdA$",
    "$scrypt$ln=14,r=8,p=1$c2FsdA$AAAA", "pbkdf2_sha256$1000$salt$", "pbkdf2_sha256$1000$salt$AAAA", "pbkdf2_md5$1000$salt$" + "A" * 22, "pbkdf2:sha256:1000$salt$abc",
    "$pbkdf2-sha256$0$c2FsdA$" + "A" * 43, "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=AAAA$c2FsdA==$" + "A" * 43, "$scrypt$ln=14,r=0,p=1$c2FsdA$" + "A" * 43,
    "$argon2id$", "$argon2id$v=19$m=64,t=1,p=1$c2FsdA$AA", "scrypt$1024$sält$8$1$" + "A" * 43, "pbkdf2_sha256$1000$" + "s" * 2000 + "$" + "A" * 43,
]  # fmt: skip


@pytest.mark.parametrize("hashed", NONSENSE, ids=lambda text: ascii(text)[:30])
def test_what_is_no_hash_fits_no_password(hasher: Argon2Hasher, hashed: str) -> None:
    assert not recognised(hashed)
    for password in ("", "open sesame", hashed):
        assert not hasher.verify(hashed, password)


def test_without_the_library_bcrypt_is_not_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(foreign_hashes, "find_spec", lambda name: None if name == "bcrypt" else real(name))
    assert not recognised(PUBLISHED["bcrypt"][0])
    assert recognised(PUBLISHED["scrypt of Django"][0])


def test_a_foreign_hash_waits_in_the_same_bounded_queue() -> None:
    import threading

    hasher, gate = Argon2Hasher(memory=8192, time=1, slots=1, patience=0.05), threading.Event()
    hasher._start(lambda: gate.wait(20))
    with pytest.raises(AuthError) as caught:
        hasher.verify(COMPUTED["PBKDF2 of Django"](), "open sesame")
    gate.set()
    assert caught.value.code == "busy"
