"""WB-04, WB-08: one answer for each request, methods and paths that nobody should offer, and clients that keep a line for themselves."""

from __future__ import annotations

import shutil
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from werkzeug.serving import make_server

from tests.interop.proxies import AUTH, DEPLOY, Proxy, application, running

if TYPE_CHECKING:
    from tests.attack.conftest import Builder, House

HEAD_SECONDS, BODY_SECONDS = 10, 30
PATHS = (
    "/.git/config", "/.git/HEAD", "/.env", "/.svn/entries", "/.hg/", "/.DS_Store", "/console", "/debug", "/_debug", "/__debug__/",
    "/debug/pprof/", "/metrics", "/actuator", "/actuator/env", "/server-status", "/phpinfo.php", "/wp-login.php", "/admin.php",
    "/swagger.json", "/static/../settings.py", "/static/%2e%2e/settings.py", "/static/..%2f..%2fsettings.py", "/static/", "/auth.db",
    "/var/auth.db", "/pyproject.toml", "/backup.sql", "/graphql", "/trace", "/dev", "/dev/mail", "/emulator", "/api", "/api/v2/me",
)  # fmt: skip


@pytest.fixture(scope="module")
def gate(build: Builder) -> House:
    return build(environment="production", public_url=f"https://{AUTH}", trusted_proxies=["127.0.0.1"])


@pytest.fixture(scope="module")
def proxy(gate: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """The real nginx, with the configuration of deploy/."""
    if not shutil.which("nginx", path="/usr/sbin:/usr/bin"):
        pytest.skip("needs nginx")
    server = make_server("127.0.0.1", 0, gate.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    folder: Path = tmp_path_factory.mktemp("nginx")
    with application() as behind, running("nginx", folder / "proxy", server.server_port, behind) as found:
        yield found
    server.shutdown()
    server.server_close()
    thread.join()


def line_to(proxy: Proxy) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    raw = socket.create_connection(("127.0.0.1", proxy.port), timeout=10)
    return context.wrap_socket(raw, server_hostname=AUTH)


def said(proxy: Proxy, request: bytes, seconds: float = 2.0) -> bytes:
    """Everything that comes back on one connection."""
    with line_to(proxy) as line:
        line.sendall(request)
        line.settimeout(seconds)
        found = b""
        try:
            while part := line.recv(65_536):
                found += part
        except TimeoutError:
            pass
        return found


@pytest.mark.parametrize("path", PATHS)
def test_wb_04_nothing_of_the_inside_has_an_address(gate: House, path: str) -> None:
    assert gate.visitor().get(path).status_code in (400, 404, 405), path


def test_wb_04_methods_that_repeat_a_request_or_open_a_way_are_refused(gate: House) -> None:
    for path in ("/", "/sign-in", "/api/v1/me", "/oauth/token", "/static/base.css", "/healthz"):
        for method in ("TRACE", "TRACK", "CONNECT", "DEBUG", "PROPFIND", "MOVE", "FOO"):
            answer = gate.visitor().open(path, method=method, headers={"X-Canary": "canary7"})
            assert answer.status_code in (400, 401, 403, 404, 405, 501), (method, path)
            assert "canary7" not in answer.text


SMUGGLED = b"GET /healthz?smuggled HTTP/1.1\r\nHost: auth.example.com\r\n\r\n"
FIRST = b"POST /oauth/token HTTP/1.1\r\nHost: auth.example.com\r\nContent-Type: application/x-www-form-urlencoded\r\n"
CHUNKED = b"0\r\n\r\n" + SMUGGLED
BOTH = {
    "CL.TE": (b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n" % len(CHUNKED), CHUNKED),
    "TE.CL": (b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", b"%x\r\n%s\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)),
    "TE.TE": (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\nContent-Length: 4\r\n", CHUNKED),
    "an odd TE": (b"Transfer-Encoding: xchunked\r\nContent-Length: %d\r\n" % len(CHUNKED), CHUNKED),
    "a TE with a tab": (b"Transfer-Encoding:\tchunked\r\nContent-Length: %d\r\n" % len(CHUNKED), CHUNKED),
    "a TE with a space before its colon": (b"Transfer-Encoding : chunked\r\nContent-Length: %d\r\n" % len(CHUNKED), CHUNKED),
    "two lengths": (b"Content-Length: 0\r\nContent-Length: %d\r\n" % len(SMUGGLED), SMUGGLED),
    "a length with a sign": (b"Content-Length: +%d\r\n" % len(SMUGGLED), SMUGGLED),
    "a length below nothing": (b"Content-Length: -1\r\n", SMUGGLED),
    "two hosts": (b"Host: evil.example\r\nContent-Length: %d\r\n" % len(SMUGGLED), SMUGGLED),
    "a bare line feed": (b"Content-Length: %d\nTransfer-Encoding: chunked\r\n" % len(CHUNKED), CHUNKED),
}


@pytest.mark.parametrize("how", BOTH)
def test_wb_04_a_request_inside_a_request_is_answered_by_nobody(proxy: Proxy, how: str) -> None:
    """Through the real proxy: whoever disagrees with it on where a request ends lets an attacker write the next person's."""
    head, body = BOTH[how]
    answers = said(proxy, FIRST + head + b"\r\n" + body)
    assert answers.count(b"HTTP/1.1 ") == 1, answers[:800]
    assert answers.startswith((b"HTTP/1.1 4", b"HTTP/1.1 501")), answers[:200]
    assert b'"store"' not in answers, "the health page was inside"


def test_wb_08_heads_that_drip_are_cut_after_ten_seconds_and_others_are_served_meanwhile(proxy: Proxy) -> None:
    lines = [line_to(proxy) for _ in range(50)]
    begun, longest, open_still = time.monotonic(), 0.0, lines
    while open_still and time.monotonic() - begun < HEAD_SECONDS + 5:
        open_still = [line for line in open_still if dripped(line)]
        asked = time.monotonic()
        assert proxy.ask(AUTH, "/healthz").status == 200
        longest = max(longest, time.monotonic() - asked)
        time.sleep(0.5)
    for line in lines:
        line.close()
    assert not open_still
    assert longest < HEAD_SECONDS / 2, "others waited for them"


def dripped(line: ssl.SSLSocket) -> bool:
    """Whether the other end still listens to one more byte of a head."""
    try:
        line.sendall(b"G")
        line.settimeout(0.001)
        return line.recv(4096) != b""
    except TimeoutError:
        return True
    except OSError:
        return False


def test_wb_08_the_sample_cuts_heads_and_bodies_in_time() -> None:
    text = (DEPLOY / "nginx" / "authenticator.conf").read_text()
    assert f"client_header_timeout {HEAD_SECONDS}s;" in text
    assert f"client_body_timeout   {BODY_SECONDS}s;" in text
