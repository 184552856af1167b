"""Whatever a page or a worker asks for is found by walking an index, however much there is."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient

from authenticator.applications import Application, Grant
from authenticator.events import Event
from authenticator.models import Page, Session
from authenticator.storage.open import open_store
from authenticator.storage.port import Store
from authenticator.storage.sealing import Sealer
from authenticator.storage.sql.store import SqlStore
from authenticator.testing.store_contract import NOW, a_key, a_session, a_user, later
from authenticator.testing.stores.applications import a_grant, an_application
from authenticator.testing.stores.errands import an_errand
from authenticator.testing.stores.samples import a_grant_session

Fresh = Callable[[str], str]
MANY = 400


def events_of(store: Store, after: str | None) -> Page[Event]:
    return store.events_of("u1", after=after, limit=5)


def everybodys_events(store: Store, after: str | None) -> Page[Event]:
    return store.events(after=after, limit=5)


def sessions_of(store: Store, after: str | None) -> Page[Session]:
    return store.sessions_of("u1", NOW, after=after, limit=5)


def ended_sessions_of(store: Store, after: str | None) -> Page[Session]:
    return store.sessions_of("u1", later(days=40), ended=True, after=after, limit=5)


def given_to_applications(store: Store, after: str | None) -> Page[Session]:
    return store.sessions_of("u1", NOW, kinds=("grant",), after=after, limit=5)


def given_in_a_session(store: Store, after: str | None) -> Page[Session]:
    return Page(tuple(store.sessions_under("s0", NOW)), "the next")


def all_applications(store: Store, after: str | None) -> Page[Application]:
    return store.applications(after=after, limit=5)


def the_operators_applications(store: Store, after: str | None) -> Page[Application]:
    return store.applications(owner="", after=after, limit=5)


def her_applications(store: Store, after: str | None) -> Page[Application]:
    return store.applications(owner="u1", after=after, limit=5)


def grants_of(store: Store, after: str | None) -> Page[Grant]:
    return Page(tuple(store.grants_of("u2")), "the next")


def due_errands(store: Store, after: str | None) -> Page[object]:
    return Page(tuple(store.claim_errands(NOW, later(minutes=1), 5)), "the next")


LISTS = (
    events_of,
    everybodys_events,
    sessions_of,
    ended_sessions_of,
    given_to_applications,
    given_in_a_session,
    all_applications,
    the_operators_applications,
    her_applications,
    grants_of,
    due_errands,
)


def filled(url: str) -> Store:
    store = open_store(url, sealer=Sealer(b"s" * 32))
    store.prepare()
    store.create_users([(a_user(number), [a_key(f"k{number}")]) for number in (1, 2)])
    for number in range(MANY):
        store.append_event(Event(f"e{number}", "signed_in", later(seconds=number // 3), f"u{1 + number % 2}"))
        store.open_session(a_session(number, f"u{1 + number % 2}", created_at=later(seconds=number // 3)))
        store.add_application(an_application(number, owner=("", "u1")[number % 2], created_at=later(seconds=number // 3)))
        facts = {"application": f"app_{number % 100}", "parent": f"s{number // 4}", "created_at": later(seconds=number // 3)}
        store.open_session(a_grant_session(f"g{number}", f"u{1 + number // 4 % 2}", **facts))
    for number in range(3):
        store.save_grant(a_grant("u2", f"app_{number}"))
        store.save_grant(a_grant("u1", f"app_{number}"))
    store.put_errands([an_errand(number) for number in range(MANY)])
    return store


@contextmanager
def overheard(store: SqlStore) -> Iterator[list[str]]:
    """The statements as SQLite gets them, with their values."""
    said: list[str] = []

    connections = store._db.connections
    take = connections.take

    def listened() -> sqlite3.Connection:
        connection = take()
        connection.set_trace_callback(said.append)
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections, "take", listened)
        yield said


def test_sqlite_neither_scans_nor_sorts_for_a_page(fresh_database: Fresh) -> None:
    url = fresh_database("sqlite")
    store = filled(url)
    assert isinstance(store, SqlStore)
    with overheard(store) as said:
        for ask in LISTS:
            assert ask(store, ask(store, None).next).items
    store.close()
    assert len(said) >= 2 * len(LISTS)
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        for statement in said:
            plan = " / ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}"))
            assert "TEMP B-TREE" not in plan, (statement, plan)
            for walked in ("SCAN due", "SCAN events USING INDEX events_by_time", "SCAN applications USING INDEX applications_by_age"):
                plan = plan.replace(walked, "")
            assert "SCAN" not in plan, (statement, plan)
    connection.close()


@pytest.mark.parametrize("ask", LISTS)
def test_mongodb_looks_at_no_more_than_it_shows(ask: Callable[[Store, str | None], Page[object]], fresh_database: Fresh) -> None:
    url = fresh_database("mongodb")
    store = filled(url)
    with watched(url) as looks:
        assert ask(store, ask(store, None).next).items
    store.close()
    assert looks
    assert all(look["docsExamined"] <= 12 and look["keysExamined"] <= 20 for look in looks), looks
    assert not any(look.get("hasSortStage") for look in looks)


def test_whoever_ended_many_sessions_has_her_open_ones_found_as_soon(fresh_database: Fresh) -> None:
    url = fresh_database("mongodb")
    store = filled(url)
    assert store.close_sessions("u2", "signed_out", NOW, keep="s397") == MANY - 1
    store.open_session(a_session("new", "u2", created_at=later(days=1)))
    with watched(url) as looks:
        assert [session.id for session in store.sessions_of("u2", NOW).items] == ["snew", "s397"]
        assert store.cap_sessions("u2", 1, "too_many", NOW) == 1
        assert store.close_sessions("u2", "signed_out", NOW) == 1
    store.close()
    assert looks
    assert all(look["docsExamined"] <= 4 for look in looks), looks


@contextmanager
def watched(url: str) -> Iterator[list[dict[str, Any]]]:
    """What the server looked at meanwhile, as its profiler tells afterwards."""
    looks: list[dict[str, Any]] = []
    with MongoClient(url) as client:
        database = client[urlsplit(url).path[1:]]
        database.command("profile", 2)
        yield looks
        database.command("profile", 0)
        looks += database["system.profile"].find({"docsExamined": {"$exists": True}})
