"""What many threads would ask the database at the same moment is asked by one of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from authenticator.errors import AuthError


class Turns:
    """One thread at a time asks. Who waited while that failed shares the failure: during an outage nobody waits for one after the other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failed, self._failure = float("-inf"), ""

    @contextmanager
    def taken(self) -> Iterator[None]:
        """A turn; the AuthError of whoever failed while this thread waited for it."""
        came = time.monotonic()
        with self._lock:
            if self._failed >= came:
                raise AuthError(self._failure)
            try:
                yield
            except AuthError as error:
                self._failed, self._failure = time.monotonic(), error.code
                raise
