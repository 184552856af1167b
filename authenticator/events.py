"""What happened, as facts for the history and for listeners."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from authenticator.models import Client

KINDS: Final = frozenset(
    {
        "user_created",
        "signed_in",
        "sign_in_refused",
        "signed_out",
        "session_ended",
        "refresh_reused",
        "identity_linked",
        "identity_unlinked",
        "email_proved",
        "status_changed",
        "signing_key_added",
    }
)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: `kind` is one of KINDS, `at` is in UTC, `detail` holds no secret and no address."""

    id: str
    kind: str
    at: datetime
    user_id: str | None = None
    client: Client = Client()
    detail: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is not a known kind of event; add it to events.KINDS")
