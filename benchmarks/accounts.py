"""Goals about accounts: the second step, long lists, many users, imports, and a crowd of wrong passwords."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path

import pyotp

from authenticator.events import Event
from authenticator.models import Client, LoginKey, NewKey, Session, User
from benchmarks import processes, servers, subject
from benchmarks.goals import Stage, from_home, spread_out
from benchmarks.load import Generator, Job
from benchmarks.measure import Bench, Spread, fresh_source
from benchmarks.subject import PASSWORD, WRONG, Subject
from benchmarks.table import Row

SESSIONS, EVENTS = 1_000, 100_000
IMPORTED = 100_000
CROWD = 200
HASH = "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"  # a bcrypt hash, as other systems export
SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def second_step(stage: Stage) -> list[Row]:
    """A1: password, then the code of an authenticator app. Each person signs in once a round, because a code works once."""
    size = min(100, stage.size)
    crowd = iter(subject.people(stage.subject.service, size * (stage.bench.rounds + 1), "app"))
    core = stage.subject.service.core

    def part() -> float:
        people = [next(crowd) for _ in range(size)]
        for user, _ in people:
            secret = json.dumps({"secret": SEED, "step": 0})
            core.store.add_login_key(user.id, NewKey(LoginKey("totp", user.id), secret=secret, way_in=False), core.clock.now())
            core.store.save_user(replace(user, factors=("totp",)))
        first, outcome = stage.bench.send(stage.server, [subject.sign_in(email, PASSWORD) for _, email in people], keep=True)
        code = pyotp.TOTP(SEED).now()
        ends = [subject.go_on(challenge, code) for challenge in subject.read(outcome.bodies, "challenge", "id")]
        second, _ = stage.bench.send(stage.server, ends)
        return first + second

    return [stage.row("A1", "sign-in with TOTP, null hash: both requests", stage.bench.in_units(part))]


def long_lists(stage: Stage) -> list[Row]:
    """A2 and A3: the first page of a list costs the same however long the list is."""
    ((user, email),) = subject.people(stage.subject.service, 1, "long")
    store, now = stage.subject.service.core.store, stage.subject.service.core.clock.now()
    _, outcome = stage.bench.send(stage.server, [subject.sign_in(email, PASSWORD)], keep=True)
    (token,) = subject.read(outcome.bodies, "access_token")
    requests = {name: [subject.get(f"/api/v1/me/{name}", token)] * max(50, stage.size // 4) for name in ("sessions", "events")}
    short = {name: stage.bench.in_units(lambda name=name: stage.bench.send(stage.server, requests[name])[0]) for name in requests}  # type: ignore[misc]
    for number in range(SESSIONS):
        begun = now - timedelta(minutes=number)
        store.open_session(
            Session(f"s{number:x}{secrets.token_hex(12)}", user.id, "password", ("pwd",), begun, begun, now + timedelta(days=9))
        )
    client = Client("192.0.2.7", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
    for number in range(EVENTS):
        store.append_event(Event(f"e{number:x}{secrets.token_hex(6)}", "signed_in", now - timedelta(seconds=number), user.id, client))
    _, outcome = stage.bench.send(stage.server, [subject.sign_in(email, PASSWORD)], keep=True)
    (token,) = subject.read(outcome.bodies, "access_token")
    requests = {name: [subject.get(f"/api/v1/me/{name}", token)] * max(50, stage.size // 4) for name in requests}
    long = {name: stage.bench.in_units(lambda name=name: stage.bench.send(stage.server, requests[name])[0]) for name in requests}  # type: ignore[misc]
    names = {"sessions": f"50 of {SESSIONS:,} sessions", "events": f"50 of {EVENTS:,} events"}
    goals = {"sessions": "A2", "events": "A3"}
    return [
        row
        for name in requests
        for row in (
            stage.row(goals[name], f"GET /me/{name}, {names[name]}", long[name]),
            stage.row(goals[name], f"GET /me/{name}, a few", short[name]),
        )
    ]


def among_many(bench: Bench, few: Subject, many: Subject, wanted: int) -> list[Row]:
    """A4: a sign-in among a thousand users and among a million."""
    crowd(many, wanted)
    with servers.service(few.settings) as small, servers.service(many.settings) as large:
        requests = few.sign_ins(bench.size), many.sign_ins(bench.size)
        ratio = bench.apart(from_home(Stage(bench, many, large), requests[1], 4), from_home(Stage(bench, few, small), requests[0], 4))
    return [Row("A4", f"sign-in among {wanted:,} users by among {len(few.emails):,}", few.store, ratio, "times", limit=1.2)]


def crowd(found: Subject, wanted: int) -> None:
    """Fill the store up to that many users, five hundred at a time."""
    core, now = found.service.core, found.service.core.clock.now()
    for begin in range(len(found.emails), wanted, 500):
        batch = []
        for number in range(begin, min(begin + 500, wanted)):
            user_id = core.ids.new()
            keys = [
                NewKey(LoginKey("email", f"crowd{number}@example.com"), way_in=False),
                NewKey(LoginKey("password", user_id), secret="$null$x"),
            ]
            batch.append((User(user_id, now, now), keys))
        core.store.create_users(batch)


def imports(found: Subject) -> list[Row]:
    """A5: `authenticator users import` of a file, as an operator does it, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "people.jsonl"
        with file.open("w") as out:
            for number in range(IMPORTED):
                row = {"email": f"import{number}@example.org", "given_name": "Ada", "family_name": "Lovelace", "locale": "en"}
                out.write(json.dumps({**row, "password_hash": HASH}) + "\n")
        begun = time.monotonic()
        command = [sys.executable, "-m", "authenticator.cli", "users", "import", str(file)]
        process = subprocess.Popen(command, env={**os.environ, **found.settings}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        most = 0.0
        while process.poll() is None:
            with suppress(ProcessLookupError):  # it has just ended
                most = max(most, processes.memory_mib([process.pid]))
            time.sleep(0.2)
        seconds = time.monotonic() - begun
    if process.returncode:
        raise AssertionError(f"the import ended with {process.returncode}")
    rate = Spread.of([IMPORTED / seconds * 60])
    return [
        Row("A5", f"import of {IMPORTED:,} users: a minute", found.store, rate, "users", least=100_000),
        Row("A5", "… memory of it", found.store, Spread.of([most]), "MiB"),
    ]


def wrong_crowd(found: Subject) -> list[Row]:
    """A6: two hundred wrong passwords at once, with the real hash, while somebody asks /healthz."""
    found.forgive()
    with servers.service(found.settings) as server, Generator() as others:
        requests = spread_out(found.sign_ins(len(found.emails), WRONG), CROWD)
        others.start(Job(server.port, requests, CROWD, fresh_source()))
        slowest, done = 0.0, threading.Event()
        waiting = threading.Thread(target=lambda: (others.outcome(), done.set()))
        waiting.start()
        while not done.is_set():
            slowest = max(slowest, _healthy(server.port))
        waiting.join()
        memory = server.memory_mib()
    return [
        Row("A6", f"slowest /healthz during {CROWD} wrong sign-ins", found.store, Spread.of([1000 * slowest]), "ms"),
        Row("A6", "… memory after them", found.store, Spread.of([memory]), "MiB", limit=300),
    ]


def _healthy(port: int) -> float:
    """Seconds until /healthz answered 200."""
    begun = time.perf_counter()
    line = HTTPConnection("127.0.0.1", port, timeout=30)
    line.request("GET", "/healthz")
    status = line.getresponse().status
    line.close()
    if status != 200:
        raise AssertionError(f"/healthz answered {status}")
    return time.perf_counter() - begun
