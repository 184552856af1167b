"""The service as a program of its own, with the people and applications that a test of foreign clients needs."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from authenticator.testing.databases import absent
from authenticator.testing.servers import Server, free_port

HERE = Path(__file__).parent
PACKAGES = ("oidc-provider@8", "openid-client@6", "oauth4webapi@3", "express@5", "express-session@1")
PASSWORD = "five quiet green teapots"
EMAIL = "ada@example.com"


class Service(Server):
    """`authenticator dev` in an empty folder."""

    def __init__(self, **settings: str) -> None:
        super().__init__("authenticator")
        self.port = free_port(1)
        self.url = f"http://localhost:{self.port}"
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("AUTHENTICATOR_", "PORT", "HOST"))}
        self._env = clean | {"PORT": str(self.port)} | {f"AUTHENTICATOR_{name}": value for name, value in settings.items()}
        self._start()

    def _start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "authenticator.cli", "dev"], cwd=self.folder, env=self._env, stdout=log, stderr=log
            )
        self.wait_until(lambda: requests.get(f"{self.url}/healthz", timeout=5).status_code == 200)

    def cli(self, *words: str) -> str:
        """What the command line says about this service's data."""
        done = subprocess.run(
            [sys.executable, "-m", "authenticator.cli", "--dev", *words],
            cwd=self.folder,
            env=self._env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def application(self, name: str, *words: str) -> tuple[str, str]:
        """A new application's client id and secret."""
        made = json.loads(self.cli("apps", "add", name, "--json", *words))
        return made["client_id"], made["client_secret"] or ""

    def person(self, email: str = EMAIL) -> dict[str, Any]:
        """Somebody who has signed up."""
        fields = {"email": email, "password": PASSWORD, "given_name": "Ada", "family_name": "Lovelace"}
        asked = requests.post(f"{self.url}/api/v1/sign-up/password", json=fields, timeout=30).json()
        sent = requests.get(f"{self.url}/dev/outbox", headers={"Accept": "application/json"}, timeout=30).json()
        code = next(message["code"] for message in sent if message["to"] == email and "code" in message)
        body = {"challenge": asked["challenge"]["id"], "code": code}
        done = requests.post(f"{self.url}/api/v1/sign-in/continue", json=body, timeout=30)
        assert done.status_code in (200, 201), done.text
        found: dict[str, Any] = done.json()["user"]
        return found


@contextmanager
def program(name: str, command: list[str | Path], port: int, *, folder: Path, env: dict[str, str], path: str = "/") -> Iterator[str]:
    """Somebody else's server, at `http://localhost:<port>` until the end of the block."""
    server = Server(name)
    with server, (server.folder / "log").open("ab") as log:
        server.process = subprocess.Popen([str(part) for part in command], cwd=folder, env=os.environ | env, stdout=log, stderr=log)
        url = f"http://localhost:{port}"
        server.wait_until(lambda: requests.get(f"{url}{path}", timeout=5, allow_redirects=False).status_code < 500)
        yield url


def node() -> str:
    return shutil.which("node") or absent("needs node 18 or newer")


def npm_packages() -> Path:
    """The folder with every npm package that the tests use, fetched once into one that git ignores."""
    folder = HERE / "node_modules"
    with (HERE / ".npm_lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run in several processes, and npm removes what it was not asked for
        if not all((folder / package.rpartition("@")[0]).is_dir() for package in PACKAGES):
            _fetch()
    return folder


def _fetch() -> None:
    npm = shutil.which("npm") or absent("needs npm")
    command = [npm, "install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund", *PACKAGES]
    try:
        done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=180, check=False)
    except subprocess.TimeoutExpired:
        absent("npm could not fetch the packages in time")
    if done.returncode:
        absent(f"npm could not fetch {' '.join(PACKAGES)}: {done.stderr[-300:]}")
