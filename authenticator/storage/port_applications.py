"""What the core asks of a database about applications, and what people let them have: part of the storage port."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from authenticator.applications import Application, Grant
from authenticator.models import Page


class Applications(Protocol):
    """The verbs on applications and grants."""

    def add_application(self, application: Application) -> bool:
        """Keep an application; False if its id is taken, AuthError `conflict` if its owner is gone."""
        ...

    def application(self, application_id: str) -> Application | None: ...

    def applications(self, *, owner: str | None = None, after: str | None = None, limit: int = 50) -> Page[Application]:
        """Applications by age, oldest first: all, one user's, or the operator's (owner is empty)."""
        ...

    def save_application(self, application: Application) -> bool:
        """Replace the application if the stored version still is `application.version`, and count that up; False if somebody was faster."""
        ...

    def remove_application(self, application_id: str, now: datetime) -> bool:
        """Remove it with all grants to it, and end all sessions that it was given; False if there is none."""
        ...

    def end_given(self, application_id: str, reason: str, now: datetime) -> int:
        """End all open sessions that an application was given, whoever gave them; how many."""
        ...

    def grant(self, user_id: str, application_id: str) -> Grant | None:
        """What a person lets an application have."""
        ...

    def grants_of(self, user_id: str) -> Sequence[Grant]:
        """All that a person lets applications have, oldest first."""
        ...

    def save_grant(self, grant: Grant) -> bool:
        """Store the grant if the stored version still is `grant.version` (0: none is stored), and count that up; False if somebody was faster.

        AuthError `conflict` if the user or the application is gone.
        """
        ...

    def note_read(self, user_id: str, application_id: str, scopes: Sequence[str], now: datetime) -> None:
        """Note that an application has read what these scopes of its grant let it have. Without a grant nothing happens."""
        ...

    def remove_grant(self, user_id: str, application_id: str, now: datetime) -> bool:
        """Take back a grant, and end all sessions that the application was given by this user; False if there was none of both."""
        ...
