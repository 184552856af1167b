"""What comes between two steps of a verb, made to come there: races that threads alone would lose only once in a thousand times."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pymongo.collection import Collection
from sqlalchemy import text

from authenticator.errors import AuthError
from authenticator.storage.mongo.client import Mongo
from authenticator.storage.open import open_store
from authenticator.storage.port import Store
from authenticator.storage.sealing import Sealer
from authenticator.storage.sql.store import SqlStore
from authenticator.testing.store_contract import NOW
from authenticator.testing.stores.applications import a_grant
from authenticator.testing.stores.given import furnished, still_open
from authenticator.testing.stores.samples import a_grant_session

Fresh = Callable[[str], str]


def opened(url: str) -> Store:
    store = open_store(url, sealer=Sealer(b"s" * 32))
    store.prepare()
    return store


@pytest.mark.parametrize("gone", ["the application", "the person"])
def test_a_grant_whose_ground_goes_before_it_is_written_is_taken_back(
    prepared_database: Fresh, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    store = opened(prepared_database("mongodb"))
    furnished(store)
    real = Collection.insert_one

    def late(self: Collection[Any], document: Any, **options: Any) -> Any:
        monkeypatch.undo()
        store.remove_application("app_1", NOW) if gone == "the application" else store.erase_user("u1", "gone-1", NOW)
        return real(self, document, **options)

    monkeypatch.setattr(Collection, "insert_one", late)
    with pytest.raises(AuthError, match="conflict"):
        store.save_grant(a_grant())
    assert store.grant("u1", "app_1") is None
    store.close()


@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize("way", ["one", "all"])
def test_what_is_given_between_the_steps_of_an_ending_ends_too(
    prepared_database: Fresh, monkeypatch: pytest.MonkeyPatch, way: str, after: int
) -> None:
    store = opened(prepared_database("mongodb"))
    furnished(store)
    real = Mongo.touched

    def in_steps(self: Mongo, name: str, steps: Sequence[Any]) -> int:
        touched = 0
        for number, step in enumerate(steps):
            touched += real(self, name, [step])
            if number == after:
                with contextlib.suppress(AuthError):  # its session may have ended by now
                    store.open_session(a_grant_session("late", parent="s1"))
        return touched

    monkeypatch.setattr(Mongo, "touched", in_steps)
    if way == "one":
        assert store.close_session("s1", "signed_out", NOW) is True
    else:
        store.close_sessions("u1", "password_changed", NOW, kinds=("grant", "sign_in"))
    assert "slate" not in still_open(store)
    store.close()


def test_who_is_given_something_while_the_consent_is_taken_back_finds_it_gone(
    prepared_database: Fresh, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL shows others what was taken back when all of it is done: a look before that would find the consent still there."""
    store = opened(prepared_database("postgresql"))
    assert isinstance(store, SqlStore)
    furnished(store)
    store.save_grant(a_grant())
    real = store._end_all
    found: list[object] = []

    def give() -> None:
        store.open_session(a_grant_session("late", parent="s2"))
        found.append(store.grant("u1", "app_1"))

    giver = threading.Thread(target=give)

    def done_but_for_the_commit(*what: Any) -> int:
        ended = real(*what)
        giver.start()
        until_it_waits_or_is_done(store, giver)
        return ended

    monkeypatch.setattr(store, "_end_all", done_but_for_the_commit)
    assert store.remove_grant("u1", "app_1", NOW) is True
    giver.join(30)
    assert found == [None]
    store.close()


def until_it_waits_or_is_done(store: SqlStore, thread: threading.Thread) -> None:
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
    while thread.is_alive() and not store._db.row(waiting, {})[0]:  # type: ignore[index]
        thread.join(0.01)


def test_two_who_wait_for_each_other_both_come_through(fresh_database: Fresh) -> None:
    store = opened(fresh_database("postgresql"))
    assert isinstance(store, SqlStore)
    furnished(store)
    base, gate, turns = store._db, threading.Barrier(2), {"s1": 0, "s2": 0}

    def cross(first: str, second: str) -> int:
        def work(connection: Any) -> int:
            turns[first] += 1
            connection.execute(text("SELECT id FROM sessions WHERE id = :id FOR UPDATE"), {"id": first})
            if turns[first] == 1:
                gate.wait(10)
            connection.execute(text("SELECT id FROM sessions WHERE id = :id FOR UPDATE"), {"id": second})
            return turns[first]

        return base.untangled(work)

    with ThreadPoolExecutor(2) as pool:
        tries = sorted(pool.map(cross, ("s1", "s2"), ("s2", "s1")))
    assert tries[1] > 1  # one of them, if not both, was ended by the server and tried again
    store.close()
