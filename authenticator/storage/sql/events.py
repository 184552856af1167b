"""The history in SQL: events by user and over everybody."""

from __future__ import annotations

from sqlalchemy import bindparam, insert
from sqlalchemy.exc import IntegrityError

from authenticator.errors import AuthError
from authenticator.events import Event
from authenticator.models import Page
from authenticator.storage import records
from authenticator.storage.sealing import Sealer
from authenticator.storage.sql.engine import Database
from authenticator.storage.sql.part import Part, fields, paged, record
from authenticator.storage.sql.tables import events

EVENT = fields(events)


class Events(Part):
    """Verbs on events."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        super().__init__(database, sealer)
        self._append = insert(events)
        self._select_events = paged(events, events.c.user_id == bindparam("user"), newest_first=True)
        self._select_everybodys = paged(events, newest_first=True)

    def append_event(self, event: Event) -> None:
        try:
            self._db.change(self._append, records.event_record(event, self._sealer))
        except IntegrityError:
            raise AuthError("conflict") from None

    def events_of(self, user_id: str, *, after: str | None = None, limit: int = 50) -> Page[Event]:
        rows = [record(EVENT, row) for row in self._page(*self._select_events, after, limit, user=user_id)]
        return records.page(rows, limit, lambda row: records.event_of(row, self._sealer))

    def events(self, *, after: str | None = None, limit: int = 50) -> Page[Event]:
        rows = [record(EVENT, row) for row in self._page(*self._select_everybodys, after, limit)]
        return records.page(rows, limit, lambda row: records.event_of(row, self._sealer))
