"""An app that knows nothing of sign-in: nginx lets only signed-in people through, and says who it is. See README.md."""

import sys
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.simple_server import make_server


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Says what it was told. It listens on 127.0.0.1 only: who could pass nginx by, could write these headers herself."""
    name, user = environ.get("HTTP_X_AUTH_NAME", ""), environ.get("HTTP_X_AUTH_USER", "")
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [f"The diary of {name} (user {user}) at {environ['PATH_INFO']}?{environ['QUERY_STRING']}\n".encode()]


if __name__ == "__main__":
    make_server("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 5005, app).serve_forever()
