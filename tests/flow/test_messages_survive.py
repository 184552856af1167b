"""Messages of real servers that are killed: what was promised arrives, once, from whichever server runs next."""

from __future__ import annotations

import email
import email.policy
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests
from aiosmtpd.controller import Controller

from authenticator.testing.servers import free_port
from tests.flow.test_cli_servers import end

SECRET = "kqH2v1cS0Wn8b7LxYz3fRt5uJp9aMd4e"
PATIENCE = 60.0  # seconds, for a machine that is busy with other tests
PERSON = {"email": "ada@example.com", "password": "five quiet green teapots", "given_name": "Ada", "family_name": "Lovelace"}


class Inbox:
    """What the mail server was given."""

    def __init__(self) -> None:
        self.mails: list[Any] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"


@pytest.fixture
def mail_port() -> int:
    return free_port()


@pytest.fixture
def serve(tmp_path: Path, mail_port: int) -> Iterator[Callable[[int], subprocess.Popen[str]]]:
    """Start a server of production on a port, always with the same database; whatever still runs afterwards is ended."""
    running: list[subprocess.Popen[str]] = []
    settings = {
        "SECRET_KEY": SECRET,
        "PUBLIC_URL": "https://auth.example.com",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(mail_port),
        "SMTP_SECURITY": "none",
        "SMTP_SENDER": "accounts@example.com",
    }
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AUTHENTICATOR_", "PORT", "HOST"))}
    env = clean | {f"AUTHENTICATOR_{name}": value for name, value in settings.items()}

    def begin(port: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "authenticator.cli", "serve", "--port", str(port), "--workers", "2"]
        process = subprocess.Popen(
            command, cwd=tmp_path, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        )
        running.append(process)
        return process

    yield begin
    for process in running:
        end(process)


def sign_up(port: int) -> requests.Response:
    """Ask for an account, as soon as the server answers."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return requests.post(f"http://127.0.0.1:{port}/api/v1/sign-up/password", json=PERSON, timeout=10)
        except requests.ConnectionError:
            assert time.monotonic() < deadline, "it does not answer"
            time.sleep(0.05)


def test_a_code_that_a_killed_server_had_promised_comes_from_the_next_one_that_nobody_has_called(
    serve: Callable[[int], subprocess.Popen[str]], tmp_path: Path, mail_port: int
) -> None:
    port = free_port()
    first = serve(port)
    assert sign_up(port).status_code == 202
    # the mail server is down; killed while it waits for its third try, it leaves a message that is due in some seconds
    until(lambda: errands(tmp_path, "tries >= 2 AND due_at < ?", (time.time() + 30) * 1000) == 1)
    told = end(first)
    assert "could not carry" in told
    assert "ada@example.com" not in told

    inbox = Inbox()
    controller = Controller(inbox, hostname="127.0.0.1", port=mail_port, ready_timeout=PATIENCE)
    controller.start()
    try:
        serve(free_port())
        until(lambda: errands(tmp_path) == 0)
    finally:
        controller.stop()
    assert [mail["To"] for mail in inbox.mails] == ["ada@example.com"]
    assert "is your code" in inbox.mails[0]["Subject"]


def errands(folder: Path, condition: str = "1", *values: float) -> int:
    """How many errands the database still has."""
    with closing(sqlite3.connect(folder / "var" / "authenticator.db", timeout=10)) as base:
        return int(base.execute(f"SELECT count(*) FROM errands WHERE {condition}", values).fetchone()[0])


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
