"""The door for reverse proxies, against bare Flask: what a check costs, how many there are a second, and what a proxy and a second core make of it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from authenticator.testing.servers import free_port
from benchmarks import servers
from benchmarks.goals import TOKENS, Stage, spread_out
from benchmarks.load import Job, request
from benchmarks.measure import Spread, fresh_source, require
from benchmarks.table import Row

SECONDS = 1.2
NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log crit;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
    upstream door {{ server 127.0.0.1:{door}; keepalive 64; }}
    server {{
        listen 127.0.0.1:{port};
        keepalive_requests 1000000;
        location / {{ auth_request /-/verify; root {folder}; }}
        location = /-/verify {{
            internal; proxy_pass http://door/verify; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_pass_request_body off; proxy_set_header Content-Length "";
        }}
    }}
}}
"""


def by_token(tokens: Sequence[str]) -> list[bytes]:
    return [request("GET", "/verify", headers=[("Authorization", f"Bearer {token}")]) for token in tokens]


def by_cookie(cookies: Sequence[str]) -> list[bytes]:
    return [request("GET", "/verify", headers=[("Cookie", f"auth_session={cookie}")]) for cookie in cookies]


def checks(stage: Stage) -> list[Row]:
    """G1: CPU time in F, and requests a second by those of bare Flask."""
    rows = []
    kinds = {
        "access token": by_token(stage.signed_in(TOKENS, "access_token")),
        "session cookie": by_cookie(stage.subject.cookies(TOKENS)),
    }
    for name, requests in kinds.items():

        def part(requests: list[bytes] = requests) -> float:
            return stage.bench.send(stage.server, spread_out(requests, 4 * stage.size))[0]

        rows.append(stage.row("G1", f"/verify by {name}", stage.bench.in_units(part), limit=0.70))
        ratios = []
        for _ in range(stage.bench.rounds):
            bare = rate(stage, stage.bench.bare.port, [request("GET", "/")])
            ratios.append(rate(stage, stage.server.port, requests) / bare)
        rows.append(stage.row("G1", f"requests a second of /verify by {name}, by bare Flask", Spread.of(ratios), "times", least=1.4))
    return rows


def rate(stage: Stage, port: int, requests: list[bytes], *, connections: int = 4, expect: int = 200, seconds: float = SECONDS) -> float:
    """Answers a second over some connections; Failed if one is wrong."""
    outcome = stage.bench.generator.run(Job(port, requests, connections, fresh_source(), seconds=seconds))
    require(outcome, expect)
    return outcome.done / outcome.seconds


def behind_nginx(stage: Stage) -> list[Row]:
    """G13: through nginx's auth_request with kept connections, by asking directly."""
    requests = by_token(stage.signed_in(TOKENS, "access_token"))
    with nginx(stage.server.port) as port:
        kept = []
        for _ in range(stage.bench.rounds):
            direct = rate(stage, stage.server.port, requests)
            through = rate(stage, port, [one.replace(b"GET /verify ", b"GET /page ") for one in requests])
            kept.append(100 * through / direct)
    return [stage.row("G13", "checks a second behind nginx auth_request, by direct ones", Spread.of(kept), "%", least=95)]


def two_processes(stage: Stage) -> list[Row]:
    """G15: CPU time is no measure of this, so it is what comes out of one and two processes in the same time, checks over 8 connections."""
    rows = []
    tokens, sign_ins = stage.signed_in(TOKENS, "access_token"), stage.subject.sign_ins(len(stage.subject.emails))
    with servers.service(stage.subject.settings, workers=2) as two:
        for name, requests, least in (("checks at /verify", by_token(tokens), 1.7), ("sign-ins with the real hash", sign_ins, 1.85)):
            ratios, busy = [], []
            for _ in range(stage.bench.rounds):
                spent, begun = stage.server.cpu_seconds(), time.monotonic()
                one = rate(stage, stage.server.port, requests, connections=8)
                busy.append((stage.server.cpu_seconds() - spent) / (time.monotonic() - begun))
                ratios.append(rate(stage, two.port, requests, connections=8) / one)
            rows.append(stage.row("G15", f"{name}, two processes by one", Spread.of(ratios), "times", least=least))
            rows.append(stage.row("G15", "… cores that one process keeps busy alone", Spread.of(busy), "cores"))
    return rows


@contextmanager
def nginx(door: int) -> Iterator[int]:
    """The port of an nginx that lets in whom the door lets in. FileNotFoundError where there is no nginx."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    with tempfile.TemporaryDirectory(prefix="benchmark-nginx-") as folder:
        port = free_port()
        file = Path(folder) / "nginx.conf"
        (Path(folder) / "page").write_text("ok")
        file.write_text(NGINX.format(folder=folder, door=door, port=port))
        process = subprocess.Popen([program, "-p", folder, "-c", str(file)], stderr=subprocess.DEVNULL)
        try:
            time.sleep(0.5)
            yield port
        finally:
            process.terminate()
            process.wait()


NULL_HASH = {"G1": (checks,), "G13": (behind_nginx,)}
REAL_HASH = {"G15": (two_processes,)}
