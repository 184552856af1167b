"""Fixtures for tests in a real browser: Chromium, and the service on a real port. Import them into a folder's conftest.py."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from authenticator.testing.databases import absent
from authenticator.testing.servers import free_port

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from flask import Flask
    from playwright.sync_api import Browser, Page

QUIET = ("--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync")
FLAGS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--font-render-hinting=none", *QUIET)
NAMES = ("chromium", "chromium-browser", "google-chrome")
WIDE = {"width": 1280, "height": 900}
OWN = {"localhost", "127.0.0.1"}
PATIENCE = 30.0  # seconds for what a page does, on a machine that is busy with other tests

__all__ = ["auth_settings", "chromium", "javascript", "live", "live_url", "page", "picture"]


@pytest.fixture
def live_url() -> str:
    """Where `live` answers."""
    return f"http://localhost:{free_port()}"


@pytest.fixture
def auth_settings(live_url: str) -> dict[str, Any]:
    """The service must know the URL at which browsers reach it."""
    return {"PUBLIC_URL": live_url}


@pytest.fixture
def live(auth_app: Flask, live_url: str) -> Iterator[str]:
    """The URL of the service, served to real browsers by a thread of this process; the emulator has one of its own."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log(self, type: str, message: str, *args: Any) -> None:
            return

    server = make_server("127.0.0.1", urlsplit(live_url).port or 80, _at_once(auth_app), threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, name="live", daemon=True)
    thread.start()
    yield live_url
    server.shutdown()
    thread.join()
    server.server_close()


def _at_once(app: WSGIApplication) -> WSGIApplication:
    """Files are read and closed before they are sent: this server forgets to close them when the browser has hung up meanwhile."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        parts = app(environ, start_response)
        try:
            return [b"".join(parts)]
        finally:
            if close := getattr(parts, "close", None):
                close()

    return answer


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, without a window; CHROMIUM names another one. Should it fail, the next module has one that works."""
    try:
        from playwright.sync_api import expect, sync_playwright
    except ImportError:
        absent("not installed: pip install playwright")
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        absent("needs Chromium")
    expect.set_options(timeout=PATIENCE * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def javascript() -> bool:
    """Whether `page` runs scripts; override or parametrize it."""
    return True


@pytest.fixture
def page(chromium: Browser, javascript: bool) -> Iterator[Page]:
    """A window with cookies of its own. The test fails if a page breaks its own rules or asks a foreign host for anything."""
    context = chromium.new_context(java_script_enabled=javascript, viewport=WIDE, locale="en-GB")  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    complaints: list[str] = []
    foreign: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" and "Failed to load" not in said.text else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: foreign.append(asked.url) if _is_foreign(asked.url) else None)
    yield page
    context.close()
    assert complaints == []
    assert foreign == []


def _is_foreign(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and parts.hostname not in OWN


@pytest.fixture
def picture(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Page, str], Path]:
    """`picture(page, "sign-in")` takes a picture: into the folder of `--pictures`, else into the test's own."""
    chosen = request.config.getoption("--pictures")
    folder = Path(request.config.rootpath, chosen) if chosen else tmp_path

    def take(page: Page, name: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{name}.png"
        page.screenshot(path=file, full_page=True, animations="disabled")
        return file

    return take
