"""What a request made to be dear may cost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def costing_little() -> Iterator[None]:
    """Fails where what is inside takes this thread five seconds of CPU time, a hundred times what it should.

    That is no limit which a busy machine could pass; but what grows with the square of its input takes minutes.
    """
    before = time.thread_time()
    yield
    assert time.thread_time() - before < 5
