"""The table of goals: what was measured, what may be, and whether it is enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.measure import Spread

TOLERANCE = 1.15


@dataclass(frozen=True)
class Row:
    """One figure. `limit` None means that it is shown for information only; `least` that the figure must not be below the limit."""

    goal: str
    what: str
    store: str
    figure: Spread
    unit: str
    limit: float | None = None
    least: float | None = None
    exact: bool = False

    @property
    def verdict(self) -> str:
        """A figure within the tolerance of 15 % beyond a limit is noise; a count is not."""
        room = 1.0 if self.exact else TOLERANCE
        if self.limit is None and self.least is None:
            return ""
        over = self.limit is not None and self.figure.median > self.limit * room
        under = self.least is not None and self.figure.median < self.least / room
        if over or under:
            return "FALLS SHORT"
        inside = (self.limit is None or self.figure.median <= self.limit) and (self.least is None or self.figure.median >= self.least)
        return "ok" if inside else "ok, by tolerance"

    def cells(self) -> tuple[str, ...]:
        limits = [f"≥ {_number(self.least)}"] if self.least is not None else []
        limits += [f"≤ {_number(self.limit)}"] if self.limit is not None else []
        unit = f" {self.unit}" if self.unit else ""
        same = self.figure.least == self.figure.greatest
        spread = "" if same else f"{_number(self.figure.least)} to {_number(self.figure.greatest)}"
        return self.goal, self.what, self.store, f"{_number(self.figure.median)}{unit}", spread, ", ".join(limits), self.verdict


HEAD = ("goal", "what", "store", "measured", "rounds", "limit", "verdict")


def text(rows: Sequence[Row]) -> str:
    """The table for a terminal."""
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def markdown(rows: Sequence[Row], notes: Sequence[str]) -> str:
    """The table for a document."""
    lines = ["| " + " | ".join(HEAD) + " |", "|" + " --- |" * len(HEAD)]
    lines += ["| " + " | ".join(row.cells()) + " |" for row in rows]
    return "\n".join((*lines, "", *(f"- {note}" for note in notes))) + "\n"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if value == int(value) or value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
