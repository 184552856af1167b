"""Somebody who is signed in, as an app sees her."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Person:
    """`subject` is what to know her by; the name and the address may change. Permissions and roles are at most two minutes old."""

    subject: str
    claims: Mapping[str, Any] = field(repr=False)
    permissions: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """What to call her; never empty."""
        found = (self.claims.get(claim) for claim in ("name", "preferred_username", "email"))
        return next((text for text in found if isinstance(text, str) and text), self.subject)

    @property
    def email(self) -> str:
        """Her address if the service has proved it; empty otherwise."""
        found = self.claims.get("email")
        return found if isinstance(found, str) and self.claims.get("email_verified") is True else ""

    def may(self, permission: str) -> bool:
        return permission in self.permissions


@dataclass
class SignedIn:
    """What an app keeps about one sign-in, on its own side. Times are in seconds since 1970."""

    claims: dict[str, Any]
    access_token: str = field(repr=False)
    access_until: float
    refresh_token: str = field(repr=False)
    id_token: str = field(repr=False)
    since: float
    until: float
    permissions: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)

    @property
    def person(self) -> Person:
        return Person(self.claims["sub"], self.claims, frozenset(self.permissions), frozenset(self.roles))

    def text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, text: str) -> SignedIn:
        return cls(**json.loads(text))
