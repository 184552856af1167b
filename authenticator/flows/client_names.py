"""What an application may be called: a name that reads as what it is, on a page that asks for trust."""

from __future__ import annotations

import re
import unicodedata

from authenticator.identifiers import PASSING, UNSEEN
from authenticator.words import Words

LONGEST = 60
STACKED = 3  # accents on one letter
EAST = frozenset(
    {"CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"}
)  # stand in one word, with Latin too, and pass for none of it
NEITHER = "MODIFIER"  # letters that belong to any alphabet, like the okina
SAME = str.maketrans("01iıɩȷɑɡ", "olllljag")


def tidy(text: str) -> str:
    """The name without compatibility forms and with single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).split(" ")).strip() if text.isprintable() else text


def fault(name: str) -> str:
    """What is wrong with a name; empty for a good one (UTS 39: no hidden characters, no words of letters that pass for others)."""
    if not 0 < len(name) <= LONGEST:
        return Words("Use 1 to %(number)s characters.", number=LONGEST)
    if not name.isprintable() or any(char in UNSEEN or unicodedata.category(char) in ("Cf", "Co", "Cn") for char in name):
        return "Use letters that can be seen, without line breaks."
    if any(all(unicodedata.combining(char) for char in run) for run in _runs(unicodedata.normalize("NFD", name))):
        return "Use fewer accents."
    if not any(char.isalnum() for char in name) or any(_deceives(word) for word in _words(name)):
        return "Write each word in letters of one alphabet, and none that look like those of another."
    return ""


def alike(left: str, right: str) -> bool:
    """Whether two names read the same but for case, spaces and marks, and what is easily taken for another letter."""
    return _bare(left) == _bare(right)


def _bare(name: str) -> str:
    folded = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", name).casefold())
    return "".join(char for char in folded if char.isalnum()).translate(SAME).replace("rn", "m")


def _runs(text: str) -> list[str]:
    return [text[at : at + STACKED] for at in range(len(text) - STACKED + 1)]


def _words(name: str) -> list[str]:
    return "".join(char if char.isalnum() or unicodedata.combining(char) else " " for char in name).split()


def _deceives(word: str) -> bool:
    letters = [char for char in word if char.isalpha()]
    alphabets = {re.split("[ -]", unicodedata.name(char, ""), maxsplit=1)[0] for char in letters} - {NEITHER}
    passing = bool(letters) and not word.isascii() and {char.lower() for char in letters} <= PASSING
    mixed = len(alphabets) > 1 and not alphabets <= EAST | {"LATIN"}
    return mixed or (passing and len(letters) > 1)
