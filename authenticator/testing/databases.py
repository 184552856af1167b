"""Pytest fixtures: real servers, started when the first test asks, and the URLs of databases on them.

`fresh_database(kind)` has nothing in it at all, `prepared_database(kind)` has tables and indexes and is much faster to come by.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import pytest

from authenticator.testing import servers

T = TypeVar("T", bound="servers.Server | servers.ReplicaSet")

KINDS = ("sqlite", "mongodb", "postgresql", "replica_set")


def absent(reason: str) -> NoReturn:
    """Skip aloud; in continuous integration what should run must run."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _running(start: Callable[[], T]) -> Iterator[T]:
    try:
        server = start()
    except (servers.Missing, ImportError) as error:
        absent(str(error))
    with server:
        yield server


@pytest.fixture(scope="session")
def mongod_server() -> Iterator[servers.Server]:
    yield from _running(servers.mongod)


@pytest.fixture(scope="module")
def mongod_replica_set() -> Iterator[servers.ReplicaSet]:
    """Ends with the module that wanted it: three nodes that listen for each other are never idle."""
    yield from _running(servers.ReplicaSet)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[servers.Server]:
    yield from _running(servers.postgresql)


class Emptied:
    """Databases of a MongoDB that are emptied for the next test instead of dropped: to make their indexes takes it longer than most tests."""

    def __init__(self, server: servers.Server | servers.ReplicaSet) -> None:
        from pymongo import MongoClient

        self._url = server.url
        self._client: MongoClient[dict[str, Any]] = MongoClient(server.url, serverSelectionTimeoutMS=10_000)
        self._free: list[str] = []

    def take(self) -> str:
        """The name of a database that nobody else has until it is given back."""
        if not self._free:
            return f"emptied_{secrets.token_hex(6)}"
        database = self._client[self._free.pop()]
        for name in database.list_collection_names():
            database[name].delete_many({})
        return database.name

    def give_back(self, name: str) -> None:
        self._free.append(name)

    def url(self, name: str) -> str:
        return _named(self._url, name)

    def drop(self, name: str) -> None:
        self._client.drop_database(name)

    def close(self) -> None:
        self._client.close()


@pytest.fixture(scope="session")
def mongod_databases(mongod_server: servers.Server) -> Iterator[Emptied]:
    with closing(Emptied(mongod_server)) as found:
        yield found


@pytest.fixture(scope="module")
def replica_set_databases(mongod_replica_set: servers.ReplicaSet) -> Iterator[Emptied]:
    with closing(Emptied(mongod_replica_set)) as found:
        yield found


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[servers.Server]:
    yield from _running(servers.valkey)


@pytest.fixture
def fresh_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """A function from `sqlite`, `mongodb`, `postgresql` or `replica_set` to the URL of an empty database, removed after the test."""
    undo: list[Callable[[], None]] = []

    def make(kind: str) -> str:
        name = f"test_{secrets.token_hex(6)}"
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / name / 'auth.db'}"
        if kind == "postgresql":
            server: servers.Server = request.getfixturevalue("postgresql_server")
            _in_postgresql(server, f"CREATE DATABASE {name}")
            undo.append(lambda: _in_postgresql(server, f"DROP DATABASE {name} WITH (FORCE)"))
            return server.url + name
        mongo = _mongo(request, kind)
        undo.append(lambda: mongo.drop(name))
        return mongo.url(name)

    yield make
    for step in undo:
        step()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with all tables and no row."""
    import sqlite3

    file = tmp_path_factory.mktemp("sqlite") / "prepared.db"
    _prepare(f"sqlite:///{file}")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("DELETE FROM field_keys")  # the marks of the key that it was made with
    return file


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql_server: servers.Server) -> str:
    """The name of a database with all tables and no row, to make others of."""
    name = "prepared"
    _in_postgresql(postgresql_server, f"CREATE DATABASE {name}")
    _prepare(postgresql_server.url + name)
    _in_postgresql(postgresql_server, "DELETE FROM field_keys", name)
    return name


@pytest.fixture
def prepared_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """A function from the same kinds to the URL of a database with its tables and indexes and nothing else.

    Those of MongoDB serve one test after the other, the others are copies.
    """
    undo: list[Callable[[], None]] = []

    def make(kind: str) -> str:
        if kind == "sqlite":
            file = tmp_path / "authenticator.db"
            shutil.copy(request.getfixturevalue("migrated_sqlite"), file)
            return f"sqlite:///{file}"
        if kind == "postgresql":
            server: servers.Server = request.getfixturevalue("postgresql_server")
            template, name = request.getfixturevalue("migrated_postgresql"), f"test_{secrets.token_hex(6)}"
            _in_postgresql(server, f"CREATE DATABASE {name} TEMPLATE {template}")
            undo.append(lambda: _in_postgresql(server, f"DROP DATABASE {name} WITH (FORCE)"))
            return server.url + name
        mongo = _mongo(request, kind)
        taken = mongo.take()
        undo.append(lambda: mongo.give_back(taken))
        return mongo.url(taken)

    yield make
    for step in undo:
        step()


def _prepare(url: str) -> None:
    from authenticator.storage.open import open_store
    from authenticator.storage.sealing import Sealer

    store: Any = open_store(url, sealer=Sealer(secrets.token_bytes(32)))
    store.prepare()
    store.close()


def _mongo(request: pytest.FixtureRequest, kind: str) -> Emptied:
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is none of {', '.join(KINDS)}")
    found: Emptied = request.getfixturevalue("mongod_databases" if kind == "mongodb" else "replica_set_databases")
    return found


def _named(url: str, name: str) -> str:
    head, _, options = url.partition("?")
    return f"{head}{name}?{options}" if options else f"{head}{name}"


def _in_postgresql(server: servers.Server, statement: str, database: str = "postgres") -> None:
    import psycopg

    with psycopg.connect(server.url.replace("+psycopg", "") + database, autocommit=True) as connection:
        connection.execute(statement.encode())
