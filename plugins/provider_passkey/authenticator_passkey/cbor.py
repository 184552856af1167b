"""What authenticators may write in CBOR, checked before anything decodes it: no tags, no floats, no endless items, little nesting."""

from __future__ import annotations

DEPTH = 4  # CTAP 2.1 §8: canonical CBOR nests no deeper
FALSE, NULL = 20, 22
BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE = range(2, 8)


def end_of(data: bytes, at: int = 0, depth: int = DEPTH) -> int:
    """Where the item that begins at `at` ends; ValueError unless it is plain and whole."""
    if at >= len(data):
        raise ValueError("it ends too early")
    major, short = data[at] >> 5, data[at] & 31
    at += 1
    if major == SIMPLE and FALSE <= short <= NULL:
        return at
    if major in (TAG, SIMPLE) or short > 27:
        raise ValueError("it is not canonical")
    value, at = _number(data, at, short)
    if major in (BYTES, TEXT):
        at += value
    elif major in (ARRAY, MAP):
        if depth == 0 or value > len(data):
            raise ValueError("it is too deep or too long")
        for _ in range(value * (2 if major == MAP else 1)):
            at = end_of(data, at, depth - 1)
    if at > len(data):
        raise ValueError("it ends too early")
    return at


def _number(data: bytes, at: int, short: int) -> tuple[int, int]:
    if short < 24:
        return short, at
    size = 1 << (short - 24)
    return int.from_bytes(data[at : at + size], "big"), at + size
