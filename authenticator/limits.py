"""How often something may be tried: so many times in a window, or with growing waits until it succeeds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `allowed` attempts in each window of `seconds`, counted together under `key`."""

    key: str
    allowed: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Backoff:
    """`free` attempts in a row, then a wait of `first` seconds that doubles up to `longest`; no more after `dead`.

    Attempts count until `forgive` is told that one succeeded (NIST SP 800-63B-4 §3.2.2).
    """

    key: str
    free: int = 5
    first: int = 30
    longest: int = 3600
    dead: int = 100

    def wait(self, count: int) -> int:
        """Seconds to wait after the `count`-th attempt in a row."""
        over = count - self.free
        return 0 if over <= 0 else min(self.longest, self.first << min(over - 1, 20))
