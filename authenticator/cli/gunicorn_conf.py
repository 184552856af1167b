"""How gunicorn serves: threads, limits and patience. Each line can be changed by GUNICORN_CMD_ARGS."""

from __future__ import annotations

import os
from typing import Any

bind = f"127.0.0.1:{os.environ.get('PORT', '8000')}"  # `authenticator serve --host --port --bind` set it
worker_class = "gthread"
workers = int(
    os.environ.get("WEB_CONCURRENCY", "") or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
)
threads = 64  # most of them wait for their turn to hash, a few at a time for the database
preload_app = True  # the application is made once: what must not start is told before anything listens
keepalive = 65  # longer than the 60 seconds that proxies keep an idle connection
timeout = 30
graceful_timeout = 30
limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 16_384
forwarded_allow_ips = ""  # AUTHENTICATOR_TRUSTED_PROXIES decides whom to believe, in the application
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""
control_socket_disable = True
accesslog = None  # its lines hold queries, and those hold codes; the proxy or the history knows who came
loglevel = "warning"
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108  a slow disk must not look like a dead worker


def post_worker_init(worker: Any) -> None:
    """Each worker looks for messages that are due, also one that nobody calls."""
    service = getattr(worker.wsgi, "extensions", {}).get("authenticator")
    if service is not None:
        service.core.errands.start()
