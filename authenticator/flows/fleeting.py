"""What a process remembers for seconds or minutes, so that it need not be asked for again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
MOST = 10_000  # entries; then the oldest half goes


class Fleeting:
    """Values by key, each for a time of its own. Two threads that miss at once both ask: nobody waits for another's slow call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, ...], tuple[float, Any]] = {}

    def of(self, *key: str, seconds: float, make: Callable[[], T]) -> T:
        """What is kept under the key, made anew when it is older than `seconds`."""
        found = self._kept.get(key)
        if found is not None and time.monotonic() - found[0] < seconds:
            value: T = found[1]
            return value
        return self.keep(*key, value=make())

    def peek(self, *key: str) -> Any:
        """What is kept under the key, however old; None for nothing."""
        found = self._kept.get(key)
        return found[1] if found else None

    def age(self, *key: str) -> float:
        """Seconds since it was kept; endless for what is not."""
        found = self._kept.get(key)
        return time.monotonic() - found[0] if found else float("inf")

    def keep(self, *key: str, value: T) -> T:
        """Keep a value from now on, in place of the one before."""
        with self._lock:
            self._kept.pop(key, None)
            self._kept[key] = (time.monotonic(), value)
            if len(self._kept) > MOST:
                for old in list(self._kept)[: MOST // 2]:
                    del self._kept[old]
        return value

    def drop(self, *key: str) -> None:
        """Forget it: it has just changed."""
        with self._lock:
            self._kept.pop(key, None)
