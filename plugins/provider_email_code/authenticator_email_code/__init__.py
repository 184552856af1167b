"""Sign-in by a mailed code or link: who reads the mailbox is its owner, and gets an account if there is none yet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from authenticator.identifiers import canonical_email
from authenticator.plugin import CodeProvider, Field, Identity, Proof, Provider, Visit, hookimpl

EMAIL = Field("email", "E-mail", "email", autocomplete="email", max_length=254)


class EmailCode(CodeProvider):
    """The subject is the canonical address itself, so it is the same claim as that of an address proved in any other way."""

    name, label, phrase, channel = "email", "E-mail code", "a code by e-mail", "email"
    icon = (Path(__file__).parent / "icon.svg").read_text()
    rank = 20

    def fields(self, visit: Visit) -> tuple[Field, ...]:
        return (EMAIL,)

    def addressed(self, visit: Visit, answer: Mapping[str, str]) -> Mapping[str, str]:
        return {"to": canonical_email(answer["email"]), "shown": answer["email"]}

    def proof(self, visit: Visit, known: Mapping[str, Any]) -> Proof:
        return Proof(known["to"], Identity(known["shown"], email_proven=True), ("otp",), label=known["shown"])


@hookimpl
def auth_providers() -> list[type[Provider]]:
    """The one provider of this package."""
    return [EmailCode]
