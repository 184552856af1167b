"""What tests in Chromium may ask for. One database is enough for them: pages do not know which one it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from authenticator.testing.browser import auth_settings, chromium, javascript, live, live_url, page, picture
from tests.browser.elsewhere import Elsewhere, serving
from tests.browser.everybody import VIEWS, is_for_everybody

__all__ = ["auth_settings", "chromium", "javascript", "live", "live_url", "page", "picture"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(180))  # some of what a browser is asked for knows no end of its own


@pytest.fixture
def store_url(prepared_database: Callable[[str], str]) -> str:
    return prepared_database("sqlite")


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    """An application of another origin."""
    with serving() as there:
        yield there


@pytest.fixture
def look(page: Page, picture: Callable[[Page, str], Path], request: pytest.FixtureRequest) -> Callable[[str], None]:
    """`look("sign-in")`: the page that is shown is for everybody. With `--pictures` it is painted in each width and light."""

    def check(name: str) -> None:
        for width, _ in VIEWS if request.config.getoption("--pictures") else ():
            page.set_viewport_size({"width": width, "height": 700})
            for scheme in ("dark", "light"):
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                picture(page, f"{name}-{width}-{scheme}")
        try:
            is_for_everybody(page)
        except AssertionError as error:
            error.add_note(f"on the page: {name}")
            raise

    return check
