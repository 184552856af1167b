"""Where an app keeps what must not be in the browser: sign-ins that are under way, and the tokens of those who are signed in."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from pathlib import Path
from typing import Final, Protocol

MOST: Final = 100_000


class Store(Protocol):
    """Texts under names, each for some seconds. `take` gives a text to exactly one of those who ask for it at the same time."""

    def put(self, name: str, text: str, seconds: float) -> None: ...

    def get(self, name: str) -> str | None: ...

    def take(self, name: str) -> str | None: ...


class MemoryStore:
    """For an app of one process; people sign in again after a restart."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, str]] = {}

    def put(self, name: str, text: str, seconds: float) -> None:
        now = time.time()
        with self._lock:
            if len(self._kept) >= MOST:
                self._make_room(now)
            self._kept[name] = now + seconds, text

    def _make_room(self, now: float) -> None:
        """Drop what is over, or else the tenth that ends first: who opens sign-in pages by the thousand signs nobody out."""
        kept = sorted(self._kept.items(), key=lambda one: one[1][0])
        over = sum(ends <= now for _, (ends, _) in kept)
        self._kept = dict(kept[max(over, MOST // 10) :])

    def get(self, name: str) -> str | None:
        ends, text = self._kept.get(name, (0.0, ""))
        return text if ends > time.time() else None

    def take(self, name: str) -> str | None:
        with self._lock:
            ends, text = self._kept.pop(name, (0.0, ""))
        return text if ends > time.time() else None


class SQLiteStore:
    """For several processes on one machine: a file that only its owner can read. It survives a restart."""

    def __init__(self, path: str | Path) -> None:
        self._path = str(path)
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        with self._open() as database:
            database.execute("CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, ends REAL NOT NULL, text TEXT NOT NULL)")
            database.execute("CREATE INDEX IF NOT EXISTS kept_ends ON kept (ends)")

    def put(self, name: str, text: str, seconds: float) -> None:
        now = time.time()
        with self._open() as database:
            database.execute("DELETE FROM kept WHERE ends <= ?", (now,))
            database.execute("INSERT OR REPLACE INTO kept (name, ends, text) VALUES (?, ?, ?)", (name, now + seconds, text))

    def get(self, name: str) -> str | None:
        with self._open() as database:
            return _text(database.execute("SELECT text FROM kept WHERE name = ? AND ends > ?", (name, time.time())).fetchall())

    def take(self, name: str) -> str | None:
        with self._open() as database:
            return _text(database.execute("DELETE FROM kept WHERE name = ? AND ends > ? RETURNING text", (name, time.time())).fetchall())

    def _open(self) -> _Once:
        return _Once(self._path)


class _Once:
    """A connection for one block: committed at its end, and closed, so that threads and forks share none."""

    def __init__(self, path: str) -> None:
        self._database = sqlite3.connect(path, timeout=10, isolation_level=None)

    def __enter__(self) -> sqlite3.Connection:
        return self._database

    def __exit__(self, *_: object) -> None:
        self._database.close()


def _text(rows: list[tuple[str]]) -> str | None:
    return rows[0][0] if rows else None
