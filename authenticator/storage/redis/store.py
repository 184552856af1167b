"""A store with Redis in front: the store keeps every promise alone; Redis takes the counting off it, and spares it being asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from authenticator.crypto import random_token
from authenticator.events import Event
from authenticator.limits import Backoff, Limit
from authenticator.models import Rotation, Session, StatusChange
from authenticator.storage.port import Store
from authenticator.storage.redis.attempts import Attempts
from authenticator.storage.redis.client import Redis
from authenticator.storage.sealing import Sealer

T = TypeVar("T")
ENDED = "authenticator:ended"
MARK_LIVES = 86_400  # seconds
TRUSTED_FOR = 5.0  # seconds after which the store is asked although Redis says that nothing has ended


class RedisStore:
    """What is not here goes to the store as it is.

    `closed_since` is answered with nothing while Redis says that no session has ended since this process last asked the store.
    The mark is random and set anew by whoever ends a session; a Redis that was restarted has none, and the store is asked.
    """

    def __init__(self, store: Store, redis: Redis, sealer: Sealer) -> None:
        self._store = store
        self._redis = redis
        self._attempts = Attempts(redis, sealer)
        self._lock = threading.Lock()
        self._seen: str | None = None
        self._asked = float("-inf")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def close(self) -> None:
        self._redis.close()
        self._store.close()

    def cache_answers(self) -> bool:
        """Whether Redis answers; where it does not, the store serves alone."""
        return self._redis.ask(lambda client: client.ping()) is not None

    def count_attempts(self, counters: Sequence[Limit | Backoff], now: datetime, *, event: Event | None = None) -> int:
        wait = self._attempts.count(counters, now)
        if wait is None:
            return self._store.count_attempts(counters, now, event=event)
        if event is not None:
            self._store.count_attempts((), now, event=event)
        return wait

    def forgive(self, keys: Sequence[str]) -> None:
        self._attempts.forgive(keys)
        self._store.forgive(keys)

    def open_session(self, session: Session, *, forgive: Sequence[str] = (), event: Event | None = None) -> None:
        self._store.open_session(session, forgive=forgive, event=event)
        self._attempts.forgive(forgive)

    def closed_since(self, moment: datetime) -> Sequence[str]:
        mark = self._redis.ask(lambda client: client.get(ENDED) or "")
        with self._lock:
            known = bool(mark) and mark == self._seen and time.monotonic() - self._asked < TRUSTED_FOR
        if known:
            return ()
        if mark == "":
            mark = self._announce(only_if_absent=True)
        ended = self._store.closed_since(moment)
        with self._lock:
            self._seen, self._asked = mark, time.monotonic()
        return ended

    def close_session(self, session_id: str, reason: str, now: datetime) -> bool:
        return self._told(self._store.close_session(session_id, reason, now))

    def close_sessions(
        self,
        user_id: str,
        reason: str,
        now: datetime,
        *,
        keep: str | None = None,
        kinds: Sequence[str] = ("sign_in", "grant", "token"),
        application: str | None = None,
    ) -> int:
        return self._told(self._store.close_sessions(user_id, reason, now, keep=keep, kinds=kinds, application=application))

    def end_given(self, application_id: str, reason: str, now: datetime) -> int:
        return self._told(self._store.end_given(application_id, reason, now))

    def remove_application(self, application_id: str, now: datetime) -> bool:
        return self._told(self._store.remove_application(application_id, now))

    def remove_grant(self, user_id: str, application_id: str, now: datetime) -> bool:
        return self._told(self._store.remove_grant(user_id, application_id, now))

    def cap_sessions(self, user_id: str, most: int, reason: str, now: datetime) -> int:
        return self._told(self._store.cap_sessions(user_id, most, reason, now))

    def change_status(self, user_id: str, change: StatusChange) -> bool:
        return self._told(self._store.change_status(user_id, change))

    def erase_user(self, user_id: str, pseudonym: str, now: datetime) -> bool:
        return self._told(self._store.erase_user(user_id, pseudonym, now))

    def rotate_refresh(self, session_id: str, presented: str, successor: str, now: datetime, grace: timedelta) -> Rotation:
        rotation = self._store.rotate_refresh(session_id, presented, successor, now, grace)
        if rotation.outcome == "reused":
            self._announce()
        return rotation

    def _told(self, outcome: T) -> T:
        if outcome:
            self._announce()
        return outcome

    def _announce(self, *, only_if_absent: bool = False) -> str | None:
        """A new mark: every process then asks the store at its next look. After the store's write, or it would look too early."""
        mark = random_token(128)
        self._redis.ask(lambda client: client.set(ENDED, mark, ex=MARK_LIVES, nx=only_if_absent) or True)
        return self._redis.ask(lambda client: client.get(ENDED) or "") or None if only_if_absent else mark
