"""How commands look: tables and marks that stay readable without colour."""

from __future__ import annotations

from collections.abc import Sequence

import click

MARKS = {"good": ("✓", "green"), "bad": ("✗", "red"), "odd": ("!", "yellow")}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their content; the last one runs free."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    title = "  ".join(cell.ljust(width) for cell, width in zip(head, widths, strict=True)).rstrip()
    return "\n".join([click.style(title, bold=True), *lines])


def mark(kind: str) -> str:
    sign, colour = MARKS[kind]
    return click.style(sign, fg=colour)
