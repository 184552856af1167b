"""Connections: an engine, short transactions, and outages told as AuthError."""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Executable, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError

from authenticator.errors import AuthError, ConfigurationError
from authenticator.storage.sql.quick import Connections, Params, Plans, Quick, tell

CACHE = "cache_size=-512"  # KiB for each connection; the system keeps the file in memory anyway, once for all of them
PATIENCE = 4  # seconds for a connection, a lock or a statement, so that an outage is told within five

AnyRow = Sequence[Any]
T = TypeVar("T")
_TANGLES = 2


class Database:
    """Runs statements. Every statement commits by itself unless it is inside `transaction`."""

    def __init__(self, url: str) -> None:
        self.url = _checked(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        if self.sqlite:
            Path(str(self.url.database)).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.engine: Engine = create_engine(self.url, **(_sqlite_options() if self.sqlite else _postgresql_options()))
        if self.sqlite:
            event.listen(self.engine, "connect", _settle)
        else:
            _listen_postgresql(self.engine)
        self._begin = "BEGIN IMMEDIATE" if self.sqlite else "BEGIN"
        self.connections = Connections(self.engine)
        self._plans = Plans(self.engine)
        self._writing = threading.Lock()
        weakref.finalize(self, _close, self.connections, self.engine)  # whoever drops it without closing it leaves nothing open
        _tell_children(weakref.WeakMethod(self._forked))

    def rows(self, statement: Executable, params: Params | None = None) -> Sequence[AnyRow]:
        """All rows of a reading statement."""
        with self._quickest() as connection:
            found: Sequence[AnyRow] = connection.execute(statement, params).fetchall()
            return found

    def row(self, statement: Executable, params: Params | None = None) -> AnyRow | None:
        """The first row, if there is one."""
        found = self.rows(statement, params)
        return found[0] if found else None

    def change(self, statement: Executable, params: Params | None = None) -> Sequence[AnyRow]:
        """Run one writing statement; what it returns with RETURNING."""
        with self._turn(), self._quickest() as connection:
            result = connection.execute(statement, params)
            return result.fetchall() if self.sqlite or result.returns_rows else ()

    def count(self, statement: Executable, params: Params | None = None) -> int:
        """Run one writing statement; how many rows it touched."""
        with self._turn(), self._quickest() as connection:
            return int(connection.execute(statement, params).rowcount)

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """Several statements, all or none. SQLite takes its write lock first: to upgrade a read lock can't be waited for."""
        with self._turn(), self._quickest() as connection:
            run = connection.run if isinstance(connection, Quick) else connection.exec_driver_sql
            run(self._begin)
            try:
                yield connection
            except BaseException:
                _roll_back(connection)
                raise
            run("COMMIT")

    def untangled(self, work: Callable[[Any], T]) -> T:
        """A transaction that is tried again if it and another one waited for each other's rows: PostgreSQL then ends one of them."""
        for _ in range(_TANGLES):
            try:
                with self.transaction() as connection:
                    return work(connection)
            except AuthError as error:
                if not _is_deadlock(error.__cause__):
                    raise
        with self.transaction() as connection:
            return work(connection)

    @staticmethod
    def many(connection: Any, statement: Executable, rows: Sequence[Params]) -> int:
        """Within a transaction, a writing statement once for each row; how many rows it touched."""
        if not rows:
            return 0
        return connection.many(statement, rows) if isinstance(connection, Quick) else int(connection.execute(statement, rows).rowcount)

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """A transaction through SQLAlchemy all the way, for whoever needs its connection."""
        with self._turn(), self.connected() as connection:
            connection.exec_driver_sql(self._begin)
            try:
                yield connection
            except BaseException:
                _roll_back(connection)
                raise
            connection.exec_driver_sql("COMMIT")

    def _quickest(self) -> Any:
        return Quick(self.connections, self._plans) if self.sqlite else self.connected()

    def close(self) -> None:
        with _told():
            _close(self.connections, self.engine)

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        with _told(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def taking_turns(self) -> Iterator[None]:
        if not self._writing.acquire(timeout=PATIENCE):
            raise AuthError("store_unavailable")
        try:
            yield
        finally:
            self._writing.release()

    def _turn(self) -> Any:
        """SQLite has one writer; threads that queue here are served sooner than those that poll the file's lock."""
        return self.taking_turns() if self.sqlite else nullcontext()

    def _forked(self) -> None:
        self._writing = threading.Lock()
        self.connections.forked()
        self.engine.dispose(close=False)


def _close(connections: Connections, engine: Engine) -> None:
    connections.close()
    engine.dispose()


def _tell_children(forked: weakref.WeakMethod[Callable[[], None]]) -> None:
    """A forked process must not use its parent's connections."""

    def in_child() -> None:
        alive = forked()
        if alive is not None:
            alive()

    os.register_at_fork(after_in_child=in_child)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        tell(error)
        raise


def _is_deadlock(error: BaseException | None) -> bool:
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", "") == "40P01"


def _roll_back(connection: Connection | Quick) -> None:
    try:
        if isinstance(connection, Quick):
            connection.run("ROLLBACK")
        else:
            connection.exec_driver_sql("ROLLBACK")
    except DBAPIError:
        if not isinstance(connection, Quick):  # SQLite has rolled back by itself
            connection.invalidate()


def _checked(text: str) -> URL:
    try:
        url = make_url(text)
    except ArgumentError:
        raise ConfigurationError(
            "AUTHENTICATOR_DATABASE_URL is not a URL. Write sqlite:///file.db or postgresql+psycopg://user@host/name."
        ) from None
    if url.get_backend_name() != "sqlite":
        return url.set(drivername="postgresql+psycopg")
    if not url.database or url.database == ":memory:":
        raise ConfigurationError("AUTHENTICATOR_DATABASE_URL: SQLite needs a file, as in sqlite:///var/authenticator.db.")
    return url.set(database=str(Path(url.database).absolute()))  # Flask-SQLAlchemy would look in its instance folder


def _sqlite_options() -> dict[str, Any]:
    return {**_common_options(), "connect_args": {"timeout": 5, "cached_statements": 256}}


def _postgresql_options() -> dict[str, Any]:
    limits = f"-c statement_timeout={PATIENCE * 1000} -c synchronous_commit=on -c timezone=UTC"
    connect = {"connect_timeout": 3, "tcp_user_timeout": PATIENCE * 1000, "options": limits, "application_name": "authenticator"}
    return {"pool_size": 16, "max_overflow": 16, **_common_options(), "connect_args": connect}


def _common_options() -> dict[str, Any]:
    return {
        "isolation_level": "AUTOCOMMIT",
        "skip_autocommit_rollback": True,
        "pool_timeout": PATIENCE,
        "pool_use_lifo": True,
        "pool_reset_on_return": None,
        "hide_parameters": True,
    }


def _settle(connection: sqlite3.Connection, _record: object) -> None:
    for pragma in ("synchronous=NORMAL", "foreign_keys=ON", CACHE):
        connection.execute(f"PRAGMA {pragma}").close()


def _listen_postgresql(engine: Engine) -> None:
    from authenticator.storage.sql import patience  # needs psycopg, which SQLite does without

    def drop_stale(connection: Any, _record: object, _proxy: object) -> None:
        if patience.is_stale(connection):
            raise DisconnectionError("closed by the server")

    def connect(_dialect: object, _record: object, arguments: Sequence[Any], options: dict[str, Any]) -> Any:
        return patience.connect(*arguments, **options)

    event.listen(engine, "checkout", drop_stale)
    event.listen(engine, "do_connect", connect)
