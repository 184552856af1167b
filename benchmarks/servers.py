"""The servers under test: gunicorn with the bare Flask answer, and with the service, each a process tree of its own."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from authenticator.testing.servers import free_port
from benchmarks import processes

PATIENCE = 30.0
ROOT = Path(__file__).parent.parent


class DoesNotStart(Exception):
    """A server that should run does not; the text is the end of its log."""


class Program:
    """A server in a process tree of its own, until the end of the `with` block. `first_answer` is how long it took to start, in seconds.

    `{port}` in the command is where it is to listen; it is up when `path` answers and it has that many child processes.
    """

    def __init__(
        self, command: Sequence[str], folder: Path, settings: Mapping[str, str] | None = None, *, children: int = 0, path: str = "/"
    ) -> None:
        self.port = free_port()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed by stop)
        begun = time.perf_counter()
        self._process = subprocess.Popen(
            [part.format(port=self.port) for part in command],
            env={**plain_environment(), **(settings or {})}, cwd=folder, stdout=self._log, stderr=self._log, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            self._wait(path, children)
        except BaseException:
            self.stop()
            raise
        self.first_answer = time.perf_counter() - begun
        self.pids = processes.tree(self._process.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """End it, its workers too."""
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def cpu_seconds(self) -> float:
        return processes.cpu_seconds(self.pids)

    def memory_mib(self) -> float:
        return processes.memory_mib(self.pids)

    def log(self) -> str:
        """The end of what it has written."""
        self._log.seek(0)
        return self._log.read()[-2000:].decode(errors="replace")

    def _wait(self, path: str, children: int) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self._process.poll() is not None:
                raise DoesNotStart(self.log())
            if self._answers(path) and len(processes.tree(self._process.pid)) > children:
                return
            time.sleep(0.002)
        raise DoesNotStart(self.log())

    def _answers(self, path: str) -> bool:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            line.request("GET", path)
            return line.getresponse().status == 200
        except OSError:
            return False
        finally:
            line.close()


class Server(Program):
    """A Python module, such as gunicorn, in its gthread worker."""

    def __init__(self, command: Sequence[str], *, workers: int = 1, settings: Mapping[str, str] | None = None, path: str = "/") -> None:
        super().__init__((sys.executable, "-m", *command), ROOT, settings, children=workers, path=path)


def bare() -> Server:
    """The unit: one process, four threads."""
    options = ("--worker-class", "gthread", "--threads", "4", "--keep-alive", "65", "--no-control-socket", "--log-level", "warning")
    return Server(("gunicorn", "--bind", "127.0.0.1:{port}", *options, "benchmarks.bare:app"))


def service(settings: Mapping[str, str], *, workers: int = 1) -> Server:
    """The service as operators start it."""
    command = ("authenticator.cli", "serve", "--port", "{port}", "--workers", str(workers))
    return Server(command, workers=workers, settings=settings, path="/healthz")


def plain_environment() -> dict[str, str]:
    """This process's environment without settings that would change the service under test."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AUTHENTICATOR_", "GUNICORN_", "PORT", "HOST", "WEB_CONCURRENCY"))
    }
