"""SQLite without the detour: statements are written in SQLAlchemy, compiled once, and run by the driver itself.

SQLAlchemy's own execution costs about five times the driver's, which on SQLite is most of a statement's time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, cast

from sqlalchemy import Engine, Executable
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from authenticator.errors import AuthError

Params = Mapping[str, Any]
MOST_KEPT = 32  # connections that stay open while nobody uses them


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled statement: its text, the names of its places in order, and the values that it brings along."""

    sql: str
    names: tuple[str, ...]
    own: Params


class Plans:
    """Compiled statements. The shape of the parameters is part of the key: columns of an INSERT, lengths of lists."""

    def __init__(self, engine: Engine) -> None:
        self._dialect = engine.dialect
        self._known: dict[tuple[Any, ...], Plan] = {}

    def of(self, statement: Any, params: Params) -> Plan:
        """The plan for a statement with parameters of this shape."""
        key = (statement, *params, *(len(value) for value in params.values() if type(value) in (list, tuple)))
        plan = self._known.get(key)
        if plan is None:
            plan = self._known[key] = self._compiled(statement, params)
        return plan

    def _compiled(self, statement: Any, params: Params) -> Plan:
        columns = list(params) if statement.is_insert else None
        compiled = statement.compile(dialect=self._dialect, column_keys=columns)
        state = compiled.construct_expanded_state(dict(params))
        own = {name: value for name, value in compiled.params.items() if name not in params}
        return Plan(state.statement, tuple(state.positiontup or ()), own)


class Result:
    """What the stores ask of a result. A statement that returns rows may fail only when they are fetched: it ends there."""

    __slots__ = ("_cursor", "_sql")

    def __init__(self, cursor: sqlite3.Cursor, sql: str) -> None:
        self._cursor = cursor
        self._sql = sql

    def fetchall(self) -> Sequence[Sequence[Any]]:
        try:
            return self._cursor.fetchall()
        except sqlite3.Error as error:
            raise _as_theirs(error, self._sql) from error

    def first(self) -> Sequence[Any] | None:
        try:
            found: Sequence[Any] | None = self._cursor.fetchone()
        except sqlite3.Error as error:
            raise _as_theirs(error, self._sql) from error
        return found

    @property
    def rowcount(self) -> int:
        return self._cursor.rowcount


class Connections:
    """The connections that nobody uses just now. SQLAlchemy opens them, but its pool costs more than a short statement does."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._idle: list[sqlite3.Connection] = []
        self._parents: list[sqlite3.Connection] = []

    def take(self) -> sqlite3.Connection:
        """The one that was used last, whose cache is the warmest, or a new one."""
        try:
            return self._idle.pop()
        except IndexError:
            opened = self._engine.raw_connection()
            driver = cast("sqlite3.Connection", opened.driver_connection)
            opened.detach()
            return driver

    def give_back(self, driver: sqlite3.Connection) -> None:
        """Kept for the next one, with nothing begun: a COMMIT that fails leaves its transaction open, and the write lock with it."""
        if driver.in_transaction:
            try:
                driver.rollback()
            except sqlite3.Error:
                driver.close()
                return
        if len(self._idle) < MOST_KEPT:
            self._idle.append(driver)
        else:
            driver.close()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def forked(self) -> None:
        """What was opened before the fork is the parent's: not used here, and not closed either (sqlite.org/howtocorrupt.html, 2.6)."""
        self._parents += self._idle
        self._idle = []


class Quick:
    """A connection that runs plans, within a `with` block; its errors are SQLAlchemy's, and an outage leaves the block as AuthError."""

    __slots__ = ("_connections", "_driver", "_plans")
    _driver: sqlite3.Connection

    def __init__(self, connections: Connections, plans: Plans) -> None:
        self._connections = connections
        self._plans = plans

    def __enter__(self) -> Quick:
        try:
            self._driver = self._connections.take()
        except (sqlite3.Error, OSError) as error:
            raise AuthError("store_unavailable") from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._connections.give_back(self._driver)
        if error is not None:
            tell(error)

    def execute(self, statement: Executable, params: Params | None = None) -> Result:
        plan = self._plans.of(statement, params or {})
        values = _values(plan, params) if params else ()
        return self.run(plan.sql, values)

    def many(self, statement: Executable, rows: Sequence[Params]) -> int:
        """A writing statement once for each row, all of one shape; how many rows it touched."""
        plan = self._plans.of(statement, rows[0])
        values = [_values(plan, row) for row in rows]
        try:
            return self._driver.executemany(plan.sql, values).rowcount
        except sqlite3.Error as error:
            raise _as_theirs(error, plan.sql) from error

    def run(self, sql: str, values: Sequence[Any] = ()) -> Result:
        """A statement as text."""
        try:
            return Result(self._driver.execute(sql, values), sql)
        except sqlite3.Error as error:
            raise _as_theirs(error, sql) from error


def _as_theirs(error: sqlite3.Error, sql: str) -> BaseException:
    return DBAPIError.instance(sql, None, error, sqlite3.Error, hide_parameters=True)


def _values(plan: Plan, params: Params) -> list[Any]:
    flat = dict(plan.own)
    for name, value in params.items():
        if type(value) in (list, tuple):
            flat |= {f"{name}_{number}": item for number, item in enumerate(value, 1)}
        else:
            flat[name] = value
    return [flat[name] for name in plan.names]


def tell(error: BaseException) -> None:
    """Whatever keeps the database from answering becomes `store_unavailable`; our own mistakes stay what they are."""
    if isinstance(error, DBAPIError | PoolTimeout | OSError) and not isinstance(error, IntegrityError | ProgrammingError):
        raise AuthError("store_unavailable") from error
