"""One service for all tests of foreign clients in a module, with somebody in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.interop.served import Service


@pytest.fixture(scope="module")
def house() -> Iterator[Service]:
    with Service() as made:
        made.person()
        yield made
