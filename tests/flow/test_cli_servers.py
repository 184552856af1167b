"""The servers that a person starts: `authenticator dev` and `authenticator serve`."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import requests
import yaml

from authenticator.testing.servers import free_port

ROOT = Path(__file__).parents[2]
SECRET = "kqH2v1cS0Wn8b7LxYz3fRt5uJp9aMd4e"
PATIENCE = 60.0  # seconds, for a machine that is busy with other tests
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def port() -> int:
    """A free port whose successor is free too."""
    return free_port(1)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start `authenticator …` in an empty folder; whatever still runs afterwards is ended."""
    running: list[subprocess.Popen[str]] = []
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AUTHENTICATOR_", "PORT", "HOST"))}

    def begin(*words: str, **env: str) -> subprocess.Popen[str]:
        given = {name if name in ("PORT", "WEB_CONCURRENCY") else f"AUTHENTICATOR_{name}": value for name, value in env.items()}
        command = [sys.executable, "-m", "authenticator.cli", *words]
        process = subprocess.Popen(
            command, cwd=tmp_path, env=clean | given, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        end(process)


def end(process: subprocess.Popen[str]) -> str:
    """End it with whatever it has started, which may have outlived it; what they printed last."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    closed = process.stdout is None or process.stdout.closed
    return "" if closed else process.communicate(timeout=PATIENCE)[0]


def answered(process: subprocess.Popen[str], url: str) -> requests.Response:
    """The first answer of a server that is just starting."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"it ended with {process.returncode}: {end(process)}")
        try:
            return requests.get(url, timeout=10, allow_redirects=False)
        except requests.ConnectionError:
            time.sleep(0.05)
    pytest.fail(f"{url} does not answer")


def ended(process: subprocess.Popen[str], by: signal.Signals = signal.SIGTERM) -> str:
    """What it printed until it ended after this signal."""
    process.send_signal(by)
    told, _ = process.communicate(timeout=PATIENCE)
    return told


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_dev_serves_pages_outbox_and_emulator_and_stops_when_told(start: Start, port: int, tmp_path: Path, by: signal.Signals) -> None:
    process = start("dev", PORT=str(port))
    page = answered(process, f"http://127.0.0.1:{port}/sign-in")
    assert page.status_code == 200
    assert "Google" in page.text
    assert requests.get(f"http://127.0.0.1:{port}/dev/outbox", headers={"Accept": "application/json"}, timeout=10).json() == []
    assert requests.get(f"http://127.0.0.1:{port + 1}/", timeout=10).status_code == 200
    away = requests.get(f"http://127.0.0.1:{port}/sign-in/google?code=secret", timeout=10, allow_redirects=False)
    assert away.headers["Location"].startswith(f"http://127.0.0.1:{port + 1}/")
    told = ended(process, by)
    assert process.returncode == 0, told
    for words in (
        f"http://localhost:{port}/sign-in",
        f"http://localhost:{port}/dev/outbox",
        f"http://127.0.0.1:{port + 1}",
        "SQLite",
        "Google",
    ):
        assert words in told
    assert "code=secret" not in told
    assert "Traceback" not in told
    assert stat.S_IMODE((tmp_path / "var" / "secrets" / "secret_key").stat().st_mode) == 0o600


def test_dev_honours_a_database_and_a_provider_s_credentials(start: Start, port: int, tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.db"
    env = {"DATABASE_URL": f"sqlite:///{file}", "GOOGLE_CLIENT_ID": "an-id", "GOOGLE_CLIENT_SECRET": "a-secret"}
    process = start("dev", PORT=str(port), **env)
    answered(process, f"http://127.0.0.1:{port}/healthz")
    told = ended(process)
    assert file.exists()
    emulated = next(line for line in told.splitlines() if "Emulated" in line)
    assert "Facebook" in emulated
    assert "Google" not in emulated


def test_dev_reloads_with_one_emulator(start: Start, port: int) -> None:
    process = start("dev", "--reload", PORT=str(port))
    answered(process, f"http://127.0.0.1:{port + 1}/")
    assert answered(process, f"http://127.0.0.1:{port}/sign-in").status_code == 200
    told = ended(process)
    assert told.count("for development only") == 1
    assert "Traceback" not in told


@pytest.mark.parametrize("which", [0, 1])
def test_a_port_that_is_taken_is_told_in_one_sentence(start: Start, port: int, which: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", port + which))
        other.listen()
        process = start("dev", PORT=str(port))
        told, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert told.startswith(f"Port {port + which} on 127.0.0.1 can't be used")
    assert len(told.splitlines()) == 1


def test_serve_answers_in_production_without_log_lines_or_control_socket(start: Start, port: int, tmp_path: Path) -> None:
    process = start("serve", PORT=str(port), SECRET_KEY=SECRET, PUBLIC_URL="https://auth.example.com", WEB_CONCURRENCY="2")
    assert answered(process, f"http://127.0.0.1:{port}/readyz").json()["status"] == "ok"
    page = requests.get(f"http://127.0.0.1:{port}/sign-in", timeout=10)
    assert "__Host-" in page.headers["Set-Cookie"]
    assert "Google" not in page.text  # it has no credentials, and nothing stands in for it
    assert requests.get(f"http://127.0.0.1:{port}/dev/outbox", timeout=10).status_code == 404
    told = ended(process)
    assert process.returncode == 0, told
    assert told.strip() == ""
    assert not list(tmp_path.rglob("*.ctl"))


def test_serve_refuses_headers_beyond_the_limit(start: Start, port: int) -> None:
    process = start("serve", PORT=str(port), SECRET_KEY=SECRET, PUBLIC_URL="https://auth.example.com", WEB_CONCURRENCY="1")
    answered(process, f"http://127.0.0.1:{port}/healthz")
    refused = requests.get(f"http://127.0.0.1:{port}/healthz", headers={"X-Long": "x" * 17_000}, timeout=10)
    assert refused.status_code in (400, 431)


def test_serve_listens_on_a_socket_file(start: Start, tmp_path: Path) -> None:
    place = tmp_path / "s"
    process = start("serve", "--bind", f"unix:{place}", SECRET_KEY=SECRET, PUBLIC_URL="https://auth.example.com", WEB_CONCURRENCY="1")
    deadline = time.monotonic() + PATIENCE
    while not place.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    with socket.socket(socket.AF_UNIX) as asked:
        asked.settimeout(PATIENCE)
        asked.connect(str(place))
        asked.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert asked.recv(100).startswith(b"HTTP/1.1 200")


def test_the_emulator_is_not_for_production(start: Start) -> None:
    process = start("serve", "--emulator", SECRET_KEY=SECRET)
    told, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert "for development" in told


def test_the_compose_file_s_own_command_gives_a_sign_in_page(start: Start, port: int, tmp_path: Path) -> None:
    service = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["authenticator"]
    env = {name.removeprefix("AUTHENTICATOR_"): value for name, value in service["environment"].items()}
    env |= {"DATA_DIR": str(tmp_path / "data"), "PORT": str(port)}
    del env["DATABASE_URL"]  # the container's MongoDB
    words = ["127.0.0.1" if word == "0.0.0.0" else word for word in service["command"]]
    assert words.pop(0) == "authenticator"
    process = start(*words, **env)
    assert "Google" in answered(process, f"http://127.0.0.1:{port}/sign-in").text
    assert answered(process, f"http://127.0.0.1:{port + 1}/").status_code < 400
    away = requests.get(f"http://127.0.0.1:{port}/sign-in/google", timeout=10, allow_redirects=False)
    assert away.headers["Location"].startswith(f"http://127.0.0.1:{port + 1}/accounts.google.com")
    told = ended(process)
    assert process.returncode == 0, told
    with socket.socket() as again:  # the emulator went with it
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port + 1))
