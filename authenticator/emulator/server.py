"""The emulator as one thing: its providers, its switches, and a server thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from authenticator.clock import Clock
from authenticator.emulator.app import create_app
from authenticator.emulator.issuing import Issuing
from authenticator.kinds.oauth import OAuthProvider


class _Quiet(WSGIRequestHandler):
    """Logs no request line: there are codes in it."""

    def log(self, type: str, message: str, *args: Any) -> None:
        return


class Emulator:
    """Stands in for these providers. `auto` signs the hinted person in, or Ada, without asking.

    `fault` is one of FAULTS for all sign-ins that choose none; `tamper` gets the claims of each ID token and returns
    those to sign. `base_url` is where browsers and the service reach it; empty, `serve` fills in its own address.
    """

    def __init__(self, providers: Sequence[type[OAuthProvider]], base_url: str = "", *, clock: Clock | None = None) -> None:
        self.providers = tuple(providers)
        self.base_url = base_url.rstrip("/")
        self.auto = False
        self.fault = "none"
        self.tamper: Callable[[dict[str, Any]], dict[str, Any]] | None = None
        self.slow_seconds = 6.0  # longer than the client's patience for one read
        self.stopping = threading.Event()
        self.issuing = Issuing(clock or Clock())
        self.app: Flask = create_app(self)

    def moved(self, url: str) -> str:
        """Where a real URL is served here."""
        return f"{self.base_url}/{url.removeprefix('https://')}"

    def issuer_of(self, provider: type[OAuthProvider]) -> str:
        """The issuer as this emulator's ID tokens name it."""
        return self.moved(provider.issuer)

    @contextmanager
    def serve(self, host: str = "127.0.0.1", port: int = 0) -> Iterator[Emulator]:
        """Answer in a thread of this process until the block ends. Port 0 takes a free one."""
        server = make_server(host, port, self.app, threaded=True, request_handler=_Quiet)
        server.daemon_threads = True  # type: ignore[attr-defined]
        self.base_url = self.base_url or f"http://{host}:{server.server_port}"
        self.stopping.clear()
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="emulator", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.stopping.set()
            server.shutdown()
            thread.join()
            server.server_close()
