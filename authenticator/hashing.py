"""Password hashing with argon2id, bounded in memory and in waiting time; hashes made elsewhere are checked in the same bounds."""

from __future__ import annotations

import base64
import hmac
import os
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as WaitTimeout
from typing import Protocol, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from authenticator import foreign_hashes
from authenticator.errors import AuthError

T = TypeVar("T")
QUEUE = 56  # of the 64 threads of a process, so that some are always left for those who hash nothing


class Hasher(Protocol):
    """Makes and checks hashes of passwords and of codes below 112 bits."""

    def hash(self, password: str) -> str:
        """A PHC string."""
        ...

    def verify(self, hashed: str | None, password: str) -> bool:
        """Whether they match. None does the same work and never matches, so unknown accounts take as long."""
        ...

    def outdated(self, hashed: str) -> bool:
        """Whether the hash was made with other parameters than today's, or in another way."""
        ...


class Argon2Hasher:
    """argon2id in a few threads of its own (OWASP Password Storage; RFC 9106 §4).

    `memory` is in KiB. `slots` hashes run at once in a process, up to `queue` others wait; what comes on top, or has waited
    `patience` seconds, is turned away with AuthError `busy`: a flood costs bounded memory, and leaves threads for other requests.
    """

    def __init__(
        self, *, memory: int = 19_456, time: int = 2, lanes: int = 1, slots: int = 1, patience: float = 5.0, queue: int = QUEUE
    ) -> None:
        self._argon2 = PasswordHasher(time_cost=time, memory_cost=memory, parallelism=lanes, hash_len=32, salt_len=16)
        self._slots = slots
        self._patience = patience
        self._queue = queue
        self._waiting = 0
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._process: int | None = None
        self._nobody = f"$argon2id$v=19$m={memory},t={time},p={lanes}${_text(16)}${_text(32)}"  # as dear as any, and the hash of nothing

    def hash(self, password: str) -> str:
        return self._run(self._start(lambda: self._argon2.hash(password)))

    def verify(self, hashed: str | None, password: str) -> bool:
        matches = self._run(self._start(lambda: self._matches(hashed or self._nobody, password)))
        return matches and hashed is not None

    def outdated(self, hashed: str) -> bool:
        return not foreign_hashes.is_argon2(hashed) or self._argon2.check_needs_rehash(hashed)

    def _matches(self, hashed: str, password: str) -> bool:
        hashed = foreign_hashes.bare(hashed)
        if not foreign_hashes.is_argon2(hashed):
            return foreign_hashes.matches(hashed, password)
        try:
            return self._argon2.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    def _start(self, work: Callable[[], T]) -> Future[T]:
        with self._lock:
            if self._pool is None or self._process != os.getpid():  # a pool's threads do not survive a fork
                self._pool = ThreadPoolExecutor(self._slots, thread_name_prefix="hash")
                self._process = os.getpid()
                self._waiting = 0
            if self._waiting >= self._slots + self._queue:
                raise AuthError("busy")
            job = self._pool.submit(work)
            self._waiting += 1
            return job

    def _run(self, job: Future[T]) -> T:
        try:
            return job.result(self._patience)
        except WaitTimeout:
            job.cancel()
            raise AuthError("busy", retry_after=5) from None
        finally:
            with self._lock:
                self._waiting -= 1


class NullHasher:
    """No hash at all, so that benchmarks see the rest. Only AUTHENTICATOR_DANGEROUS_NULL_HASH brings it here."""

    def hash(self, password: str) -> str:
        return f"$null${password}"

    def verify(self, hashed: str | None, password: str) -> bool:
        return hmac.compare_digest((hashed or "$none$").encode(), f"$null${password}".encode())

    def outdated(self, hashed: str) -> bool:
        return False


def _text(size: int) -> str:
    """Random bytes as a PHC string writes them: base64 without padding."""
    return base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=")
