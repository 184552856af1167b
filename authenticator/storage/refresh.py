"""What it means that a refresh token could not be swapped: the same on every database."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from authenticator.models import Rotation, Session


class Sessions(Protocol):
    """The verbs that this needs of an adapter."""

    def session_by_id(self, session_id: str) -> Session | None: ...

    def close_session(self, session_id: str, reason: str, now: datetime) -> bool: ...


def not_rotated(store: Sessions, session_id: str, presented: str, now: datetime, grace: timedelta) -> Rotation:
    """The immediate predecessor in time is `repeated`; any other digest of an open session is `reused`, and ends it."""
    session = store.session_by_id(session_id)
    if session is None or not session.is_open(now):
        return Rotation("closed", session)
    if presented == session.spent and session.rotated_at is not None and now - session.rotated_at <= grace:
        return Rotation("repeated", session)
    ended = store.close_session(session_id, "refresh_reused", now)
    return Rotation("reused" if ended else "closed", store.session_by_id(session_id))
