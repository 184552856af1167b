"""The sample people whom the emulator offers, and from whom each provider's example answers are made."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at an identity provider. `key` names her in the emulator."""

    key: str
    given_name: str
    family_name: str
    email: str = ""
    email_verified: bool = False
    picture: str = ""
    locale: str = "en"

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}".strip()

    @property
    def username(self) -> str:
        return f"{self.key}_{self.family_name[:1].lower()}"

    @property
    def domain(self) -> str:
        return self.email.rpartition("@")[2]

    def subject(self, provider: str) -> str:
        """Her id at that provider: 18 digits, the same every time, another at each provider."""
        digest = hashlib.sha256(f"{provider}:{self.key}".encode()).digest()
        return str(10**17 + int.from_bytes(digest[:8], "big") % (9 * 10**17))


PEOPLE = (
    Person("ada", "Ada", "Lovelace", "ada@example.com", True),
    Person("grace", "Grace", "Hopper", "grace@example.com", True),
    Person("alan", "Alan", "Turing", "alan@example.com"),
    Person("nomail", "Nora", "Nomail"),
    Person("mallory", "Mallory", "Intruder", "ada@example.com"),
)
