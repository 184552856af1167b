"""The record of what happened, and those who listen to it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from authenticator.clock import Clock
from authenticator.events import Event
from authenticator.ids import Ids
from authenticator.models import Client
from authenticator.storage.port import Store

log = logging.getLogger("authenticator.history")

# Accounts and sessions are themselves the record of these, so listeners are told and nothing is written twice.
TOLD_ONLY = frozenset({"user_created", "signed_in", "sign_in_refused"})


class History:
    """Writes an event, then tells the listeners one by one; none of them can break what has happened."""

    def __init__(self, store: Store, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self.listeners: Sequence[Callable[[Event], None]] = ()

    def record(self, kind: str, *, user_id: str | None = None, client: Client | None = None, **detail: str) -> None:
        """Record one event; `detail` must hold no secret and no address of a person."""
        if kind in TOLD_ONLY and not self.listeners:
            return
        event = Event(self._ids.new(), kind, self._clock.now(), user_id, client or Client(), detail)
        if kind not in TOLD_ONLY:
            self._store.append_event(event)
        for listener in self.listeners:
            try:
                listener(event)
            except Exception:
                log.exception("a listener failed on %s", kind)
