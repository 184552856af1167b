"""Which passwords are accepted: long enough, not common, not guessable from whose they are. No composition rules."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

from authenticator.plugin import AuthError, Words
from authenticator_password.fields import PasswordOptions

MOST_CHARACTERS, MOST_BYTES = 256, 1024


def exact(password: str) -> str:
    """The password as it is hashed: NFC and nothing else changed (NIST SP 800-63B-4 §3.1.1.2).

    AuthError `validation_failed` above 256 characters or 1,024 bytes, before anything is hashed.
    """
    normal = unicodedata.normalize("NFC", password) if len(password) <= MOST_BYTES else password
    if len(normal) > MOST_CHARACTERS or len(normal.encode("utf-8", "replace")) > MOST_BYTES:
        raise _refused(Words("Use at most %(number)s characters.", number=MOST_CHARACTERS))
    return normal


def check(password: str, options: PasswordOptions, context: Iterable[str]) -> None:
    """AuthError `validation_failed` with the reason, unless a new password is good enough (ASVS 5.0 6.2)."""
    words = _words(context)
    if len(password) < options.min_length:
        raise _refused(Words("Use at least %(number)s characters.", number=options.min_length))
    if _plain(password) in common():
        raise _refused("This is one of the passwords that everybody tries first. Choose another one.")
    parts = {part for part in re.split(r"[\W\d_]+", _plain(password)) if part}
    if _plain(password) in words or (parts and parts <= set(words)):
        raise _refused("This is too close to your name, your address or this service. Choose another one.")
    if _score(password, words) < options.min_score:
        raise _refused("This is too easy to guess. Add another word or two; spaces are fine.")


def _score(password: str, words: list[str]) -> int:
    from zxcvbn import zxcvbn  # takes 50 ms to import, and only new passwords need it

    score: int = zxcvbn(password[:72], user_inputs=words)["score"]  # it refuses more than 72 characters
    return score


def _words(context: Iterable[str]) -> list[str]:
    parts = {part for text in context for part in (_plain(text), *re.split(r"[^\w]+", _plain(text)))}
    return sorted(part for part in parts if len(part) >= 3)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip()


@cache
def common() -> frozenset[str]:
    """The 30,000 most common passwords, in lower case, as zxcvbn brings them."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"])


def _refused(reason: str) -> AuthError:
    return AuthError("validation_failed", errors={"password": (reason,)})
