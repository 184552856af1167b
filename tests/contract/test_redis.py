"""A store with Redis in front keeps every promise, also while Redis is away, restarted or emptied."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
import redis

from authenticator.crypto import digest
from authenticator.errors import ConfigurationError
from authenticator.limits import Backoff, Limit
from authenticator.storage.open import open_store
from authenticator.storage.port import Store
from authenticator.storage.redis.client import Redis
from authenticator.storage.redis.store import RedisStore
from authenticator.storage.sealing import Sealer
from authenticator.testing.servers import Server, valkey
from authenticator.testing.store_contract import NOW, StoreContract, a_key, a_session, a_user, later


def in_front(url: str, redis_url: str) -> Store:
    sealer = Sealer(b"s" * 32, {"k1": b"1" * 32})
    store = cast("Store", RedisStore(open_store(url, sealer=sealer), Redis(redis_url), sealer))
    store.prepare()
    return store


@pytest.fixture
def empty_redis(valkey_server: Server) -> str:
    with closing(redis.Redis.from_url(valkey_server.url)) as client:
        client.flushall()
    return valkey_server.url


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'auth.db'}"


class TestWithRedis(StoreContract):
    @pytest.fixture
    def store(self, url: str, empty_redis: str) -> Iterator[Store]:
        store = in_front(url, empty_redis)
        yield store
        store.close()

    @pytest.fixture
    def dump(self, tmp_path: Path, empty_redis: str) -> Callable[[], bytes]:
        def everything() -> bytes:
            with closing(redis.Redis.from_url(empty_redis)) as client:
                kept = [name + (client.dump(name) or b"") for name in client.keys("*")]
            return b"".join([*kept, *(path.read_bytes() for path in tmp_path.iterdir())])

        return everything

    def test_tidying_up_removes_only_what_has_expired(self, store: Store) -> None:
        """Counters are not among it here: Redis lets go of them by itself."""
        store.issue_ticket("state", digest("old"), {}, later(hours=1))
        store.issue_ticket("state", digest("new"), {}, later(days=2))
        store.count_attempts([Limit("a", 1, 60), Backoff("b", free=0)], NOW)
        assert store.purge(NOW) == 0
        assert store.purge(later(days=1)) == 1
        assert store.take_ticket("state", digest("new"), later(days=1)) == {}


def peers(url: str, redis_url: str) -> tuple[Store, Store]:
    return in_front(url, redis_url), in_front(url, redis_url)


def with_person(store: Store) -> None:
    store.create_user(a_user(), [a_key()], a_session(1))
    store.open_session(a_session(2))


def test_a_session_ended_by_one_process_is_told_to_another(url: str, empty_redis: str) -> None:
    one, other = peers(url, empty_redis)
    with_person(one)
    assert other.closed_since(NOW) == ()
    assert other.closed_since(NOW) == ()
    one.close_session("s1", "signed_out", later(seconds=1))
    assert other.closed_since(NOW) == ("s1",)
    one.close_sessions("u1", "suspended", later(seconds=2))
    assert set(other.closed_since(NOW)) == {"s1", "s2"}


def test_the_store_is_spared_while_nothing_ends(url: str, empty_redis: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = peers(url, empty_redis)
    with_person(one)
    other.closed_since(NOW)
    asked: list[Any] = []
    inner = cast("Any", other)._store
    monkeypatch.setattr(inner, "closed_since", lambda moment: asked.append(moment) or ())
    for _ in range(5):
        assert other.closed_since(NOW) == ()
    assert asked == []
    one.close_session("s1", "signed_out", later(seconds=1))
    other.closed_since(NOW)
    assert asked == [NOW]


def test_an_emptied_redis_hides_no_ended_session(url: str, empty_redis: str) -> None:
    one, other = peers(url, empty_redis)
    with_person(one)
    other.closed_since(NOW)
    one.close_session("s1", "signed_out", later(seconds=1))
    with closing(redis.Redis.from_url(empty_redis)) as client:
        client.flushall()
    assert other.closed_since(NOW) == ("s1",)
    one.close_session("s2", "signed_out", later(seconds=2))
    assert set(other.closed_since(NOW)) == {"s1", "s2"}


def test_a_redis_that_dies_is_replaced_by_the_store(url: str) -> None:
    with valkey() as server:
        one, other = peers(url, server.url)
        with_person(one)
        other.closed_since(NOW)
        assert one.count_attempts([Limit("a", 2, 60)], NOW) == 0
        server.kill()
        one.close_session("s1", "signed_out", later(seconds=1))
        assert other.closed_since(NOW) == ("s1",)
        assert [one.count_attempts([Limit("a", 2, 60)], NOW) for _ in range(3)] == [0, 0, 60]
        assert other.count_attempts([Backoff("b", free=0, first=30)], NOW) == 0
        assert other.count_attempts([Backoff("b", free=0, first=30)], NOW) == 30


def test_counters_are_shared_and_name_nobody(url: str, empty_redis: str) -> None:
    one, other = peers(url, empty_redis)
    limit = Limit("sign-in:ada@canary.example", 3, 60)
    assert [store.count_attempts([limit], NOW) for store in (one, other, one, other)] == [0, 0, 0, 60]
    one.forgive([limit.key])
    assert other.count_attempts([limit], NOW) == 0
    with closing(redis.Redis.from_url(empty_redis, decode_responses=True)) as client:
        names = client.keys("*")
        assert len(names) == 1
        assert "canary" not in names[0]


def test_a_redis_url_that_is_none_stops_the_start() -> None:
    with pytest.raises(ConfigurationError, match="redis://host"):
        Redis("http://localhost")


def test_nobody_waits_for_a_redis_that_hangs(url: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as deaf:
        store = in_front(url, f"redis://127.0.0.1:{deaf.getsockname()[1]}/0")
        assert [store.count_attempts([Limit("a", 1, 60)], NOW) for _ in range(2)] == [0, 60]
