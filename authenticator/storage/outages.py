"""A store that knows when it was last away: who lost an answer to an outage is no thief for asking again after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from authenticator.clock import Clock
from authenticator.errors import AuthError
from authenticator.models import Rotation
from authenticator.storage.port import Store

ASKED_FOR: Final = timedelta(seconds=5)  # what a question waits at the most until it counts as not answered
LINGERS: Final = timedelta(seconds=30)  # after the last failure: until then those who waited have come again
LONGEST: Final = timedelta(minutes=10)  # of an outage that is allowed for
LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Outages:
    """What is not here goes to the store as it is.

    A refresh token may have been swapped although nobody was told: the server that did it died before it could say so, and the next
    one answers only after a while. So the time in which its predecessor may come again is longer by what this process saw of the outage.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._began = self._failed = LONG_AGO

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if callable(found):

            def found(*what: Any, **more: Any) -> Any:
                return self._asked(name, what, more)

            setattr(self, name, found)  # from now on it is found at once
        return found

    def rotate_refresh(self, session_id: str, presented: str, successor: str, now: datetime, grace: timedelta) -> Rotation:
        what = (session_id, presented, successor, now, grace + self._since_outage(now))
        rotation: Rotation = self._asked("rotate_refresh", what, {})
        return rotation

    def _asked(self, name: str, what: Sequence[Any], more: Mapping[str, Any]) -> Any:
        try:
            return getattr(self._store, name)(*what, **more)
        except AuthError as error:
            if error.code == "store_unavailable":
                self._note()
            raise

    def _note(self) -> None:
        now = self._clock.now()
        if not self._lasts(now):
            self._began = now - ASKED_FOR
        self._failed = now

    def _lasts(self, now: datetime) -> bool:
        """Whether there is an outage, or was one a moment ago."""
        return now - self._failed <= LINGERS

    def _since_outage(self, now: datetime) -> timedelta:
        """How long ago that outage began; nothing where there was none."""
        return max(timedelta(), min(now - self._began, LONGEST)) if self._lasts(now) else timedelta()
