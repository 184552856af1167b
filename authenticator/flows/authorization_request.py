"""What an application asks for in the browser, as validated facts; and the refusals that are answered to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Literal

from authenticator.models import Session

Mode = Literal["query", "fragment", "form_post"]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request is answered: `redirect_uri` is registered for the application, `sent_uri` what it sent (empty if nothing)."""

    client_id: str
    redirect_uri: str
    sent_uri: str = ""
    mode: Mode = "query"
    state: str = ""


@dataclass(eq=False)
class Refusal(Exception):
    """An authorization request that is refused: `error` is a word of RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6 or a later standard.

    It is answered at `target`. `description` is English, for developers, and repeats nothing of what was sent.
    """

    error: str
    description: str
    target: Target

    def __post_init__(self) -> None:
        super().__init__(f"{self.error}: {self.description}")


@dataclass(frozen=True, slots=True)
class Asked:
    """A valid authorization request. `asked_at` is when it reached the browser's side of this service.

    `prompt` is a set of words. `acr_values` are wished for, of `acr_essential` one must be shown. `subject` is the only `sub` that it is for
    (of `id_token_hint`, or of `claims`). `claims` is the `claims` parameter without what nobody knows here. `resources` are of RFC 8707,
    `jkt` of RFC 9449. `ui_locales` are the languages of the pages on the way, best first.
    """

    target: Target
    asked_at: datetime
    scopes: tuple[str, ...] = ()
    nonce: str = ""
    code_challenge: str = ""
    prompt: frozenset[str] = frozenset()
    max_age: int | None = None
    acr_values: tuple[str, ...] = ()
    acr_essential: tuple[str, ...] = ()
    subject: str = ""
    login_hint: str = ""
    ui_locales: tuple[str, ...] = ()
    claims: Mapping[str, Any] = field(default_factory=dict)
    resources: tuple[str, ...] = ()
    jkt: str = ""

    def facts(self) -> dict[str, Any]:
        """As JSON-like facts, for the store."""
        plain = {item.name: getattr(self, item.name) for item in fields(self)}
        changed = {"target": asdict(self.target), "asked_at": self.asked_at.isoformat(), "prompt": sorted(self.prompt)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in (plain | changed).items()}

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Asked:
        """From facts that were kept."""
        known = {item.name for item in fields(cls)}
        plain: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in facts.items() if name in known}
        changed = {"asked_at": datetime.fromisoformat(plain["asked_at"]), "prompt": frozenset(plain["prompt"])}
        return cls(**{**plain, **changed, "target": Target(**plain["target"])})

    def at(self, moment: datetime) -> Asked:
        """The same, asked at this moment."""
        return replace(self, asked_at=moment)

    @property
    def quiet(self) -> bool:
        """Whether no page may be shown (prompt=none)."""
        return "none" in self.prompt

    def shown_since(self, session: Session) -> bool:
        """Whether the person has proved herself since this was asked."""
        return session.auth_time >= self.asked_at

    def wanted_claims(self) -> frozenset[str]:
        """The names of the single claims that it asks for, wherever they are to be told."""
        return frozenset(name for part in self.claims.values() for name in part)
