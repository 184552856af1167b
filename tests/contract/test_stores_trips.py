"""How often a verb of the hot paths goes to the database: what is written beside it comes in the same trip."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest
from pymongo import MongoClient, monitoring
from sqlalchemy import event

from authenticator.crypto import digest
from authenticator.limits import Backoff, Limit
from authenticator.storage.mongo import client
from authenticator.storage.open import open_store
from authenticator.storage.port import Store
from authenticator.storage.sealing import Sealer
from authenticator.storage.sql.store import SqlStore
from authenticator.testing.store_contract import NOW, a_key, a_session, a_user, later
from authenticator.testing.stores.errands import an_errand
from authenticator.testing.stores.history import an_event

Fresh = Callable[[str], str]


class Trips(monitoring.CommandListener):
    """Counts MongoDB's commands, or the uses of a connection to SQL: a transaction is one."""

    def __init__(self) -> None:
        self.made = 0

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.made += 1

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass

    def used(self, *_: object) -> None:
        self.made += 1

    def of(self, work: Callable[[], object]) -> int:
        before = self.made
        work()
        return self.made - before


def watched(kind: str, fresh_database: Fresh, monkeypatch: pytest.MonkeyPatch) -> tuple[Store, Trips]:
    trips = Trips()
    monkeypatch.setattr(client, "MongoClient", functools.partial(MongoClient, event_listeners=[trips]))
    store = open_store(fresh_database(kind), sealer=Sealer(b"s" * 32))
    store.prepare()
    if kind == "sqlite" and isinstance(store, SqlStore):
        take = store._db.connections.take
        monkeypatch.setattr(store._db.connections, "take", lambda: (trips.used(), take())[1])
    elif isinstance(store, SqlStore):
        event.listen(store._db.engine, "checkout", trips.used)
    return store, trips


@pytest.mark.parametrize(("kind", "of_a_birth"), [("sqlite", 1), ("postgresql", 1), ("mongodb", 2)])
def test_what_belongs_together_is_written_in_one_trip(
    kind: str, of_a_birth: int, fresh_database: Fresh, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, trips = watched(kind, fresh_database, monkeypatch)
    counters = [Limit("a", 9, 60), Backoff("b")]
    due = [an_errand(1), an_errand(2)]
    keys = [a_key("one"), a_key("mail", "email", way_in=False)]
    assert trips.of(lambda: store.create_user(a_user(), keys, a_session(), event=an_event(1, "user_created"))) == of_a_birth
    assert trips.of(lambda: store.find_login(a_key("one").key)) == 1
    assert trips.of(lambda: store.count_attempts(counters, NOW, event=an_event(2, "sign_in_failed"))) == 1
    assert trips.of(lambda: store.open_session(a_session(2), forgive=["a", "b"], event=an_event(2))) == 1
    assert trips.of(lambda: store.issue_ticket("code", digest("t"), {"n": 1}, later(minutes=1), errands=due)) == 1
    assert trips.of(lambda: store.put_errands([an_errand(3), an_errand(4)])) == 1
    assert trips.of(lambda: store.touch_session("s2", later(minutes=5))) == 1
    assert trips.of(lambda: store.finish_errand("q4")) == 1
    assert {errand.id for errand in store.claim_errands(NOW, later(minutes=1))} == {"q1", "q2", "q3"}
    assert trips.of(lambda: store.claim_errands(NOW, later(minutes=1))) == 1  # nothing to do: what a worker asks all the time
    assert trips.of(lambda: store.sessions_of("u1", NOW)) == 1
    assert trips.of(lambda: store.avatars_of("u1")) == 1
    store.close()
