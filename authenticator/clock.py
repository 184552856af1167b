"""The time, as one thing that can be handed around and, in tests, set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

LEEWAY: Final = 10  # seconds by which two clocks may differ (RFC 9068 §4)


class Clock:
    """The system's time in UTC. Everything that asks for the time asks an instance of this."""

    def now(self) -> datetime:
        """The moment, aware and in UTC, with milliseconds: the finest that every store keeps."""
        moment = datetime.now(UTC)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


class SetClock(Clock):
    """A clock that runs, but from where a test puts it."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self._ahead

    def advance(self, **ahead: float) -> None:
        """Move on, with the words of `timedelta`: `clock.advance(minutes=3)`."""
        self._ahead += timedelta(**ahead)
