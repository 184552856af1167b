"""SQLite without the detour: statements are written in SQLAlchemy, compiled once, and run by the driver itself.

SQLAlchemy's own execution costs about five times the driver's, which on SQLite is most of a statement's time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Executable
from sqlalchemy.exc import DBAPIError

Params = Mapping[str, Any]


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
    """What the stores ask of a result."""

    __slots__ = ("_cursor",)

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor

    def fetchall(self) -> Sequence[Sequence[Any]]:
        return self._cursor.fetchall()

    def first(self) -> Sequence[Any] | None:
        found: Sequence[Any] | None = self._cursor.fetchone()
        return found

    @property
    def rowcount(self) -> int:
        return self._cursor.rowcount


class Quick:
    """A pooled connection that runs plans; its errors are SQLAlchemy's."""

    __slots__ = ("_driver", "_plans")

    def __init__(self, driver: sqlite3.Connection, plans: Plans) -> None:
        self._driver = driver
        self._plans = plans

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
            raise DBAPIError.instance(plan.sql, None, error, sqlite3.Error, hide_parameters=True) from error

    def run(self, sql: str, values: Sequence[Any] = ()) -> Result:
        """A statement as text."""
        try:
            return Result(self._driver.execute(sql, values))
        except sqlite3.Error as error:
            raise DBAPIError.instance(sql, None, error, sqlite3.Error, hide_parameters=True) from error


def _values(plan: Plan, params: Params) -> list[Any]:
    flat = dict(plan.own)
    for name, value in params.items():
        if type(value) in (list, tuple):
            flat |= {f"{name}_{number}": item for number, item in enumerate(value, 1)}
        else:
            flat[name] = value
    return [flat[name] for name in plan.names]
