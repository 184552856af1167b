"""Tickets and errands in SQL: what waits to be taken, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, select, update

from authenticator.models import Errand
from authenticator.storage import records
from authenticator.storage.sealing import Sealer
from authenticator.storage.sql.engine import Database
from authenticator.storage.sql.part import Part, fields, record
from authenticator.storage.sql.tables import errands, tickets

ERRAND = fields(errands)


class Errands(Part):
    """Verbs on tickets and errands."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        super().__init__(database, sealer)
        issue = self._upsert(tickets)
        replaced = {name: issue.excluded[name] for name in ("payload", "expires_at")}
        self._issue = issue.on_conflict_do_update(index_elements=[tickets.c.id], set_=replaced)
        self._take = delete(tickets).where(tickets.c.id == bindparam("key")).returning(tickets.c.payload, tickets.c.expires_at)
        self._look = select(tickets.c.payload, tickets.c.expires_at).where(tickets.c.id == bindparam("key"))
        c = errands.c
        self._put_errand = self._upsert(errands).on_conflict_do_nothing()
        oldest = select(c.id).where(c.due_at <= bindparam("now")).order_by(c.due_at, c.id).limit(bindparam("top"))
        due = oldest.with_for_update(skip_locked=True).cte("due")  # apart, so that PostgreSQL looks once, and locks no more than it takes
        taken = {"due_at": bindparam("till"), "former_due_at": c.due_at}
        self._claim_errands = update(errands).where(c.id.in_(select(due.c.id))).values(taken).returning(errands)
        self._finish = delete(errands).where(c.id == bindparam("key"))
        self._postpone = update(errands).where(c.id == bindparam("key")).values(due_at=bindparam("due"), tries=c.tries + 1)

    def issue_ticket(
        self, kind: str, digest: str, payload: Mapping[str, Any], expires_at: datetime, *, errands: Sequence[Errand] = ()
    ) -> None:
        key = records.ticket_id(kind, digest, self._sealer)
        row = records.ticket_record(key, payload, expires_at, self._sealer)
        if not errands:
            self._db.change(self._issue, row)
            return
        rows = self._errand_rows(errands)
        with self._db.transaction() as connection:
            connection.execute(self._issue, row)
            for item in rows:
                connection.execute(self._put_errand, item)

    def take_ticket(self, kind: str, digest: str, now: datetime) -> Mapping[str, Any] | None:
        key = records.ticket_id(kind, digest, self._sealer)
        rows = self._db.change(self._take, {"key": key})
        return records.ticket_payload(key, record(("payload", "expires_at"), rows[0]), now, self._sealer) if rows else None

    def read_ticket(self, kind: str, digest: str, now: datetime) -> Mapping[str, Any] | None:
        key = records.ticket_id(kind, digest, self._sealer)
        row = self._db.row(self._look, {"key": key})
        return records.ticket_payload(key, record(("payload", "expires_at"), row), now, self._sealer) if row else None

    def put_errands(self, errands: Sequence[Errand]) -> None:
        rows = self._errand_rows(errands)
        if len(rows) == 1:
            self._db.change(self._put_errand, rows[0])
        elif rows:
            with self._db.transaction() as connection:
                for row in rows:
                    connection.execute(self._put_errand, row)

    def claim_errands(self, now: datetime, until: datetime, limit: int = 20) -> Sequence[Errand]:
        names = {"now": records.millis(now), "till": records.millis(until), "top": limit}
        rows = [record(ERRAND, row) for row in self._db.change(self._claim_errands, names)]
        rows.sort(key=lambda row: (row["former_due_at"], row["id"]))
        return tuple(records.errand_of(row, self._sealer) for row in rows)

    def finish_errand(self, errand_id: str) -> None:
        self._db.count(self._finish, {"key": errand_id})

    def postpone_errand(self, errand_id: str, due_at: datetime) -> None:
        self._db.count(self._postpone, {"key": errand_id, "due": records.millis(due_at)})

    def _errand_rows(self, errands: Sequence[Errand]) -> list[dict[str, Any]]:
        rows = [records.errand_record(errand, self._sealer) for errand in errands]
        return sorted(({**row, "former_due_at": row["due_at"]} for row in rows), key=lambda row: str(row["id"]))
