"""The authorization code: what was agreed in the browser, kept under the code's digest until the application redeems it, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any, Final

from authenticator.crypto import digest, random_token
from authenticator.flows.core import Core

KIND: Final = "code"
LIFE: Final = timedelta(seconds=60)  # ASVS 5.0 10.4.3
LONGEST: Final = 128  # characters that are looked at; a code has 43


@dataclass(frozen=True, slots=True)
class Code:
    """What a code stands for (RFC 6749 §4.1.2, OpenID Connect Core §3.1.2).

    `redirect_uri` is as it was sent, empty if it was left out; whoever redeems the code must repeat it. `session_id` is the sign-in in
    which it was given. `claims` is the `claims` parameter, `code_challenge` an S256 one or empty, `auth_time` in seconds of the epoch.
    `jkt` is the thumbprint of the DPoP key that must redeem it (RFC 9449 §10), or empty.
    """

    client_id: str
    redirect_uri: str
    user_id: str
    session_id: str
    scopes: tuple[str, ...] = ()
    claims: Mapping[str, Any] = field(default_factory=dict)
    resources: tuple[str, ...] = ()
    nonce: str = ""
    code_challenge: str = ""
    auth_time: int = 0
    amr: tuple[str, ...] = ()
    acr: str = ""
    offline: bool = False
    jkt: str = ""

    def facts(self) -> dict[str, Any]:
        """As JSON-like facts, for the store."""
        plain = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()}

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Code:
        """From facts that were kept, by this version or by one that knew fewer or more of them."""
        known = {item.name for item in fields(cls)}
        plain: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in facts.items() if name in known}
        return cls(**plain)


def issue(core: Core, code: Code) -> str:
    """A new code of 256 random bits that lives 60 seconds."""
    text = random_token()
    core.store.issue_ticket(KIND, digest(text), code.facts(), core.clock.now() + LIFE)
    return text


def take(core: Core, text: str) -> Code | None:
    """What the code stands for, exactly once, even where many ask at once; None if it is unknown, spent or too old."""
    if not text or len(text) > LONGEST:
        return None
    facts = core.store.take_ticket(KIND, digest(text), core.clock.now())
    return None if facts is None else Code.of(facts)
