"""`python -m benchmarks`: measure, and print the table of goals."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from authenticator.testing import servers as databases
from benchmarks import accounts, app_side, door, footprint, goals, openid, peers, servers, subject, table, trips
from benchmarks.load import Generator
from benchmarks.measure import Bench, Failed
from benchmarks.table import Row

STORES = ("sqlite", "mongo", "peer")
GOALS = (
    "G1",
    "G2",
    "G3",
    "G4",
    "G5",
    "G6",
    "G7",
    "G8",
    "G9",
    "G10",
    "G11",
    "G12",
    "G13",
    "G14",
    "G15",
    "A1",
    "A2",
    "A4",
    "A5",
    "A6",
    "C1",
    "P1",
)
NOTES = (
    "F is the CPU time (user and system, whole process tree) of one request to a bare Flask answer, measured just before and after.",
    "Figures are medians; `rounds` shows the least and the greatest. A figure up to 15 % beyond its limit is noise, a count is not.",
    "The database's own CPU time is not in the figures: SQLite works inside the process, MongoDB does not.",
    "Codes are read from the outbox's file by the benchmark itself; writing them is part of the sign-up.",
)


def main() -> int:
    """0 if everything was measured, even where it falls short; 1 if something could not be."""
    wish = _wish()
    rows: list[Row] = []
    failures: list[str] = []
    begun = time.monotonic()
    with Generator() as generator, servers.bare() as bare:
        bench = Bench(generator, bare, rounds=3 if wish.quick else 5, size=250 if wish.quick else 600)
        for store in wish.stores:
            _measure(bench, store, wish.only, rows, failures)
        if "P1" in wish.only:
            for name, start in peers.PEERS.items():
                _say(f"{name} …")
                try:
                    for row in openid.peer(bench, name, start):
                        rows.append(row)
                except (peers.NotHere, Failed, servers.DoesNotStart) as error:
                    failures.append(f"NOT MEASURED: {name}: {error}")
        if "C1" in wish.only:
            _say("C1 …")
            rows.extend(app_side.checks(bench))
        units = bench.units
    notes = [*NOTES, *_circumstances(units, time.monotonic() - begun), *failures]
    print(table.text(sorted(rows, key=_order)), *(f"- {note}" for note in notes), sep="\n")
    if wish.markdown:
        wish.markdown.write_text(table.markdown(sorted(rows, key=_order), notes))
    return 1 if failures else 0


def _measure(bench: Bench, store: str, only: tuple[str, ...], rows: list[Row], failures: list[str]) -> None:
    """All wanted goals on one store. What fails is told and the rest goes on."""

    def part(goal: str, measure: Callable[[], list[Row]]) -> None:
        if goal not in only:
            return
        _say(f"{store} {goal} …")
        try:
            rows.extend(measure())
        except (Failed, AssertionError, TimeoutError, FileNotFoundError, servers.DoesNotStart) as error:
            failures.append(f"NOT MEASURED: {goal} on {store}: {error}")

    try:
        with _subjects(store, bench.size) as (plain, hashed):
            for found, parts in ((plain, goals.NULL_HASH | door.NULL_HASH), (hashed, goals.REAL_HASH | door.REAL_HASH)):
                if not set(parts) & set(only):
                    continue
                with servers.service(found.settings) as server:
                    stage = goals.Stage(bench, found, server)
                    for goal, measure in ((goal, measure) for goal, measures in parts.items() for measure in measures):
                        part(goal, partial(measure, stage))
            part("G9", lambda: trips.trips(plain, _say))
            part("G10", lambda: footprint.memory(bench, hashed))
            part("G11", lambda: footprint.start(bench, hashed))
            part("A6", lambda: accounts.wrong_crowd(hashed))
            with servers.service(plain.settings) as server:
                part("A1", lambda: accounts.second_step(goals.Stage(bench, plain, server)))
                part("A2", lambda: accounts.long_lists(goals.Stage(bench, plain, server)))
                part("G14", lambda: openid.tokens(goals.Stage(bench, plain, server)))
            part("A5", lambda: accounts.imports(hashed))
            if "A4" in only:
                with _subjects(store, 1_000) as (few, _), _subjects(store, 1_000) as (many, _):
                    part("A4", lambda: accounts.among_many(bench, few, many, 100_000 if bench.rounds == 3 else 1_000_000))
    except (databases.Missing, ImportError, servers.DoesNotStart) as error:
        failures.append(f"NOT MEASURED: {store}: {error}")


@contextmanager
def _subjects(store: str, size: int) -> Iterator[tuple[subject.Subject, subject.Subject]]:
    """The service without and with the hash, each on a database of its own."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="benchmark-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        server = stack.enter_context(databases.mongod()) if store == "mongo" else None
        made = []
        for name, null_hash in (("plain", True), ("hashed", False)):
            url = f"{server.url}{name}" if server else f"sqlite:///{folder / name / 'auth.db'}"
            found = subject.make(store, url, folder / name, count=size, null_hash=null_hash)
            stack.callback(found.service.core.store.close)
            made.append(found)
        yield made[0], made[1]


def _circumstances(units: list[float], seconds: float) -> Iterator[str]:
    if units:
        spread = f"{1000 * min(units):.3f} to {1000 * max(units):.3f}"
        yield f"F was {1000 * statistics.median(units):.3f} ms ({spread}) on {os.cpu_count()} cores, Python {platform.python_version()}."
    yield f"Load average at the end: {os.getloadavg()[0]:.1f}. The run took {seconds:.0f} s."


def _order(row: Row) -> tuple[int, int]:
    return STORES.index(row.store), GOALS.index("A2" if row.goal == "A3" else row.goal)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _wish() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--only", type=_listed(GOALS), default=GOALS, metavar="G2,G4", help=f"these goals only, of {', '.join(GOALS)}")
    parser.add_argument("--stores", type=_listed(STORES), default=STORES, metavar="sqlite,mongo", help="these stores only")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there as well")
    return parser.parse_args()


def _listed(known: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
    def parse(text: str) -> tuple[str, ...]:
        wanted = tuple(item.strip() for item in text.split(",") if item.strip())
        if strange := set(wanted) - set(known):
            raise argparse.ArgumentTypeError(f"{', '.join(sorted(strange))} is none of {', '.join(known)}")
        return wanted

    return parse


if __name__ == "__main__":
    sys.exit(main())
