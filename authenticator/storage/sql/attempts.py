"""Attempts in SQL: one conditional upsert per counter, which is both the look and the count."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, case, delete, literal, or_, select

from authenticator.events import Event
from authenticator.limits import Backoff, Limit
from authenticator.storage import records, waits
from authenticator.storage.sealing import Sealer
from authenticator.storage.sql.engine import Database
from authenticator.storage.sql.part import Part
from authenticator.storage.sql.tables import attempts


class Attempts(Part):
    """Verbs on attempts."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        super().__init__(database, sealer)
        c = attempts.c
        self._forgive = delete(attempts).where(c.id.in_(bindparam("keys", expanding=True)))
        self._select_until = select(c.until, c.count).where(c.id == bindparam("key"))
        self._count_limit = self._limit_statement()
        self._count_backoff = cache(self._backoff_statement)

    def count_attempts(self, counters: Sequence[Limit | Backoff], now: datetime, *, event: Event | None = None) -> int:
        never = max((waits.wait_of_none(counter) for counter in counters), default=0)
        counted = [] if never else counters
        ids = waits.attempt_ids([counter.key for counter in counted], self._sealer)
        steps = sorted(zip(ids, counted, strict=True), key=lambda step: step[0])  # one order for all: nobody waits in a circle
        at = records.millis(now)
        if event is None and len(steps) < 2:
            return self._count_one(*steps[0], at) if steps else never
        with self._db.transaction() as connection:
            wait = max((self._count_within(connection, key, counter, at) for key, counter in steps), default=never)
            self._note(connection, event)
            return wait

    def forgive(self, keys: Sequence[str]) -> None:
        if keys:
            self._db.count(self._forgive, {"keys": waits.attempt_ids(keys, self._sealer)})

    def _count_one(self, key: str, counter: Limit | Backoff, at: int) -> int:
        """The same as below without BEGIN and COMMIT: a single statement is atomic by itself."""
        statement, values = self._step(key, counter, at)
        if self._db.change(statement, values):
            return 0
        return _seconds(counter, self._db.row(self._select_until, {"key": key}), at)

    def _count_within(self, connection: Connection, key: str, counter: Limit | Backoff, at: int) -> int:
        statement, values = self._step(key, counter, at)
        if connection.execute(statement, values).fetchall():
            return 0
        return _seconds(counter, connection.execute(self._select_until, {"key": key}).first(), at)

    def _step(self, key: str, counter: Limit | Backoff, at: int) -> tuple[Any, dict[str, Any]]:
        if isinstance(counter, Limit):
            end = at + counter.seconds * 1000
            values = {"id": key, "count": 1, "until": end, "expires_at": end, "now": at, "allowed": counter.allowed}
            return self._count_limit, values
        first = at + counter.wait(1) * 1000
        statement = self._count_backoff(counter.free, counter.first, counter.longest)
        return statement, {"id": key, "count": 1, "until": first, "expires_at": None, "now": at, "dead": counter.dead}

    def _limit_statement(self) -> Any:
        """A fixed window: a fresh one starts when the last has ended."""
        c, insert = attempts.c, self._upsert(attempts)
        over = c.until <= bindparam("now")
        fresh = {name: case((over, insert.excluded[name]), else_=c[name]) for name in ("until", "expires_at")}
        values = {"count": case((over, 1), else_=c.count + 1), **fresh}
        may = or_(over, c.count < bindparam("allowed"))
        return insert.on_conflict_do_update(index_elements=[c.id], set_=values, where=may).returning(c.count)

    def _backoff_statement(self, free: int, first: int, longest: int) -> Any:
        """Attempts in a row: the next count sets the next wait."""
        c, insert = attempts.c, self._upsert(attempts)
        wait = _wait_after(c.count + 1, Backoff("", free=free, first=first, longest=longest))
        free_still = c.count <= free  # of those that come at once some have read the clock a little earlier: they need not wait either
        may = or_(c.until <= bindparam("now"), free_still) & (c.count < bindparam("dead"))
        values = {"count": c.count + 1, "until": bindparam("now") + wait * 1000, "expires_at": None}
        return insert.on_conflict_do_update(index_elements=[c.id], set_=values, where=may).returning(c.count)


def _wait_after(count: ColumnElement[int], backoff: Backoff) -> ColumnElement[int]:
    """`Backoff.wait` as SQL: one branch for each step until the longest wait is reached."""
    steps = [(count <= backoff.free, literal(0))]
    number = backoff.free + 1
    while backoff.wait(number) < backoff.wait(number + 1):
        steps.append((count <= number, literal(backoff.wait(number))))
        number += 1
    return case(*steps, else_=literal(backoff.wait(number)))


def _seconds(counter: Limit | Backoff, found: Any, at: int) -> int:
    until, count = found or (at, 0)  # nothing there: forgiven or tidied up at this very moment
    return waits.wait_of(counter, int(until), int(count), at)
