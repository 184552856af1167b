"""Which of many new users can have the login keys they want: the same on every database."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from authenticator.models import LoginKey, NewKey


def first_come(wanted: Sequence[Mapping[str, NewKey]], taken: Collection[str]) -> list[LoginKey | None]:
    """For each user None, or the key that somebody else has: one of the database's users, or one who stands before her.

    `wanted` holds each user's keys by their ids, `taken` the ids that belong to somebody.
    """
    gone, clashes = set(taken), []
    for keys in wanted:
        clash = next((new.key for key_id, new in keys.items() if key_id in gone), None)
        if clash is None:
            gone.update(keys)
        clashes.append(clash)
    return clashes
