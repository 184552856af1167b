"""Attempts: counted exactly, however many come at once."""

from __future__ import annotations

from datetime import timedelta

from authenticator.limits import Backoff, Limit
from authenticator.storage.port import Store
from authenticator.testing.stores.promises import StorePromises
from authenticator.testing.stores.samples import NOW, a_key, a_session, a_user, later, race


class AttemptPromises(StorePromises):
    """Attempts: counted exactly, however many come at once."""

    def test_a_limit_holds_for_its_window(self, store: Store) -> None:
        limit = Limit("sign-in 203.0.113.77", 3, 60)
        assert [store.count_attempts([limit], NOW) for _ in range(3)] == [0, 0, 0]
        assert store.count_attempts([limit], later(seconds=20)) == 40
        assert store.count_attempts([limit], later(seconds=59, milliseconds=500)) == 1
        assert store.count_attempts([Limit("another", 3, 60)], NOW) == 0
        assert [store.count_attempts([limit], later(seconds=60)) for _ in range(4)] == [0, 0, 0, 60]

    def test_fifty_at_once_are_admitted_exactly_as_often_as_allowed(self, store: Store) -> None:
        waits = race(lambda _: store.count_attempts([Limit("a", 7, 60)], NOW))
        assert waits.count(0) == 7
        assert set(waits) == {0, 60}
        waits = race(lambda _: store.count_attempts([Limit("a", 7, 60), Limit("b", 40, 60)], later(seconds=61)))
        assert waits.count(0) <= 7  # who was within one bound need not be who was within the other
        for counter in (Limit("a", 8, 60), Limit("b", 41, 60)):
            assert [store.count_attempts([counter], later(seconds=61)) for _ in range(2)] == [0, 60]  # so 7 and 40 were counted
        waits = race(lambda _: store.count_attempts([Backoff("d", free=4)], NOW))
        assert waits.count(0) == 5
        assert set(waits) == {0, 30}

    def test_an_allowance_of_none_admits_nobody(self, store: Store) -> None:
        assert store.count_attempts([Limit("none", 0, 60)], NOW) == 60
        assert store.count_attempts([], NOW) == 0

    def test_the_longest_wait_counts_and_a_refused_counter_is_not_counted_up(self, store: Store) -> None:
        wide, tight = Limit("wide", 3, 600), Limit("tight", 1, 60)
        assert store.count_attempts([wide, tight], NOW) == 0
        assert store.count_attempts([tight, wide], NOW) == 60
        assert store.count_attempts([wide, tight], NOW) == 60
        assert store.count_attempts([wide, tight], NOW) == 600
        for _ in range(5):
            store.count_attempts([tight], later(seconds=1))
        assert store.count_attempts([tight], later(seconds=60)) == 0

    def test_failures_in_a_row_wait_longer_and_longer(self, store: Store) -> None:
        backoff = Backoff("ada", free=2, first=30, longest=100, dead=7)
        now, waits = NOW, []
        assert [store.count_attempts([backoff], now) for _ in range(3)] == [0, 0, 0]
        for _ in range(4):
            wait = store.count_attempts([backoff], now)
            waits.append(wait)
            assert store.count_attempts([backoff], now + timedelta(seconds=wait, milliseconds=-1)) == 1
            now += timedelta(seconds=wait)
            assert store.count_attempts([backoff], now) == 0
        assert waits == [30, 60, 100, 100]
        assert store.count_attempts([backoff], now + timedelta(days=400)) == 3600
        store.forgive(["ada"])
        assert store.count_attempts([backoff], now) == 0

    def test_free_tries_do_not_wait_for_a_clock_that_is_a_little_ahead(self, store: Store) -> None:
        backoff = Backoff("ada", free=3, first=30)
        waits = [store.count_attempts([backoff], later(milliseconds=-number)) for number in range(5)]
        assert waits == [0, 0, 0, 0, 31]

    def test_signing_in_forgives(self, store: Store) -> None:
        store.create_user(a_user(), [a_key()])
        backoff = Backoff("ada", free=1, first=30)
        for _ in range(3):
            store.count_attempts([backoff, Limit("other", 9, 60)], NOW)
        assert store.count_attempts([backoff], NOW) == 30
        store.open_session(a_session(), forgive=["ada", "unknown"])
        assert store.count_attempts([backoff], NOW) == 0
        store.forgive([])
