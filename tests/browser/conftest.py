"""What tests in Chromium may ask for. One database is enough for them: pages do not know which one it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from authenticator.testing.browser import auth_settings, chromium, javascript, live, live_url, page, picture

__all__ = ["auth_settings", "chromium", "javascript", "live", "live_url", "page", "picture"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'authenticator.db'}"
