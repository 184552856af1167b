"""The connection to Redis: short patience, and a pause after an outage, so that nobody waits for it at every request."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from authenticator.errors import ConfigurationError

if TYPE_CHECKING:
    import redis

T = TypeVar("T")
log = logging.getLogger("authenticator.redis")

PATIENCE = 0.25  # seconds for one answer
PAUSE = 1.0  # seconds without asking after it did not answer


class Redis:
    """One client per process; made when it is first needed, because connections do not survive a fork."""

    def __init__(self, url: str) -> None:
        try:
            import redis
        except ModuleNotFoundError:
            raise ConfigurationError("AUTHENTICATOR_REDIS_URL needs the package redis: install flask-authenticator[redis].") from None
        self._library = redis
        self._url = url
        self._lock = threading.Lock()
        self._process = 0
        self._client: redis.Redis | None = None
        self._away_until = 0.0
        try:
            redis.ConnectionPool.from_url(url)
        except ValueError as error:
            raise ConfigurationError(f"AUTHENTICATOR_REDIS_URL: {error}. Write redis://host:6379/0.") from None

    def ask(self, question: Callable[[Any], T]) -> T | None:
        """The answer, or None where Redis is away; the caller then asks the store. The question never answers None itself."""
        if time.monotonic() < self._away_until:
            return None
        try:
            return question(self._living())
        except self._library.RedisError as error:
            log.warning("Redis does not answer (%s); the database serves meanwhile", type(error).__name__)
            self._away_until = time.monotonic() + PAUSE
            return None

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None and self._process == os.getpid():
            client.close()

    def _living(self) -> Any:
        with self._lock:
            if self._client is None or self._process != os.getpid():
                self._client = self._library.Redis.from_url(
                    self._url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, decode_responses=True, retry=None
                )
                self._process = os.getpid()
            return self._client
