"""What many threads would ask at once during an outage is asked once, and all are told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from authenticator.app import create_app
from authenticator.errors import AuthError
from authenticator.service import Service

CROWD = 8


class Door:
    """A lock at which it is known how many have come."""

    def __init__(self) -> None:
        self._lock, self._come = threading.Lock(), threading.Semaphore(0)

    def __enter__(self) -> None:
        self._come.release()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def all_there(self) -> None:
        for _ in range(CROWD):
            assert self._come.acquire(timeout=30)


class Hanging:
    """A question that nobody answers until all have come; then the database is away."""

    def __init__(self, door: Door) -> None:
        self._door, self.asked = door, 0

    def __call__(self, *_: Any) -> Any:
        self.asked += 1
        if self.asked == 1:
            self._door.all_there()
        raise AuthError("store_unavailable", retry_after=2)


@pytest.fixture
def service(tmp_path: Path) -> Service:
    settings = {"AUTHENTICATOR_ENVIRONMENT": "development", "AUTHENTICATOR_DATA_DIR": str(tmp_path)}
    found: Service = create_app(settings, env_file=None).extensions["authenticator"]
    return found


def crowd(ask: Callable[[], Any]) -> list[tuple[str, int | None]]:
    """What each of a crowd is told."""

    def one(_: int) -> tuple[str, int | None]:
        with pytest.raises(AuthError) as refused:
            ask()
        return refused.value.code, refused.value.retry_after

    with ThreadPoolExecutor(CROWD) as pool:
        return list(pool.map(one, range(CROWD)))


def test_an_outage_is_told_to_all_who_ask_which_sessions_have_ended(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    door = Door()
    hanging = Hanging(door)
    with monkeypatch.context() as patch:
        patch.setattr(service.ended._turns, "_lock", door)
        patch.setattr(service.core.store, "closed_since", hanging)
        service.ended.look_again()
        assert crowd(lambda: service.ended.require_open("x")) == [("store_unavailable", 2)] * CROWD
    assert hanging.asked == 1
    service.ended.require_open("x")


def test_an_outage_is_told_to_all_who_ask_for_the_keys(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    door = Door()
    hanging = Hanging(door)
    with monkeypatch.context() as patch:
        patch.setattr(service.keys._turns, "_lock", door)
        patch.setattr(service.core.store, "signing_keys", hanging)
        patch.setattr(service.keys, "_loaded", float("-inf"))
        assert crowd(service.keys.published) == [("store_unavailable", 2)] * CROWD
    assert hanging.asked == 1
    assert service.keys.jwks()["keys"]


def test_who_asks_after_a_failure_has_it_tried_again(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def away(*_: Any) -> Any:
        asked.append("again")
        raise AuthError("store_unavailable", retry_after=2)

    monkeypatch.setattr(service.core.store, "closed_since", away)
    service.ended.look_again()
    for _ in range(3):
        with pytest.raises(AuthError):
            service.ended.require_open("x")
    assert len(asked) == 3
