"""Errands: kept until they are done, and taken on by one worker at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from authenticator.crypto import digest
from authenticator.models import Errand
from authenticator.storage.port import Store
from authenticator.testing.stores.promises import StorePromises
from authenticator.testing.stores.samples import NOW, later, race


def an_errand(number: int | str = 1, due_at: datetime = NOW, **payload: Any) -> Errand:
    return Errand(f"q{number}", "message", due_at, {"to": "errand-canary", "ü": [1, None], **payload})


def claimed(store: Store, now: datetime, limit: int = 20) -> list[str]:
    return [errand.id for errand in store.claim_errands(now, now.replace(hour=23), limit)]


class ErrandPromises(StorePromises):
    """Errands: kept until they are done, and taken on by one worker at a time."""

    def test_an_errand_is_taken_on_when_it_is_due_and_then_left_alone(self, store: Store) -> None:
        errand = an_errand(due_at=later(seconds=10))
        store.put_errands([errand])
        assert tuple(store.claim_errands(later(seconds=9), later(minutes=1))) == ()
        taken = store.claim_errands(later(seconds=10), later(minutes=1))
        assert tuple(taken) == (Errand("q1", "message", later(minutes=1), errand.payload),)
        assert tuple(store.claim_errands(later(seconds=59), later(minutes=2))) == ()
        assert claimed(store, later(minutes=1)) == ["q1"]  # whoever had it has died

    def test_a_finished_errand_never_comes_again(self, store: Store) -> None:
        store.put_errands([an_errand(1), an_errand(2)])
        store.finish_errand("q1")
        store.finish_errand("q1")
        assert claimed(store, later(days=1)) == ["q2"]
        assert store.purge(later(days=900)) == 0  # tidying up forgets no errand

    def test_a_postponed_errand_comes_later_and_counts_its_tries(self, store: Store) -> None:
        store.put_errands([an_errand()])
        for turn in range(3):
            (errand,) = store.claim_errands(later(minutes=turn), later(hours=1))
            assert (errand.tries, errand.payload) == (turn, an_errand().payload)
            store.postpone_errand("q1", later(minutes=turn + 1))
            assert claimed(store, later(minutes=turn)) == []
        store.postpone_errand("unknown", NOW)

    def test_the_oldest_errands_go_first(self, store: Store) -> None:
        store.put_errands([])
        store.put_errands([an_errand(number, later(seconds=number * 7 % 10)) for number in range(10)])
        assert claimed(store, later(seconds=8), 4) == ["q0", "q3", "q6", "q9"]
        assert claimed(store, later(seconds=8), 20) == ["q2", "q5", "q8", "q1", "q4"]
        assert claimed(store, later(seconds=8), 20) == []
        assert claimed(store, later(seconds=9), 20) == ["q7"]

    def test_an_errand_that_is_there_already_stays_as_it_is(self, store: Store) -> None:
        store.put_errands([an_errand()])
        store.put_errands([an_errand(1, later(hours=1), to="another"), an_errand(2)])
        assert {errand.id: errand.payload["to"] for errand in store.claim_errands(NOW, later(hours=2))} == {
            "q1": "errand-canary",
            "q2": "errand-canary",
        }

    def test_a_crowd_of_workers_does_each_errand_once(self, store: Store) -> None:
        store.put_errands([an_errand(number) for number in range(60)])
        taken = [errand.id for got in race(lambda _: store.claim_errands(NOW, later(minutes=1), 7), 12) for errand in got]
        assert len(taken) == len(set(taken))
        rest = claimed(store, NOW, 60)
        assert sorted([*taken, *rest]) == sorted(f"q{number}" for number in range(60))

    def test_a_crowd_does_not_leave_a_worker_with_more_than_it_asked_for(self, store: Store) -> None:
        store.put_errands([an_errand(number) for number in range(20)])
        assert max(len(got) for got in race(lambda _: store.claim_errands(NOW, later(minutes=1), 3), 12)) <= 3

    def test_a_ticket_brings_its_errands_with_it(self, store: Store) -> None:
        for turn in (1, 2):
            store.issue_ticket("code", digest("t"), {"n": turn}, later(minutes=1), errands=[an_errand(turn), an_errand(f"{turn}b")])
        store.issue_ticket("code", digest("u"), {"n": 3}, later(minutes=1), errands=[an_errand(1, later(hours=1))])
        assert store.take_ticket("code", digest("t"), NOW) == {"n": 2}
        assert store.take_ticket("code", digest("u"), NOW) == {"n": 3}
        assert claimed(store, NOW) == ["q1", "q1b", "q2", "q2b"]

    def test_a_dump_does_not_tell_what_is_to_be_done(self, store: Store, dump: Callable[[], bytes]) -> None:
        store.put_errands([an_errand()])
        store.issue_ticket("code", digest("t"), {}, later(minutes=1), errands=[an_errand(2)])
        raw = dump()
        assert b"q2" in raw  # it is the right dump
        assert b"errand-canary" not in raw
