"""Recovery codes: ten one-time codes on paper, for whoever has lost her second step."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from typing import Any

from authenticator.errors import AuthError
from authenticator.flows.changes import put_secret
from authenticator.flows.core import Core
from authenticator.hashing import Hasher
from authenticator.hooks import hookimpl
from authenticator.kinds.base import Ask, Factor, Field, Proof, Turn, Visit
from authenticator.models import LoginKey, User

NAME = "recovery"
SLOTS = "0123456789"
BYTES = 10  # 80 bits; NIST SP 800-63B-4 §4.2.1 asks for 64
GROUP = 4
CODE = Field("code", "Recovery code", "text", autocomplete="off", max_length=60)
Kept = dict[str, str]


class Recovery(Factor):
    """Takes one of the codes. It is never asked for first: people choose it when they have nothing else."""

    name, label = NAME, "Recovery code"

    def enrolled(self, user: User) -> bool:
        return False

    def available(self, user: User) -> bool:
        return False

    def start(self, visit: Visit) -> Turn:
        text = "Each of your codes works once. The first character says which of them it is."
        return Ask((CODE,), kind=NAME, title="Enter a recovery code", text=text)

    def resume(self, visit: Visit, keep: Mapping[str, Any], answer: Mapping[str, str]) -> Turn:
        login = visit.logins.find(visit.user.id) if visit.user else None
        kept = read(login.secret if login else None)
        code = plain(answer["code"])
        fits = self.kit.hasher.verify(kept.get(code[:1]), code)
        if login is None or not fits:
            raise wrong()
        left = {slot: hashed for slot, hashed in kept.items() if slot != code[0]}
        if not visit.logins.swap_secret(login, json.dumps(left)):
            raise wrong()
        return Proof(login.user.id, amr=("otp",))


class RecoveryPlugin:
    """Brings them, through the same hook as a stranger's second step."""

    @hookimpl
    def auth_factors(self) -> list[type[Factor]]:
        return [Recovery]


def new_set(core: Core, user: User) -> tuple[str, ...]:
    """Ten new codes in place of the old ones, to be shown once. Only their hashes are kept (ASVS 5.0 6.5.2)."""
    codes = tuple(slot + base64.b32encode(secrets.token_bytes(BYTES)).decode() for slot in SLOTS)
    hasher = core.registry.factors[NAME].kit.hasher
    put_secret(core, user, NAME, json.dumps(_hashed(hasher, codes)))
    return tuple(spelt(code) for code in codes)


def _hashed(hasher: Hasher, codes: tuple[str, ...]) -> Kept:
    return {code[0]: hasher.hash(code) for code in codes}


def left(core: Core, user: User) -> int:
    """How many codes are not used yet."""
    login = core.store.find_login(LoginKey(NAME, user.id))
    return len(read(login.secret if login else None))


def drop(core: Core, user: User) -> None:
    """Make all of them worthless."""
    core.store.remove_login_key(user.id, LoginKey(NAME, user.id))


def read(secret: str | None) -> Kept:
    """The hashes that are kept, by slot."""
    kept: Kept = json.loads(secret) if secret else {}
    return kept


def spelt(code: str) -> str:
    """A code as it is shown: `3-ABCD-EFGH-IJKL-MNOP`."""
    return "-".join((code[0], *(code[at : at + GROUP] for at in range(1, len(code), GROUP))))


def plain(text: str) -> str:
    """A code as it was typed, without what people put between or mistake for letters."""
    kept = [char for char in text.upper() if char.isascii() and char.isalnum()]
    return "".join(kept[:1] + [{"0": "O", "1": "I", "8": "B"}.get(char, char) for char in kept[1:]])


def wrong() -> AuthError:
    """One answer for a wrong code and a used one."""
    return AuthError("invalid_code", errors={"code": ("That code is not right, or was used already.",)})
