"""What every part of the facade has: the core, and what this process knows of ended sessions."""

from __future__ import annotations

from dataclasses import dataclass

from authenticator.flows import sessions
from authenticator.flows.core import Core
from authenticator.flows.outcomes import Signed
from authenticator.models import Client, User


@dataclass(frozen=True)
class Facade:
    """Base of the classes that together are the service."""

    core: Core
    ended: sessions.Ended

    def end_sessions(self, user: User, reason: str, client: Client, *, by: str = "", keep: str | None = None) -> int:
        """End all sessions of somebody but `keep`; how many. `by` says who did it, if it was not the person herself."""
        ended = sessions.end_all(self.core, user, reason, client, by=by, keep=keep)
        self.ended.look_again()
        return ended

    def require_fresh(self, signed: Signed) -> None:
        sessions.require_fresh(self.core, signed.session)
