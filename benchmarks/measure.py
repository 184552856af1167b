"""CPU time for each request, in F: interleaved rounds, and their median."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

from benchmarks import servers
from benchmarks.load import Generator, Job, Outcome, request

_addresses = count(1)


class Failed(Exception):
    """Answers that should have been good were not, so their speed means nothing."""


@dataclass
class Bench:
    """The load generator, the bare server, and how long to measure."""

    generator: Generator
    bare: servers.Server
    rounds: int
    size: int
    units: list[float] = field(default_factory=list)

    def send(
        self,
        server: servers.Program,
        requests: Sequence[bytes],
        *,
        expect: int = 200,
        connections: int = 4,
        keep: bool = False,
        source: str = "",
    ) -> tuple[float, Outcome]:
        """CPU seconds of the server for each request, and what came back. Failed unless every answer has the status."""
        job = Job(server.port, requests, connections, source or fresh_source(), keep=keep)
        before = server.cpu_seconds()
        outcome = self.generator.run(job)
        used = server.cpu_seconds() - before
        require(outcome, expect)
        return used / outcome.done, outcome

    def unit(self) -> float:
        """F now."""
        used, _ = self.send(self.bare, [request("GET", "/")] * self.size)
        self.units.append(used)
        return used

    def in_units(self, part: Callable[[], float]) -> Spread:
        """The median over the rounds of what `part` used, divided by F measured just before and after."""
        part()  # what the first requests of a kind cost is not what they cost
        ratios = []
        before = self.unit()
        for _ in range(self.rounds):
            used = part()
            after = self.unit()
            ratios.append(used / ((before + after) / 2))
            before = after
        return Spread.of(ratios)

    def apart(self, one: Callable[[], float], other: Callable[[], float]) -> Spread:
        """The median over the rounds of `one` divided by `other`, which take turns in going first."""
        one(), other()
        ratios = []
        for turn in range(2 * self.rounds):
            if turn % 2:
                first, second = one(), other()
            else:
                second, first = other(), one()
            ratios.append(first / second)
        return Spread.of(ratios)


@dataclass(frozen=True)
class Spread:
    """A median, and the least and greatest of the rounds."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))


def require(outcome: Outcome, expect: int) -> None:
    """Failed unless every answer has this status."""
    wrong = {status: number for status, number in outcome.statuses.items() if status != expect}
    if wrong:
        status = next(iter(wrong))
        raise Failed(f"{wrong[status]} of {outcome.done} answers had the status {status} instead of {expect}: {outcome.sample[status]}")


def fresh_source() -> str:
    """Loopback addresses that no run has used yet: `127.1.7.` stands for 127.1.7.1 and so on."""
    number = next(_addresses)
    return f"127.{1 + number // 250}.{number % 250}."
