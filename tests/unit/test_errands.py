"""Errands: done once and in time, whatever fails or dies in between."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from authenticator.clock import SetClock
from authenticator.errors import AuthError
from authenticator.flows import errands as module
from authenticator.flows.errands import LEASE, Errands, Later
from authenticator.limits import Limit
from authenticator.models import Errand
from authenticator.storage.open import open_store
from authenticator.storage.port import Store
from authenticator.storage.sealing import Sealer
from authenticator.testing.fixtures import SECRET

PATIENCE = 30.0


@pytest.fixture
def store(store_url: str) -> Iterator[Any]:
    store: Any = open_store(store_url, sealer=Sealer(SECRET.encode()))
    store.prepare()
    yield store
    store.close()


class Worker:
    """One process's errands, and what it has done of them."""

    def __init__(self, store: Store, clock: SetClock, **more: Any) -> None:
        self.errands = Errands(store, clock, **more)
        self.clock, self.done = clock, list[str]()
        self.work: Callable[[Errand], None] = lambda errand: self.done.append(errand.id)
        self.errands.handle("message", lambda errand: self.work(errand), lane=lambda errand: str(errand.payload.get("lane", "")))

    def errand(self, errand_id: str, **payload: str) -> Errand:
        return Errand(errand_id, "message", self.errands.mine_until(), payload)

    def put(self, errand_id: str, **payload: str) -> None:
        self.errands.put([self.errand(errand_id, **payload)])
        self.errands.flush(PATIENCE)

    def sweep(self) -> int:
        found = self.errands.sweep()
        self.errands.flush(PATIENCE)
        return found


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def failing(*errors: Exception) -> Callable[[Errand], None]:
    left = list(errors)

    def work(_errand: Errand) -> None:
        if left:
            raise left.pop(0)

    return work


def test_an_errand_is_done_at_once_and_once(store: Store, clock: SetClock) -> None:
    worker = Worker(store, clock)
    worker.put("1")
    assert worker.done == ["1"]
    clock.advance(days=2)
    assert worker.sweep() == 0


def test_what_a_process_left_behind_is_done_by_another_when_its_time_is_over(store: Store, clock: SetClock) -> None:
    crashed, other = Worker(store, clock), Worker(store, clock)
    store.put_errands([crashed.errand("1")])
    assert other.sweep() == 0, "it still belongs to whoever accepted it"
    clock.advance(seconds=LEASE.total_seconds() + 1)
    assert (other.sweep(), other.done) == (1, ["1"])
    clock.advance(days=2)
    assert other.sweep() == crashed.sweep() == 0


