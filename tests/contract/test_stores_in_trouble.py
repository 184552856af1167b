"""What a store does when servers go away, processes die half-way, or many of them start at once."""

from __future__ import annotations

import gc
import multiprocessing
import os
import resource
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import AutoReconnect
from sqlalchemy import create_engine
from sqlalchemy.exc import IntegrityError

from authenticator.crypto import digest
from authenticator.errors import AuthError, ConfigurationError
from authenticator.limits import Limit
from authenticator.models import LoginKey
from authenticator.storage.mongo import client
from authenticator.storage.mongo.store import MongoStore
from authenticator.storage.open import open_store
from authenticator.storage.port import KeyTaken, Store
from authenticator.storage.sealing import Sealer
from authenticator.storage.sql.engine import Database as SqlDatabase
from authenticator.storage.sql.tables import whole
from authenticator.testing import servers
from authenticator.testing.databases import absent
from authenticator.testing.store_contract import NOW, a_key, a_session, a_user, later

Fresh = Callable[[str], str]
SECRET = b"s" * 32
KINDS = ("sqlite", "postgresql", "mongodb")


def opened(url: str, **keys: bytes) -> Store:
    store = open_store(url, sealer=Sealer(SECRET, keys))
    store.prepare()
    return store


def processes(number: int) -> ProcessPoolExecutor:
    """Processes of their own. Should one of them die, its work fails, where multiprocessing's Pool would start the next for ever."""
    return ProcessPoolExecutor(number, mp_context=multiprocessing.get_context("spawn"))


@pytest.mark.parametrize("kind", KINDS)
def test_eight_processes_start_on_an_empty_store(kind: str, fresh_database: Fresh) -> None:
    url = fresh_database(kind)
    with processes(8) as pool:
        assert list(pool.map(_start, [(url, number) for number in range(8)])) == [None] * 8
    store = opened(url)
    assert len(store.users().items) == 8
    store.close()


def _start(work: tuple[str, int]) -> None:
    url, number = work
    store = opened(url)
    store.create_user(a_user(number), [a_key(f"k{number}")])
    store.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_start_with_another_secret_is_refused(kind: str, fresh_database: Fresh) -> None:
    url = fresh_database(kind)
    opened(url).close()
    for sealer in (Sealer(b"t" * 32), Sealer(b"t" * 32, {"new": b"n" * 32})):
        store = open_store(url, sealer=sealer)
        with pytest.raises(ConfigurationError, match="AUTHENTICATOR_SECRET_KEY"):
            store.prepare()
        store.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_start_without_a_former_field_key_is_refused(kind: str, fresh_database: Fresh) -> None:
    url = fresh_database(kind)
    store = opened(url, old=b"o" * 32)
    store.create_user(a_user(), [a_key()])
    store.close()
    store = opened(url, old=b"o" * 32, new=b"n" * 32)
    assert store.user_by_id("u1") == a_user()
    store.close()
    store = open_store(url, sealer=Sealer(SECRET, {"new": b"n" * 32}))
    with pytest.raises(ConfigurationError, match="`old`"):
        store.prepare()
    store.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_used_before_a_fork_works_in_the_child(kind: str, fresh_database: Fresh) -> None:
    with processes(1) as pool:  # the process of the tests has threads of all kinds, which a fork may catch at anything
        assert pool.submit(_fork, fresh_database(kind)).result() == (0, True)


def _fork(url: str) -> tuple[int, bool]:
    """How the child ended, and whether its parent can still use the store and sees what the child did."""
    store = opened(url)
    store.create_user(a_user(), [a_key()])
    child = os.fork()
    if child == 0:
        try:
            signal.alarm(60)
            store.open_session(a_session())
            os._exit(0 if store.user_by_id("u1") == a_user() else 1)
        except BaseException:
            os._exit(2)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    seen = store.session_by_cookie(digest("cookie 1"), NOW) is not None
    store.close()
    return ended, seen


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_migrations_make_the_tables_that_the_code_expects(kind: str, fresh_database: Fresh) -> None:
    url = fresh_database(kind)
    opened(url).close()
    engine = create_engine(url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), whole()) == []
    engine.dispose()


# Outages


@pytest.fixture(params=["mongodb", "postgresql"])
def mortal(request: pytest.FixtureRequest) -> Iterator[tuple[servers.Server, str]]:
    """A server of this test's own, that may be hurt."""
    try:
        server = servers.mongod() if request.param == "mongodb" else servers.postgresql()
    except (servers.Missing, ImportError) as error:
        absent(str(error))
    with server:
        yield server, server.url + ("test" if request.param == "mongodb" else "postgres")


def test_a_server_that_hangs_is_told_as_an_outage_and_comes_back(mortal: tuple[servers.Server, str]) -> None:
    server, url = mortal
    store = opened(url)
    store.create_user(a_user(), [a_key()])
    server.freeze()
    try:
        _unavailable(lambda: store.user_by_id("u1"))
        _unavailable(lambda: store.open_session(a_session()))
    finally:
        server.thaw()
    _comes_back(store)
    store.close()


def test_a_server_that_died_is_told_as_an_outage(mortal: tuple[servers.Server, str]) -> None:
    server, url = mortal
    store = opened(url)
    store.create_user(a_user(), [a_key()])
    server.kill()
    _unavailable(lambda: store.user_by_id("u1"))
    _unavailable(store.prepare)
    store.close()


