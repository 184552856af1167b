"""`authenticator users import` and `export`: many accounts as CSV or as lines of JSON."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import click

from authenticator.cli import context
from authenticator.flows.transfer import COLUMNS, Fault

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a cell that begins so is run by spreadsheets (OWASP CSV Injection)
LONGEST_LINE = 65_536
FORMATS = click.Choice(["csv", "jsonl"])


@click.command("import", short_help="Make accounts of the rows of a file.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "kind", type=FORMATS, default=None, help="What the file holds; by its ending if not said.")
@click.option("--dry-run", is_flag=True, help="Check every row, write nothing.")
def bring_in(file: Path, kind: str | None, dry_run: bool) -> None:
    """Make an account of each row of FILE (CSV with a head, or a JSON object a line).

    Columns: email, email_verified, phone_number, phone_number_verified, username, given_name, family_name, display_name, salutation,
    locale, country, status, created_at, password_hash, identities (google:1123…;facebook:98…) and attributes (JSON).
    A broken row is told with its line, and the rest goes on. Hashes of argon2, bcrypt, scrypt, PBKDF2 and Firebase's scrypt are
    taken, and made anew when their owners sign in.
    """
    kind = kind or ("csv" if file.suffix.lower() == ".csv" else "jsonl")
    with (
        file.open("rb") as raw,
        click.progressbar(length=file.stat().st_size, label=f"Reading {file.name}", file=sys.stderr) as bar,
    ):
        rows = (_csv_rows if kind == "csv" else _json_rows)(_lines(raw, bar.update))
        tally = context.service().bring_in(rows, told=_tell, dry=dry_run)
    click.echo(f"{tally.made:,} accounts {'would be' if dry_run else 'were'} made, {tally.faults:,} rows were left out.")
    if tally.faults:
        raise SystemExit(1)


@click.command("export", short_help="Write every account to a file.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), default=None, help="A new file; standard output if not said.")
@click.option("--format", "kind", type=FORMATS, default="jsonl", show_default=True)
@click.option("--with-password-hashes", is_flag=True, help="Write the hashes too: keep such a file as safe as the database.")
def write_out(output: Path | None, kind: str, with_password_hashes: bool) -> None:
    """Write every account as a row that `users import` takes.

    What other providers call people is kept as digests only, so the column `identities` stays empty.
    """
    rows = context.service().write_out(with_hashes=with_password_hashes)
    if output is None:
        _write(rows, sys.stdout, kind)
        return
    try:
        with output.open("x", encoding="utf-8", newline="") as target:
            output.chmod(0o600)
            count = _write(rows, target, kind)
    except FileExistsError:
        raise click.ClickException(f"{output} is there already. Name another file, or remove it first.") from None
    click.echo(f"{count:,} accounts were written to {output}.")


def _write(rows: Iterator[dict[str, Any]], target: IO[str], kind: str) -> int:
    writer = csv.DictWriter(target, COLUMNS) if kind == "csv" else None
    if writer:
        writer.writeheader()
    count = 0
    with click.progressbar(rows, label="Writing", file=sys.stderr, item_show_func=lambda _row: f"{count:,}") as shown:
        for row in shown:
            if writer:
                writer.writerow({name: _cell(value) for name, value in row.items()})
            else:
                target.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def _cell(value: Any) -> str:
    text = json.dumps(value) if isinstance(value, dict) else str(value).lower() if isinstance(value, bool) else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def _tell(fault: Fault) -> None:
    click.echo(f"line {fault.line}: {fault.reason}", err=True)


def _lines(raw: IO[bytes], read: Callable[[int], None]) -> Iterator[tuple[int, bytes]]:
    """The file's lines with their numbers; how much was read is told now and then."""
    done = 0
    for number, line in enumerate(raw, 1):
        done += len(line)
        if number % 200 == 0:
            read(done)
            done = 0
        yield number, line
    read(done)


def _json_rows(lines: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, Mapping[str, Any] | Fault]]:
    for number, line in lines:
        if not line.strip():
            continue
        if len(line) > LONGEST_LINE:
            yield number, Fault(number, "The line is too long.")
            continue
        try:
            row = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
        except (ValueError, RecursionError):
            yield number, Fault(number, "This is no line of JSON.")
            continue
        yield number, row if isinstance(row, dict) else Fault(number, "Write an object, {…}, on each line.")


def _csv_rows(lines: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, Mapping[str, Any] | Fault]]:
    """Rows by the names in the first line. A row begins at the line after the one before it."""
    reached = [0]

    def texts() -> Iterator[str]:
        for number, line in lines:
            reached[0] = number
            yield line.decode("utf-8-sig" if number == 1 else "utf-8", "replace")

    csv.field_size_limit(LONGEST_LINE)
    reader = csv.reader(texts(), strict=True)
    head: list[str] | None = None
    while True:
        begins = reached[0] + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield begins, Fault(begins, f"This is no row of CSV: {error}.")
            continue
        if head is None:
            head = [name.strip() for name in cells]
            continue
        if cells:
            yield begins, _row(begins, head, cells)


def _row(line: int, head: list[str], cells: list[str]) -> dict[str, Any] | Fault:
    if len(cells) != len(head):
        return Fault(line, f"There should be {len(head)} cells.")
    row: dict[str, Any] = {name: _uncell(cell) for name, cell in zip(head, cells, strict=True) if cell != ""}
    if isinstance(row.get("attributes"), str):
        try:
            row["attributes"] = json.loads(row["attributes"])
        except (ValueError, RecursionError):
            return Fault(line, "attributes: Write an object of JSON, {…}.")
    return row


def _uncell(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell
