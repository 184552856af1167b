"""Errands: what is done later, once, whatever crashes in between, by a worker in each process."""

from __future__ import annotations

import atexit
import logging
import os
import queue
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from authenticator.clock import Clock
from authenticator.errors import AuthError
from authenticator.limits import Limit
from authenticator.models import Errand
from authenticator.storage.port import Store

log = logging.getLogger("authenticator.errands")

LEASE = timedelta(seconds=60)  # how long a process has an errand to itself
BEGUN_WITHIN = 15.0  # seconds of the lease in which the work must begin, so that the rest is enough to do it
PAUSES = (1.0, 5.0, 25.0)  # seconds after the first tries; then a minute, doubled up to an hour
LONGEST_PAUSE = 3600.0
BATCH, BATCHES = 20, 5  # how many errands are taken on at once, and how often in one look
IDLE = 5.0  # seconds after which a thread without work ends
HOUSEKEEPING = Limit("housekeeping", 1, 600)  # what has expired is removed by one process, every ten minutes

Work = Callable[[Errand], None]


class Later(Exception):
    """Raised by work that is to be tried again at a certain time."""

    def __init__(self, due_at: datetime) -> None:
        super().__init__("later")
        self.due_at = due_at


@dataclass(frozen=True, slots=True)
class _Kind:
    work: Work
    lane: Callable[[Errand], str]