@pytest.mark.parametrize("took", [3, 5])
def test_a_second_try_has_the_time_that_the_first_one_left(fresh_database: Fresh, monkeypatch: pytest.MonkeyPatch, took: int) -> None:
    store = opened(fresh_database("mongodb"))
    store.create_user(a_user(), [a_key()])
    passed, left = [0.0], []
    ask, patient, monotonic = Database.command, client.timeout, time.monotonic

    def dropped_once(self: Any, *what: Any, **more: Any) -> Any:
        if not passed[0]:
            passed[0] += took
            raise AutoReconnect("the connection was dropped")
        return ask(self, *what, **more)

    def noted(seconds: float) -> Any:
        left.append(seconds)
        return patient(seconds)

    monkeypatch.setattr(client, "time", SimpleNamespace(monotonic=lambda: monotonic() + passed[0]))
    monkeypatch.setattr(client, "timeout", noted)
    monkeypatch.setattr(Database, "command", dropped_once)
    if took < client.PATIENCE:
        assert store.user_by_id("u1") == a_user()
        assert 0 < left[0] <= client.PATIENCE - took
    else:
        _unavailable(lambda: store.user_by_id("u1"))
    store.close()


def test_a_transaction_that_can_not_be_committed_holds_no_lock(tmp_path: Path) -> None:
    """SQLite leaves it open then; the next one to use that connection begins afresh."""
    database = SqlDatabase(f"sqlite:///{tmp_path / 'some.db'}")
    with database.transaction() as connection:
        connection.run("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
        connection.run("CREATE TABLE child (id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)")
    driver = database.connections.take()
    driver.execute("PRAGMA foreign_keys = ON")
    database.connections.give_back(driver)
    with pytest.raises(IntegrityError), database.transaction() as connection:
        connection.run("INSERT INTO child VALUES (7)")
    with database.transaction() as connection:
        connection.run("INSERT INTO parent VALUES (1)")
        assert connection.run("SELECT id FROM child").fetchall() == []
    database.close()


def test_a_database_that_is_dropped_without_being_closed_leaves_nothing_open(tmp_path: Path) -> None:
    database = SqlDatabase(f"sqlite:///{tmp_path / 'some.db'}")
    driver = database.connections.take()
    database.connections.give_back(driver)
    assert driver.execute("SELECT 1").fetchall() == [(1,)]
    del database
    gc.collect()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        driver.execute("SELECT 1")


def test_a_disk_that_is_full_is_told_as_an_outage_and_nothing_is_left_of_it(fresh_database: Fresh) -> None:
    url = fresh_database("sqlite")
    with processes(1) as pool:
        full, again = pool.submit(_fill, url).result()
    assert full == dict.fromkeys(full, "store_unavailable")
    assert again == dict.fromkeys(again, "done")


def _fill(url: str) -> tuple[dict[str, str], dict[str, str]]:
    """What each verb comes to while no file may grow, and then while they may."""
    sys.dont_write_bytecode = True  # or half of a module that is imported meanwhile would be kept for everybody
    store = opened(url)
    store.create_user(a_user(), [a_key()], a_session(refresh=digest("one")))
    store.issue_ticket("code", digest("t"), {}, later(minutes=1))
    verbs: dict[str, Callable[[], object]] = {
        "rotate": lambda: store.rotate_refresh("s1", digest("one"), digest("two"), NOW, timedelta(0)).outcome == "rotated",
        "take": lambda: store.take_ticket("code", digest("t"), NOW) == {},
        "count": lambda: store.count_attempts([Limit("a", 1, 60)], NOW) == 0,
        "count two": lambda: store.count_attempts([Limit("b", 1, 60), Limit("c", 1, 60)], NOW) == 0,
        "open": lambda: store.open_session(a_session(2)) is None,
        "close": lambda: store.close_session("s1", "signed_out", NOW),
    }
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    full = {name: _came_to(verb) for name, verb in verbs.items()}
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return full, {name: _came_to(verb) for name, verb in verbs.items()}


def _came_to(verb: Callable[[], object]) -> str:
    try:
        return "done" if verb() else "refused"
    except Exception as error:
        return error.code if isinstance(error, AuthError) else repr(error)


def _unavailable(work: Callable[[], object]) -> None:
    with pytest.raises(AuthError) as refused:
        work()
    assert refused.value.code == "store_unavailable"
    assert refused.value.retry_after == 2


def _comes_back(store: Store) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            assert store.user_by_id("u1") == a_user()
        except AuthError:
            if time.monotonic() > end:
                raise
        else:
            return


# A crash in the middle of a sign-up, with MongoDB


class Killed(BaseException):
    """Stands for the end of the process: nothing after it runs, no cleaning up either."""


@pytest.mark.parametrize("survivors", range(4))
def test_a_sign_up_killed_half_way_leaves_every_key_free(fresh_database: Fresh, monkeypatch: pytest.MonkeyPatch, survivors: int) -> None:
    store = opened(fresh_database("mongodb"))
    assert isinstance(store, MongoStore)
    keys = [a_key("one"), a_key("two", "email"), a_key("three", "google")]

    def dies(self: Collection[Any], requests: list[Any], **options: Any) -> Any:
        if self.name == "people":
            if survivors:
                real(self, requests[:survivors], **options)
            raise Killed
        return real(self, requests, **options)

    real = Collection.bulk_write
    with monkeypatch.context() as patch:
        patch.setattr(Collection, "bulk_write", dies)
        with pytest.raises(Killed):
            store.create_user(a_user(1), keys, a_session(1))
    assert store.user_by_id("u1") is None
    assert store.session_by_cookie(digest("cookie 1"), NOW) is None
    assert store.owners([new.key for new in keys]) == {}
    store.create_user(a_user(2), keys, a_session(2, "u2"))
    assert set(store.owners([new.key for new in keys]).values()) == {"u2"}
    assert len(store.keys_of("u2")) == 3
    if survivors:
        with pytest.raises(KeyTaken):  # the first one was only slow, and goes on: too late
            store.create_user(a_user(1), [a_key("four")])
        assert store.find_login(LoginKey("password", "four")) is None
    store.close()
