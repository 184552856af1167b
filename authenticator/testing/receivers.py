"""Applications that are told of logouts, in tests: real servers on this machine, which understand, refuse, or take their time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs


class Receiver:
    """Where an application hears of logouts. `status` is what it answers, after at most `delay` seconds; `heard` holds the tokens."""

    def __init__(self, status: int = 200, delay: float = 0.0) -> None:
        self.status, self.delay = status, delay
        self.heard: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.closing = threading.Event()
        self.uri = ""


@contextmanager
def receiving(status: int = 200, delay: float = 0.0) -> Iterator[Receiver]:
    """A receiver, as long as the block lasts."""
    receiver = Receiver(status, delay)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            receiver.heard += parse_qs(body).get("logout_token", [])
            receiver.headers.append({name.lower(): value for name, value in self.headers.items()})
            receiver.closing.wait(receiver.delay)
            try:
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()
            except OSError:
                pass  # nobody waits any more

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    receiver.uri = f"http://127.0.0.1:{server.server_address[1]}/logout"
    try:
        yield receiver
    finally:
        receiver.closing.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
