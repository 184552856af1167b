"""Ids of users and other lasting records: 63-bit Sonyflake numbers as decimal text, in order of time."""

from __future__ import annotations

import os
import secrets
import threading
from datetime import UTC, datetime
from typing import Any

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class Ids:
    """Makes ids, unique among 65,536 machines. An id is guessable: it names, it never grants.

    Without a configured machine number each process draws one, also after a fork. Two processes that
    draw the same can only collide within ten milliseconds, and then the store's primary key refuses.
    """

    def __init__(self, machine: int | None = None) -> None:
        self._machine = machine
        self._lock = threading.Lock()
        self._process: int | None = None
        self._flake: Any = None

    def new(self) -> str:
        """A fresh id as text, because JavaScript loses the last digits of such a number."""
        with self._lock:
            if self._flake is None or self._process != os.getpid():
                machine = self._machine if self._machine is not None else secrets.randbelow(1 << 16)
                from sonyflake import Sonyflake  # takes 30 ms, and only new records need it

                self._flake = Sonyflake(start_time=_EPOCH, machine_id=machine)
                self._process = os.getpid()
            flake = self._flake
        return str(flake.next_id())
