"""An application of another origin: a server of its own, with a page where people arrive, and others that a test gives it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

ARRIVED = "<!doctype html><html lang=en><title>Shop</title><h1>Back in the shop</h1><link rel=icon href=data:,>"


class Elsewhere:
    """`pages` are its own by path; any other path is where people arrive. `arrived` is what each brought, by GET or by a form."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        self.arrived: list[dict[str, str]] = []
        self.origin = ""

    @property
    def callback(self) -> str:
        return f"{self.origin}/callback"


@contextmanager
def serving() -> Iterator[Elsewhere]:
    """One such application, as long as the block lasts."""
    there = Elsewhere()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            self._arrived(parts.path, parts.query)

        def do_POST(self) -> None:
            self._arrived(self.path, self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode())

        def _arrived(self, path: str, query: str) -> None:
            if path not in there.pages and query:
                there.arrived.append(dict(parse_qsl(query)))
            body = there.pages.get(path, ARRIVED).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="elsewhere", daemon=True)
    thread.start()
    there.origin = f"http://localhost:{server.server_address[1]}"
    try:
        yield there
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