def test_many_workers_share_due_errands_and_do_none_twice(store: Store, clock: SetClock) -> None:
    store.put_errands([Errand(str(number), "message", clock.now(), {"lane": str(number % 3)}) for number in range(90)])
    clock.advance(seconds=1)
    workers = [Worker(store, clock) for _ in range(4)]
    threads = [threading.Thread(target=worker.sweep) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert sorted(done for worker in workers for done in worker.done) == sorted(str(number) for number in range(90))


def test_what_fails_is_tried_again_with_growing_pauses(store: Store, clock: SetClock) -> None:
    worker = Worker(store, clock)
    worker.work = failing(*(OSError() for _ in range(7)))
    worker.put("1")
    for pause in (1, 5, 25, 60, 120, 240, 480):
        clock.advance(seconds=pause - 0.9)
        assert worker.sweep() == 0, pause
        clock.advance(seconds=0.9)
        assert worker.sweep() == 1, pause
    clock.advance(days=2)
    assert worker.sweep() == 0, "the last try was a success"


def test_pauses_end_at_an_hour(store: Store, clock: SetClock) -> None:
    due = Errands(store, clock).next_try(Errand("1", "message", clock.now(), {}, tries=5000))
    assert timedelta(minutes=59) < due - clock.now() <= timedelta(hours=1)


def test_work_says_itself_when_to_try_again(store: Store, clock: SetClock) -> None:
    worker = Worker(store, clock)
    worker.work = failing(Later(clock.now() + timedelta(days=3)))
    worker.put("1")
    clock.advance(days=2)
    assert worker.sweep() == 0
    clock.advance(days=1, seconds=1)
    assert worker.sweep() == 1


def test_one_lane_does_not_wait_for_another(store: Store, clock: SetClock) -> None:
    worker, release, begun = Worker(store, clock), threading.Event(), threading.Event()

    def work(errand: Errand) -> None:
        if errand.payload["lane"] == "mail":
            begun.set()
            release.wait(PATIENCE)
        worker.done.append(errand.id)

    worker.work = work
    worker.errands.put([worker.errand("1", lane="mail"), worker.errand("2", lane="sms")])
    assert begun.wait(PATIENCE)
    wait_until(lambda: worker.done == ["2"])
    release.set()
    worker.errands.flush(PATIENCE)
    assert worker.done == ["2", "1"]


def test_what_waited_too_long_in_a_lane_is_left_to_the_next(store: Store, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise two processes would do it, when the first one's time with it runs out."""
    monkeypatch.setattr(module, "BEGUN_WITHIN", -1.0)
    slow = Worker(store, clock)
    slow.put("1")
    assert slow.done == []
    monkeypatch.undo()
    clock.advance(seconds=LEASE.total_seconds() + 1)
    assert (slow.sweep(), slow.done) == (1, ["1"])


def test_what_is_done_is_not_done_again_when_the_store_was_away_at_that_moment(
    store: Store, clock: SetClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    worker = Worker(store, clock)

    def away(_errand_id: str) -> None:
        raise AuthError("store_unavailable")

    monkeypatch.setattr(store, "finish_errand", away)
    worker.put("1")
    assert "the store could not be told" in caplog.text
    clock.advance(seconds=LEASE.total_seconds() + 1)
    assert worker.sweep() == 1, "it comes up again, because the store still does not know"
    monkeypatch.undo()
    clock.advance(days=1)
    assert worker.sweep() == 0
    assert worker.done == ["1"]


def test_nothing_is_accepted_while_the_store_is_away(store: Store, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_errands: Any) -> None:
        raise AuthError("store_unavailable")

    monkeypatch.setattr(store, "put_errands", away)
    worker = Worker(store, clock)
    with pytest.raises(AuthError, match="store_unavailable"):
        worker.put("1")
    worker.errands.flush(PATIENCE)
    assert worker.done == []


def test_an_errand_of_a_later_day_waits_for_its_day(store: Store, clock: SetClock) -> None:
    worker, erased = Worker(store, clock), list[str]()
    worker.errands.handle("erasure", lambda errand: erased.append(str(errand.payload["user_id"])))
    worker.errands.put([Errand("1", "erasure", clock.now() + timedelta(days=7), {"user_id": "7"})])
    worker.errands.flush(PATIENCE)
    clock.advance(days=6)
    assert (worker.sweep(), erased) == (0, [])
    clock.advance(days=1, seconds=1)
    assert (worker.sweep(), erased) == (1, ["7"])


def test_an_errand_that_nobody_does_here_is_not_lost(store: Store, clock: SetClock, caplog: pytest.LogCaptureFixture) -> None:
    store.put_errands([Errand("1", "erasure", clock.now(), {"user_id": "7"})])
    clock.advance(seconds=1)
    older, newer, erased = Worker(store, clock), Worker(store, clock), list[str]()
    newer.errands.handle("erasure", lambda errand: erased.append(errand.id))
    assert older.sweep() == 1
    assert "LookupError" in caplog.text
    clock.advance(seconds=2)
    assert (newer.sweep(), erased) == (1, ["1"])


def test_the_log_does_not_repeat_what_an_error_says(store: Store, clock: SetClock, caplog: pytest.LogCaptureFixture) -> None:
    worker = Worker(store, clock)
    worker.work = failing(ValueError("ada@example.com"))
    with caplog.at_level(logging.DEBUG):
        worker.put("1")
    assert "ValueError" in caplog.text
    assert "ada@example.com" not in caplog.text


# The sweeper of a process that serves


def test_a_process_that_never_sends_still_does_what_others_left(store: Store, clock: SetClock) -> None:
    worker = Worker(store, clock, look_every=0.02)
    worker.errands.start()
    try:
        store.put_errands([Errand("1", "message", clock.now(), {})])
        wait_until(lambda: worker.done == ["1"])
    finally:
        worker.errands.stop()


def test_what_failed_is_tried_again_as_soon_as_it_is_due(store: Store, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSES", (0.01, 0.01, 0.01))
    worker = Worker(store, clock, look_every=3600)
    worker.errands.start()
    fails = failing(OSError(), OSError(), OSError())

    def work(errand: Errand) -> None:
        fails(errand)
        worker.done.append(errand.id)

    worker.work = work
    try:
        worker.errands.put([worker.errand("1")])
        wait_until(lambda: worker.done == ["1"])
    finally:
        worker.errands.stop()


def test_the_sweeper_outlives_a_store_that_is_away(
    store: Store, clock: SetClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    refused = threading.Event()

    def away(*_: Any) -> Any:
        refused.set()
        raise AuthError("store_unavailable")

    monkeypatch.setattr(store, "claim_errands", away)
    worker = Worker(store, clock, look_every=0.02)
    worker.errands.start()
    try:
        assert refused.wait(PATIENCE)
        store.put_errands([Errand("1", "message", clock.now(), {})])
        monkeypatch.undo()
        wait_until(lambda: worker.done == ["1"])
    finally:
        worker.errands.stop()
    assert "store_unavailable" in caplog.text


def test_what_has_expired_is_removed_by_one_process_every_ten_minutes(
    store: Store, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    purged: list[Any] = []
    monkeypatch.setattr(store, "purge", lambda now: purged.append(now) or 0)
    workers = [Worker(store, clock, look_every=0.01) for _ in range(3)]
    looks = [0, 0, 0]

    def counted(number: int, sweep: Callable[[], int]) -> Callable[[], int]:
        def look() -> int:
            looks[number] += 1
            return sweep()

        return look

    for number, worker in enumerate(workers):
        monkeypatch.setattr(worker.errands, "sweep", counted(number, worker.errands.sweep))
        worker.errands.start()
    try:
        wait_until(lambda: min(looks) > 3)
    finally:
        for worker in workers:
            worker.errands.stop()
    assert len(purged) == 1
    assert store.count_attempts([Limit("housekeeping", 1, 600)], clock.now()) > 0
    clock.advance(minutes=11)
    assert store.count_attempts([Limit("housekeeping", 1, 600)], clock.now()) == 0
