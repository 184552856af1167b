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
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import pytest

from authenticator.testing import servers

if TYPE_CHECKING:
    from pymongo.database import Database

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


@pytest.fixture(scope="session")
def mongod_replica_set() -> Iterator[servers.ReplicaSet]:
    yield from _running(servers.ReplicaSet)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[servers.Server]:
    yield from _running(servers.postgresql)


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
        undo.append(lambda: _drop_mongodb(mongo.url, name))
        return _named(mongo.url, name)

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
    """A function from the same kinds to the URL of a database with its tables and indexes and nothing else, one of a kind for each test.

    Those of MongoDB are the same for all tests of this process and emptied after each, the others are copies.
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
        url = _named(_mongo(request, kind).url, "tests")
        undo.append(lambda: _empty_mongodb(url))
        return url

    yield make
    for step in undo:
        step()


def _prepare(url: str) -> None:
    from authenticator.storage.open import open_store
    from authenticator.storage.sealing import Sealer

    store: Any = open_store(url, sealer=Sealer(secrets.token_bytes(32)))
    store.prepare()
    store.close()


def _mongo(request: pytest.FixtureRequest, kind: str) -> servers.Server | servers.ReplicaSet:
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is none of {', '.join(KINDS)}")
    found: servers.Server | servers.ReplicaSet = request.getfixturevalue("mongod_server" if kind == "mongodb" else "mongod_replica_set")
    return found


def _named(url: str, name: str) -> str:
    head, _, options = url.partition("?")
    return f"{head}{name}?{options}" if options else f"{head}{name}"


def _in_postgresql(server: servers.Server, statement: str, database: str = "postgres") -> None:
    import psycopg

    with psycopg.connect(server.url.replace("+psycopg", "") + database, autocommit=True) as connection:
        connection.execute(statement.encode())


def _drop_mongodb(url: str, name: str) -> None:
    from pymongo import MongoClient

    client: MongoClient[dict[str, Any]] = MongoClient(url, serverSelectionTimeoutMS=10_000)
    with client:
        client.drop_database(name)


def _empty_mongodb(url: str) -> None:
    from pymongo import MongoClient

    client: MongoClient[dict[str, Any]] = MongoClient(url, serverSelectionTimeoutMS=10_000)
    with client:
        database: Database[dict[str, Any]] = client.get_default_database()
        for name in database.list_collection_names():
            database[name].delete_many({})
