"""Processes that are stopped or ended, and seen to be so."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

PATIENCE = 60.0  # seconds


def children(pid: int) -> list[int]:
    """The processes that a process has started, where Linux tells."""
    found: list[int] = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, file.read_text().split())
    return found


def stop(pid: int) -> None:
    """Have a process stand still; it does when this returns."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
    wait_for(pid, "TZX")


def wait_for(pid: int, states: str) -> None:
    """Wait until every thread of a process is in one of these states (proc(5), field 3 of `stat`), or gone: signals take a moment."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = set()
        for file in Path(f"/proc/{pid}/task").glob("*/stat"):
            with suppress(OSError):
                found.add(file.read_text().rpartition(")")[2].split()[0])
        if not found - set(states):
            return
        time.sleep(0.001)
    raise TimeoutError(f"process {pid} does not take its signal")
