"""Counters of attempts: under which digest they are kept, and how long a refused one waits."""

from __future__ import annotations

from collections.abc import Sequence

from authenticator.limits import Backoff, Limit
from authenticator.storage.sealing import Sealer

DEAD_WAIT = 3600  # seconds told to one whom only `forgive` lets in again


def attempt_ids(keys: Sequence[str], sealer: Sealer) -> list[str]:
    return [sealer.digest("attempts", key) for key in keys]


def wait_of(counter: Limit | Backoff, until: int, count: int, at: int) -> int:
    """Seconds that a refused one has to wait, at least one."""
    if isinstance(counter, Backoff) and count >= counter.dead:
        return DEAD_WAIT
    return max(1, -(-(until - at) // 1000))


def wait_of_none(counter: Limit | Backoff) -> int:
    """Seconds to wait where not even one attempt is allowed; 0 where some are."""
    if isinstance(counter, Limit):
        return max(1, counter.seconds) if counter.allowed < 1 else 0
    return DEAD_WAIT if counter.dead < 1 else 0