class Errands:
    """Works off errands: at once those that this process has put, and those that are due, whoever put them.

    Work of different lanes never waits for each other. What raises is tried again, with growing pauses.
    """

    def __init__(self, store: Store, clock: Clock, *, look_every: float = 15.0) -> None:
        self._store, self._clock, self._look_every = store, clock, look_every
        self._kinds: dict[str, _Kind] = {}
        self._lanes: dict[str, _Lane] = {}
        self._done: set[str] = set()  # worked off, but the store could not be told yet
        self._look = threading.Condition()
        self._next = 0.0
        self._more = False
        self._housekeeping = 0.0
        self._process = 0
        self._sweeper: threading.Thread | None = None

    def handle(self, kind: str, work: Work, *, lane: Callable[[Errand], str] | None = None) -> None:
        """Have errands of this kind done by `work`, which raises when it could not. `lane` names the queue that one waits in."""
        self._kinds[kind] = _Kind(work, lane or (lambda _errand: kind))

    def mine_until(self) -> datetime:
        """The `due_at` of an errand that this process is about to put and do itself; afterwards any process may."""
        return self._clock.now() + LEASE

    def put(self, errands: Sequence[Errand]) -> None:
        """Keep errands and begin with those that are this process's own; AuthError `store_unavailable` if they can't be kept."""
        self._store.put_errands(errands)
        now = self._clock.now()
        self.accepted(*(errand for errand in errands if errand.kind in self._kinds and now < errand.due_at <= now + LEASE))

    def accepted(self, *errands: Errand) -> None:
        """Begin with errands that were kept a moment ago and are this process's own."""
        self._begin()
        for errand in errands:
            self._enqueue(errand)

    def aside(self, lane: str, task: Callable[[], None]) -> None:
        """Do a piece of tidying up soon, after the answer; nobody misses it if it is lost or fails."""

        def tried() -> None:
            try:
                task()
            except Exception as error:
                log.warning("%s could not be tidied up: %s", lane, type(error).__name__)

        self._begin()
        with self._look:
            found = self._lanes.setdefault(lane, _Lane(lane, self._drained))
        found.put(tried)

    def next_try(self, errand: Errand) -> datetime:
        """When to try again after a try that failed."""
        tries = errand.tries
        pause = PAUSES[tries] if tries < len(PAUSES) else min(LONGEST_PAUSE, 60.0 * 2 ** min(tries - len(PAUSES), 10))
        return self._clock.now() + timedelta(seconds=pause)

    def start(self) -> None:
        """Look for due errands from now on, until `stop`: for a process that serves. Calling it again costs nothing."""
        if self._process == os.getpid() and self._sweeper is not None:
            return
        self._begin()
        with self._look:
            if self._sweeper is None:
                self._next = 0.0
                self._sweeper = threading.Thread(target=self._keep_looking, name="errands", daemon=True)
                self._sweeper.start()

    def stop(self) -> None:
        """Look no more, and wait until the look that is going on is over."""
        with self._look:
            sweeper, self._sweeper = self._sweeper, None
            self._look.notify_all()
        if sweeper is not None and self._process == os.getpid():
            sweeper.join(10)

    def sweep(self) -> int:
        """Take on the errands that are due, those of a process that died too; how many."""
        for errand_id in tuple(self._done):
            self._finish(errand_id)
        self._begin()
        claimed = 0
        for _ in range(BATCHES):
            now = self._clock.now()
            found = self._store.claim_errands(now, now + LEASE, BATCH)
            for errand in found:
                self._enqueue(errand)
            claimed += len(found)
            if len(found) < BATCH:
                break
        self._more = claimed == BATCH * BATCHES
        return claimed

    def flush(self, seconds: float = 5.0) -> None:
        """Wait until everything accepted so far was tried, for that long at the most."""
        deadline = time.monotonic() + seconds
        while self._process == os.getpid() and any(lane.busy for lane in tuple(self._lanes.values())) and time.monotonic() < deadline:
            time.sleep(0.002)

    def _begin(self) -> None:
        """Threads and queues do not survive a fork: what was the parent's is the parent's."""
        with self._look:
            if self._process == os.getpid():
                return
            self._process, self._lanes, self._sweeper = os.getpid(), {}, None
            self._done.clear()
            atexit.register(_hand_over, weakref.ref(self))

    def _enqueue(self, errand: Errand) -> None:
        kind = self._kinds.get(errand.kind)
        name = kind.lane(errand) if kind else ""
        with self._look:
            lane = self._lanes.setdefault(name, _Lane(name or "errands", self._drained))
        begin_before = time.monotonic() + BEGUN_WITHIN
        lane.put(lambda: self._do(errand, begin_before))

    def _do(self, errand: Errand, begin_before: float) -> None:
        if time.monotonic() > begin_before:
            return  # it has waited too long behind others: whoever claims it next has all the time it needs
        try:
            if errand.id not in self._done:
                self._work(errand)
        except Later as later:
            self._postpone(errand, later.due_at)
        except Exception as error:
            log.warning("an errand of kind %s failed: %s", errand.kind, type(error).__name__)
            self._postpone(errand, self.next_try(errand))
        else:
            self._done.add(errand.id)
            self._finish(errand.id)

    def _work(self, errand: Errand) -> None:
        if errand.kind not in self._kinds:
            raise LookupError("nobody does errands of this kind here")
        self._kinds[errand.kind].work(errand)

    def _finish(self, errand_id: str) -> None:
        """Tell the store; while it is away the errand is remembered as done."""
        try:
            self._store.finish_errand(errand_id)
        except Exception as error:
            log.warning("an errand is done, but the store could not be told: %s", type(error).__name__)
        else:
            self._done.discard(errand_id)

    def _postpone(self, errand: Errand, due_at: datetime) -> None:
        try:
            self._store.postpone_errand(errand.id, due_at)
        except Exception as error:  # then it comes up again when our time with it is over
            log.warning("an errand could not be postponed: %s", type(error).__name__)
        self._look_in((due_at - self._clock.now()).total_seconds() + 0.02)

    def _look_in(self, seconds: float) -> None:
        with self._look:
            self._next = min(self._next, time.monotonic() + seconds)
            self._look.notify_all()

    def _drained(self) -> None:
        if self._more:
            self._more = False
            self._look_in(0)

    def _keep_looking(self) -> None:
        while self._waited():
            try:
                self.sweep()
                self._keep_house()
            except AuthError as error:
                log.warning("due errands could not be looked for: %s", error.code)
            except Exception as error:  # whatever it is, the next look may go better
                log.error("due errands could not be looked for: %s", type(error).__name__)

    def _waited(self) -> bool:
        """Wait for the next look; False when there will be none."""
        with self._look:
            while self._sweeper is threading.current_thread():
                left = self._next - time.monotonic()
                if left <= 0:
                    self._next = time.monotonic() + self._look_every
                    return True
                self._look.wait(left)
        return False

    def _keep_house(self) -> None:
        if time.monotonic() < self._housekeeping:
            return
        now = self._clock.now()
        wait = self._store.count_attempts([HOUSEKEEPING], now)
        self._housekeeping = time.monotonic() + (wait or HOUSEKEEPING.seconds)
        if not wait:
            self._store.purge(now)


class _Lane:
    """A queue, and a thread that works it off in order and ends when there is nothing to do."""

    def __init__(self, name: str, drained: Callable[[], None]) -> None:
        self._name, self._drained = name, drained
        self._queue: queue.Queue[Callable[[], None]] = queue.Queue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        return self._queue.unfinished_tasks > 0

    def put(self, task: Callable[[], None]) -> None:
        with self._lock:
            self._queue.put(task)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=f"errands {self._name}", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while True:
            try:
                task = self._queue.get(timeout=IDLE)
            except queue.Empty:
                with self._lock:
                    if self._queue.empty():
                        self._thread = None
                        return
                continue
            try:
                task()
            finally:
                self._queue.task_done()
            if not self.busy:
                self._drained()


def _hand_over(reference: weakref.ref[Errands]) -> None:
    """A stopping process does what it has accepted; what it can't do in time, another one does."""
    errands = reference()
    if errands is not None:
        errands.stop()
        errands.flush()
