"""What each part of the contract asks of its subclass."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from authenticator.storage.port import Store


class StorePromises:
    """Override the fixture `store` with an empty, prepared store; `dump` with its raw bytes if they can be had."""

    @pytest.fixture
    def store(self) -> Store:
        raise NotImplementedError("override the fixture `store`")

    @pytest.fixture
    def dump(self) -> Callable[[], bytes]:
        pytest.skip("this store gives no raw bytes to look into")
