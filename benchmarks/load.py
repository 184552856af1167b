"""The load generator: a process of its own that sends prepared requests over a few connections and notes the answers.

Its CPU time is never counted. It reads a job as one line of JSON, does it, and writes the outcome as one line.
"""

from __future__ import annotations

import base64
import json
import selectors
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlencode


@dataclass(frozen=True)
class Job:
    """What to send. With `seconds`, the requests are sent over and over for that long; otherwise each once.

    Every connection comes from an address of its own, `source` and its number, so that limits for each address
    never interfere; all from the same if `source` is a whole address. `keep` asks for the bodies of the answers.
    """

    port: int
    requests: Sequence[bytes]
    connections: int = 4
    source: str = "127.0.0."
    seconds: float = 0.0
    keep: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came back: how many answers of each status (0: the connection broke), latencies in ms, bodies in the requests' order; a redirect's is where it leads."""

    seconds: float
    statuses: dict[int, int]
    latencies: list[float]
    bodies: list[str] = field(default_factory=list)
    sample: dict[int, str] = field(default_factory=dict)

    @property
    def done(self) -> int:
        return sum(self.statuses.values())

    def percentile(self, share: float) -> float:
        """A latency in ms that this share of the answers did not exceed."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Generator:
    """A load generator process, until the end of the `with` block."""

    def __init__(self) -> None:
        self._process = subprocess.Popen([sys.executable, "-m", "benchmarks.load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe
            pipe.close()

    def start(self, job: Job) -> None:
        """Begin a job; `outcome` waits for its end."""
        assert self._process.stdin
        facts = asdict(job) | {"requests": [base64.b64encode(one).decode() for one in job.requests]}
        self._process.stdin.write(json.dumps(facts).encode() + b"\n")
        self._process.stdin.flush()

    def outcome(self) -> Outcome:
        assert self._process.stdout
        facts = json.loads(self._process.stdout.readline())
        facts["statuses"] = {int(status): count for status, count in facts["statuses"].items()}
        facts["sample"] = {int(status): body for status, body in facts["sample"].items()}
        return Outcome(**facts)

    def run(self, job: Job) -> Outcome:
        self.start(job)
        return self.outcome()


def request(method: str, path: str, *, body: object = None, headers: Sequence[tuple[str, str]] = ()) -> bytes:
    """A request as it goes over the line."""
    sent = b"" if body is None else json.dumps(body).encode()
    return _written(method, path, sent, "" if body is None else "application/json", headers)


def form(method: str, path: str, fields: Mapping[str, str], *, headers: Sequence[tuple[str, str]] = ()) -> bytes:
    """A form as it goes over the line."""
    return _written(method, path, urlencode(fields).encode(), "application/x-www-form-urlencoded", headers)


def _written(method: str, path: str, sent: bytes, media_type: str, headers: Sequence[tuple[str, str]]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost:8000", "User-Agent: benchmark", "Accept: application/json"]
    lines += [f"{name}: {value}" for name, value in headers]
    if media_type:
        lines += [f"Content-Type: {media_type}", f"Content-Length: {len(sent)}"]
    return "\r\n".join((*lines, "", "")).encode() + sent


class _Run:
    """One job under way: whichever connection is free sends the next request."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._next = 0
        self._end = time.perf_counter() + job.seconds if job.seconds else float("inf")
        self._selector = selectors.DefaultSelector()
        self._statuses: Counter[int] = Counter()
        self._latencies: list[float] = []
        self._bodies = [""] * len(job.requests) if job.keep else []
        self._sample: dict[int, str] = {}

    def run(self) -> Outcome:
        lines = [_Line(self._job, number) for number in range(self._job.connections)]
        for line in lines:
            self._selector.register(line.socket, selectors.EVENT_READ, line)
        begun = time.perf_counter()
        busy = sum(self._send(line) for line in lines)
        while busy:
            for key, _ in self._selector.select():
                busy -= not self._read(key.data)
        seconds = time.perf_counter() - begun
        for line in lines:
            line.socket.close()
        return Outcome(seconds, dict(self._statuses), self._latencies, self._bodies, self._sample)

    def _send(self, line: _Line) -> bool:
        """Send the next request; False when there is none left."""
        over = time.perf_counter() >= self._end if self._job.seconds else self._next >= len(self._job.requests)
        if over:
            return False
        line.number = self._next % len(self._job.requests)
        self._next += 1
        line.send(self._job.requests[line.number])
        return True

    def _read(self, line: _Line) -> bool:
        """Take what has come; False when this line has no more to do."""
        answer = line.receive()
        if answer is None:
            return True
        status, body = answer
        self._statuses[status] += 1
        self._latencies.append((time.perf_counter() - line.begun) * 1000)
        self._sample.setdefault(status, body[:300].decode(errors="replace"))
        if self._job.keep:
            self._bodies[line.number] = body.decode(errors="replace")
        if status == 0:
            self._selector.unregister(line.socket)
            line.connect()
            self._selector.register(line.socket, selectors.EVENT_READ, line)
        return self._send(line)


class _Line:
    """One kept-alive connection from an address of its own."""

    def __init__(self, job: Job, number: int) -> None:
        self._to = ("127.0.0.1", job.port)
        self._from = (f"{job.source}{number + 1}" if job.source.endswith(".") else job.source, 0)
        self.number = 0
        self.begun = 0.0
        self.connect()

    def connect(self) -> None:
        self.socket = socket.create_connection(self._to, timeout=30, source_address=self._from)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._got = b""

    def send(self, request: bytes) -> None:
        self._got = b""
        self.begun = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> tuple[int, bytes] | None:
        """Status and body, or None while the answer is not whole; status 0 for a broken connection."""
        try:
            more = self.socket.recv(65_536)
        except OSError:
            more = b""
        if not more:
            self.socket.close()
            return 0, b""
        self._got += more
        head, found, body = self._got.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return None
        status = int(head[9:12])
        return status, _header(head, b"location") or body if 300 <= status < 400 else body


def _length(head: bytes) -> int:
    return int(_header(head, b"content-length") or 0)


def _header(head: bytes, name: bytes) -> bytes:
    at = head.lower().find(b"\r\n" + name + b":")
    return head[at + len(name) + 3 :].split(b"\r\n", 1)[0].strip() if at >= 0 else b""


def _main() -> None:
    for line in sys.stdin:
        facts = json.loads(line)
        facts["requests"] = [base64.b64decode(one) for one in facts["requests"]]
        print(json.dumps(asdict(_Run(Job(**facts)).run())), flush=True)


if __name__ == "__main__":
    _main()
