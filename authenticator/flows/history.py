"""The record of what happened, and those who listen to it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from authenticator.clock import Clock
from authenticator.events import Event
from authenticator.ids import Ids
from authenticator.models import Client
from authenticator.storage.port import Store

log = logging.getLogger("authenticator.history")

OPERATOR, ADMINISTRATOR = "operator", "administrator"
OWNER = "owner"  # of an application, who decides what people may do in that


def as_told_to(event: Event, user_id: str) -> Event:
    """An event as the person whom it is about may read it: neither who else did it, nor from where."""
    by = event.detail.get("by", user_id)
    if by == user_id:
        return event
    told = OPERATOR if by == OPERATOR else event.detail.get("as", ADMINISTRATOR)
    return replace(event, client=Client(), detail={**event.detail, "by": told})


class History:
    """Writes an event, then tells the listeners one by one; none of them can break what has happened."""

    def __init__(self, store: Store, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self.listeners: Sequence[Callable[[Event], None]] = ()

    def event(self, kind: str, *, at: str = "", user_id: str | None = None, client: Client | None = None, **detail: str) -> Event:
        """An event that is not written yet; `at` is the id of one whose place it takes. `detail` must hold no secret and no address of a person."""
        return Event(at or self._ids.new(), kind, self._clock.now(), user_id, client or Client(), detail)

    def record(self, kind: str, *, user_id: str | None = None, client: Client | None = None, **detail: str) -> None:
        """Write one event and tell the listeners."""
        event = self.event(kind, user_id=user_id, client=client, **detail)
        self._store.append_event(event)
        self.tell(event)

    def tell(self, event: Event) -> None:
        """Tell the listeners of an event that was written together with what it tells of."""
        for listener in self.listeners:
            try:
                listener(event)
            except Exception:
                log.exception("a listener failed on %s", event.kind)
