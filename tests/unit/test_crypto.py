"""Whether random values are long enough, digests keep parts apart, and sealed text belongs to its place."""

from __future__ import annotations

import pytest

from authenticator import crypto

KEY = bytes(range(32))


def test_random_values_have_the_bits_that_were_asked_for() -> None:
    assert len(crypto.random_token()) == 43
    assert len(crypto.random_token(128)) == 22
    assert len({crypto.random_token() for _ in range(1000)}) == 1000


def test_codes_are_decimal_and_keep_their_leading_zeros() -> None:
    codes = {crypto.random_code() for _ in range(2000)}
    assert all(len(code) == 6 and code.isdigit() for code in codes)
    assert any(code.startswith("0") for code in codes)
    assert len(crypto.random_code(8)) == 8


def test_a_digest_is_sha_256() -> None:
    assert crypto.digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_parts_of_a_keyed_digest_cannot_run_into_each_other() -> None:
    texts = [("ab", "c"), ("a", "bc"), ("abc",), ("abc", ""), ("", "abc"), ("a", "b", "c")]
    assert len({crypto.keyed_digest(KEY, *parts) for parts in texts}) == len(texts)
    assert crypto.keyed_digest(KEY, "a") != crypto.keyed_digest(KEY[::-1], "a")


def test_a_keyed_token_is_the_digest_as_url_safe_text() -> None:
    assert len(crypto.keyed_token(KEY, "a")) == 43
    assert crypto.keyed_token(KEY, "a") == crypto.keyed_token(KEY, "a") != crypto.keyed_token(KEY, "b")


def test_texts_are_compared_whatever_they_hold() -> None:
    assert crypto.same("é", "é")
    assert not crypto.same("é", "e")
    assert not crypto.same("a", "")


def test_derived_keys_differ_by_purpose() -> None:
    keys = {crypto.derive_key(KEY, purpose) for purpose in ("csrf", "refresh", "csrf\x01", "")}
    assert len(keys) == 4
    assert all(len(key) == 32 for key in keys)


def test_sealed_text_opens_only_with_its_key_at_its_place_and_untouched() -> None:
    sealed = crypto.seal(KEY, b"ada@example.com", "users/1#email")
    assert crypto.unseal(KEY, sealed, "users/1#email") == b"ada@example.com"
    assert b"ada" not in sealed
    assert sealed != crypto.seal(KEY, b"ada@example.com", "users/1#email")
    flipped = bytes([*sealed[:-1], sealed[-1] ^ 1])
    for key, text, place in (
        (KEY[::-1], sealed, "users/1#email"),
        (KEY, sealed, "users/2#email"),
        (KEY, flipped, "users/1#email"),
        (KEY, sealed[:20], "users/1#email"),
    ):
        with pytest.raises(ValueError, match=r"users/\d#email"):
            crypto.unseal(key, text, place)
