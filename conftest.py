"""What holds for every test here, wherever it stands."""

from __future__ import annotations

import gc


def pytest_collection_finish() -> None:
    """Look for garbage seldom: everything imported stays, and to go through it again and again takes a third of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
