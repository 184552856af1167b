"""Pytest fixtures: real servers, started when the first test asks, and `fresh_database(kind)` for the URL of an empty database."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
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
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is none of {', '.join(KINDS)}")
        mongo = request.getfixturevalue("mongod_server" if kind == "mongodb" else "mongod_replica_set")
        undo.append(lambda: _drop_mongodb(mongo.url, name))
        head, _, options = mongo.url.partition("?")
        return f"{head}{name}?{options}" if options else f"{head}{name}"

    yield make
    for step in undo:
        step()


def _in_postgresql(server: servers.Server, statement: str) -> None:
    import psycopg

    with psycopg.connect(server.url.replace("+psycopg", "") + "postgres", autocommit=True) as connection:
        connection.execute(statement.encode())


def _drop_mongodb(url: str, name: str) -> None:
    from pymongo import MongoClient

    client: MongoClient[dict[str, Any]] = MongoClient(url, serverSelectionTimeoutMS=10_000)
    with client:
        client.drop_database(name)
