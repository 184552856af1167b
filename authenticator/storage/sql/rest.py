"""Tickets, signing keys, events and the clean-up, in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select

from authenticator.events import Event
from authenticator.models import Page, SigningKey
from authenticator.storage import records
from authenticator.storage.sealing import Sealer
from authenticator.storage.sql.engine import Database
from authenticator.storage.sql.part import Part, fields, paged, record
from authenticator.storage.sql.tables import attempts, events, sessions, signing_keys, tickets

EVENT = fields(events)
SIGNING = fields(signing_keys)


class Rest(Part):
    """Verbs on what is written once: tickets, signing keys and events."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        super().__init__(database, sealer)
        issue = self._upsert(tickets)
        replaced = {name: issue.excluded[name] for name in ("payload", "expires_at")}
        self._issue = issue.on_conflict_do_update(index_elements=[tickets.c.id], set_=replaced)
        self._take = delete(tickets).where(tickets.c.id == bindparam("key")).returning(tickets.c.payload, tickets.c.expires_at)
        self._look = select(tickets.c.payload, tickets.c.expires_at).where(tickets.c.id == bindparam("key"))
        self._claim_generation = self._upsert(signing_keys).on_conflict_do_nothing().returning(signing_keys.c.generation)
        self._select_signing = select(signing_keys).order_by(signing_keys.c.generation)
        self._append = insert(events)
        self._select_events = paged(events, events.c.user_id == bindparam("user"), newest_first=True)
        self._expired = (
            delete(tickets).where(tickets.c.expires_at <= bindparam("now")),
            delete(attempts).where(attempts.c.expires_at <= bindparam("now")),
            delete(sessions).where(sessions.c.expires_at <= bindparam("now") - records.KEEP_SESSION),
            delete(sessions).where(sessions.c.closed_at <= bindparam("now") - records.KEEP_SESSION),
            delete(signing_keys).where(signing_keys.c.retired_at <= bindparam("now")),
        )

    def issue_ticket(self, kind: str, digest: str, payload: Mapping[str, Any], expires_at: datetime) -> None:
        key = records.ticket_id(kind, digest, self._sealer)
        self._db.change(self._issue, records.ticket_record(key, payload, expires_at, self._sealer))

    def take_ticket(self, kind: str, digest: str, now: datetime) -> Mapping[str, Any] | None:
        key = records.ticket_id(kind, digest, self._sealer)
        rows = self._db.change(self._take, {"key": key})
        return records.ticket_payload(key, record(("payload", "expires_at"), rows[0]), now, self._sealer) if rows else None

    def read_ticket(self, kind: str, digest: str, now: datetime) -> Mapping[str, Any] | None:
        key = records.ticket_id(kind, digest, self._sealer)
        row = self._db.row(self._look, {"key": key})
        return records.ticket_payload(key, record(("payload", "expires_at"), row), now, self._sealer) if row else None

    def add_signing_key(self, key: SigningKey) -> bool:
        return bool(self._db.change(self._claim_generation, records.signing_record(key, self._sealer)))

    def signing_keys(self) -> Sequence[SigningKey]:
        return tuple(records.signing_of(record(SIGNING, row), self._sealer) for row in self._db.rows(self._select_signing))

    def append_event(self, event: Event) -> None:
        self._db.change(self._append, records.event_record(event, self._sealer))

    def events_of(self, user_id: str, *, after: str | None = None, limit: int = 50) -> Page[Event]:
        rows = [record(EVENT, row) for row in self._page(*self._select_events, after, limit, user=user_id)]
        return records.page(rows, limit, lambda row: records.event_of(row, self._sealer))

    def purge(self, now: datetime) -> int:
        return sum(self._db.count(statement, {"now": records.millis(now)}) for statement in self._expired)
