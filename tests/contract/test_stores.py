"""Every shipped store keeps every promise of the storage port."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from pymongo import MongoClient

from authenticator.storage.open import open_store
from authenticator.storage.port import Store
from authenticator.storage.sealing import Sealer
from authenticator.testing.store_contract import StoreContract

Made = Callable[[str], str]


def sealer() -> Sealer:
    return Sealer(b"s" * 32, {"k1": b"1" * 32, "k2": b"2" * 32})


def opened(url: str) -> Iterator[Store]:
    store = open_store(url, sealer=sealer())
    store.prepare()
    yield store
    store.close()


class Shipped(StoreContract):
    kind: str

    @pytest.fixture
    def url(self, prepared_database: Made) -> str:
        return prepared_database(self.kind)

    @pytest.fixture
    def store(self, url: str) -> Iterator[Store]:
        yield from opened(url)


class TestSqlite(Shipped):
    kind = "sqlite"

    @pytest.fixture
    def dump(self, url: str) -> Callable[[], bytes]:
        folder = Path(url.removeprefix("sqlite:///")).parent
        return lambda: b"".join(path.read_bytes() for path in folder.iterdir())


class TestPostgresql(Shipped):
    kind = "postgresql"

    @pytest.fixture
    def dump(self, url: str) -> Callable[[], bytes]:
        def rows() -> bytes:
            with psycopg.connect(url.replace("+psycopg", "")) as connection:
                names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
                tables = [connection.execute(f'SELECT * FROM "{name}"'.encode()).fetchall() for (name,) in names]
            values = (value for table in tables for row in table for value in row)
            return b"\n".join(value if isinstance(value, bytes) else str(value).encode() for value in values)

        return rows


class TestMongodb(Shipped):
    kind = "mongodb"

    @pytest.fixture
    def dump(self, url: str) -> Callable[[], bytes]:
        def documents() -> bytes:
            with MongoClient(url) as client:
                database = client[urlsplit(url).path[1:]]
                return repr([list(database[name].find()) for name in database.list_collection_names()]).encode()

        return documents


@pytest.mark.slow
class TestMongodbReplicaSet(TestMongodb):
    kind = "replica_set"
