"""What every part of the SQL store has: the database, the sealer, and the statements they share."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Executable, Select, Table, bindparam, select, tuple_

from authenticator.events import Event
from authenticator.storage.records import event_record, parse_cursor
from authenticator.storage.sealing import Sealer
from authenticator.storage.sql.engine import AnyRow, Database
from authenticator.storage.sql.quick import Params
from authenticator.storage.sql.tables import events, users


class Part:
    """Base of the classes that together are the store."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._db = database
        self._sealer = sealer
        self._lock_user = select(users.c.id).where(users.c.id == bindparam("user")).with_for_update()
        put = self._upsert(events)
        replaced = {name: put.excluded[name] for name in ("user_id", "kind", "created_at", "facts")}
        self._put_event = put.on_conflict_do_update(index_elements=[events.c.id], set_=replaced)

    def _upsert(self, table: Table) -> Any:
        """An INSERT that knows ON CONFLICT, in the database's own dialect."""
        dialect = import_module(f"sqlalchemy.dialects.{self._db.url.get_backend_name()}")  # the other one is never needed, and large
        return dialect.insert(table)

    def _note(self, connection: Any, event: Event | None) -> None:
        """Write the event in place of one of its id, within a transaction."""
        if event is not None:
            connection.execute(self._put_event, event_record(event, self._sealer))

    def _end_all(self, connection: Any, statement: Executable, names: Params) -> int:
        """Within a transaction, end all sessions that the statement finds; how many.

        Where writers do not queue, once more for what was given meanwhile: whoever gives locks the session in which she does, and
        the first turn has waited for her.
        """
        return sum(int(connection.execute(statement, names).rowcount) for _ in range(1 if self._db.sqlite else 2))

    def _page(self, first: Select[Any], later: Select[Any], after: str | None, limit: int, **params: Any) -> Sequence[AnyRow]:
        """At most `limit` rows and one more, which tells whether there is a next page."""
        if after is None:
            return self._db.rows(first, {**params, "top": limit + 1})
        at, last = parse_cursor(after)
        return self._db.rows(later, {**params, "top": limit + 1, "at": at, "last": last})


def fields(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.columns)


def record(names: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    """Part of a row by name; a join's row is longer than one table's names."""
    return dict(zip(names, row, strict=False))


def paged(table: Table, *where: ColumnElement[bool], newest_first: bool) -> tuple[Select[Any], Select[Any]]:
    """The statement for a list's first page, and the one that goes on after a cursor."""
    at, row_id = table.c.created_at, table.c.id
    order = (at.desc(), row_id.desc()) if newest_first else (at, row_id)
    last_at: BindParameter[int] = bindparam("at")
    last_id: BindParameter[str] = bindparam("last")
    here, last = tuple_(at, row_id), tuple_(last_at, last_id)  # compared as one value, an index serves it in one walk
    first = select(table).where(*where).order_by(*order).limit(bindparam("top"))
    return first, first.where(here < last if newest_first else here > last)
