"""Every shipped store keeps every promise of the storage port."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from authenticator.storage.open import open_store
from authenticator.storage.port import Store
from authenticator.storage.sealing import Sealer
from authenticator.testing.store_contract import StoreContract


def sealer() -> Sealer:
    return Sealer(b"s" * 32, {"k1": b"1" * 32, "k2": b"2" * 32})


def opened(url: str) -> Iterator[Store]:
    store = open_store(url, sealer=sealer())
    store.prepare()
    yield store
    store.close()


class TestSqlite(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        yield from opened(f"sqlite:///{tmp_path / 'new' / 'auth.db'}")

    @pytest.fixture
    def dump(self, tmp_path: Path) -> Callable[[], bytes]:
        return lambda: b"".join(path.read_bytes() for path in (tmp_path / "new").iterdir())
