"""What is a user name, what is the same one, and what only looks like one."""

from __future__ import annotations

import pytest

from authenticator.errors import AuthError
from authenticator.identifiers import canonical_username

TWINS = {
    "Ada": "ada",
    " ada ": "ada",
    "ＡＤＡ": "ada",
    "𝐀𝐝𝐚": "ada",
    "Straße": "strasse",
    "JOSÉ": "josé",
    "jose\u0301": "josé",
    "Ада": "ада",
    "ΝΊΚΟΣ": "νίκοσ",
    "a.d-a_9": "a.d-a_9",
    "山田たろう": "山田たろう",
    "タロー1": "タロー1",
    "김철수": "김철수",
    "محمد": "محمد",
    "नमस्ते": "नमस्ते",
    "x" * 32: "x" * 32,
}

REFUSED = {
    "empty": "",
    "two letters": "ab",
    "33 letters": "x" * 33,
    "very long": "x" * 10_000,
    "grows when folded": "\ufdfa" * 3,
    "digits only": "1234567",
    "digits and dots": "12.34",
    "other digits": "٣٤٥٦",
    "at sign": "ada@example.com",
    "blank inside": "ada byron",
    "slash": "ada/x",
    "plus": "+ada",
    "dot first": ".ada",
    "dot last": "ada.",
    "two dots": "a..da",
    "two kinds of dots": "a._da",
    "look-alike dot": "a․․da",
    "NUL": "ada\x00",
    "line break": "ada\nbyron",
    "zero-width space": "a\u200bda",
    "zero-width joiner": "a\u200dda",
    "soft hyphen": "a\u00adda",
    "right-to-left override": "ada\u202egnp",
    "isolate": "\u2066ada\u2069",
    "tag character": "ada\U000e0041",
    "variation selector": "ada\ufe0f",
    "unseen letter": "김\u3164김",
    "private use": "ada\ue000",
    "picture": "ada😀",
    "Cyrillic a": "\u0430da",
    "Greek o": "b\u03bfb",
    "all Cyrillic, looks Latin": "\u0440\u0430\u0443\u0440\u0430",
    "all Greek, looks Latin": "\u03bd\u03b1\u03bd\u03bf",
    "all Armenian, looks Latin": "\u0570\u0578\u0578\u0585",
    "dotless i": "adm\u0131n",
    "script g": "\u0261oogle",
    "Latin alpha": "\u0251da",
    "small capital": "\u1d00d\u1d00",
    "modifier letter": "ada\u02bc",
    "stroke through": "ad\u0335a",
    "mark first": "\u0301ada",
    "Cherokee": "\u13aa\u13bb\u13da",
    "leftward with digits": "\u05d0\u05d1\u05d2123",
    "two alphabets": "ada\u592a\u90ce",
    "half of a pair": "ada\ud800",
}


@pytest.mark.parametrize("text", TWINS)
def test_a_name_has_one_form_however_it_is_written(text: str) -> None:
    assert canonical_username(text) == TWINS[text]
    assert canonical_username(TWINS[text]) == TWINS[text], "the form of a form is another one"


@pytest.mark.parametrize("kind", REFUSED)
def test_a_deceptive_or_false_name_is_refused(kind: str) -> None:
    with pytest.raises(AuthError) as refused:
        canonical_username(REFUSED[kind])
    assert (refused.value.code, list(refused.value.errors)) == ("validation_failed", ["username"])


def test_accented_and_plain_names_stay_two() -> None:
    assert len({canonical_username(name) for name in ("jose", "josé", "josè", "jøse")}) == 4
