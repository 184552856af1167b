"""RSA keys for the services of a run of tests: to make one, or to read one, takes longer than most tests."""

from __future__ import annotations

from typing import Any

from joserfc.jwk import RSAKey

ENOUGH = 6  # no test has one service make more of them


class SpareKeys:
    """Stands in for what makes and reads RSA keys: each key is made once and then given to one service after the other."""

    def __init__(self) -> None:
        self._made: list[tuple[RSAKey, bytes]] = []
        self._given = 0

    def make(self) -> RSAKey:
        """A key that the last few services did not get."""
        if len(self._made) < ENOUGH:
            key = RSAKey.generate_key(3072, private=True)
            self._made.append((key, key.as_pem(private=True)))
            return key
        self._given += 1
        return self._made[self._given % ENOUGH][0]

    def import_key(self, pem: Any) -> RSAKey:
        """The key of this text, which need not be checked again if it was made here."""
        text = pem.encode() if isinstance(pem, str) else pem
        return next((key for key, known in self._made if known == text), None) or RSAKey.import_key(pem)
