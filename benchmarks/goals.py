"""The goals that are measured in CPU time: one function each, from the running service to rows of the table."""

from __future__ import annotations

import secrets
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from argon2 import PasswordHasher
from zxcvbn import zxcvbn

from benchmarks import servers, subject
from benchmarks.load import Generator, Job
from benchmarks.measure import Bench, Spread, fresh_source, require
from benchmarks.subject import PASSWORD, WRONG, Subject
from benchmarks.table import Row

TOKENS = 16
HOME = "127.200.0.1"
_strangers = count(1)


@dataclass(frozen=True)
class Stage:
    """What a goal is measured with: a subject with its server running."""

    bench: Bench
    subject: Subject
    server: servers.Server

    @property
    def size(self) -> int:
        return self.bench.size

    def row(self, goal: str, what: str, figure: Spread, unit: str = "F", limit: float | None = None, least: float | None = None) -> Row:
        return Row(goal, what, self.subject.store, figure, unit, limit, least)

    def signed_in(self, number: int, *path: str) -> list[str]:
        """One value from the answers to that many sign-ins, a token for example."""
        _, outcome = self.bench.send(self.server, self.subject.sign_ins(number), keep=True)
        return subject.read(outcome.bodies, *path)


def me_by_token(stage: Stage) -> list[Row]:
    """G2."""

    def part() -> float:
        return stage.bench.send(stage.server, spread_out(requests, stage.size))[0]

    requests = [subject.me_by_token(token) for token in stage.signed_in(TOKENS, "access_token")]
    return [stage.row("G2", "GET /api/v1/me by access token", stage.bench.in_units(part), limit=1.8)]


def me_by_cookie(stage: Stage) -> list[Row]:
    """G3."""
    requests = [subject.me_by_cookie(cookie) for cookie in stage.subject.cookies(TOKENS)]

    def part() -> float:
        return stage.bench.send(stage.server, spread_out(requests, stage.size))[0]

    limit = 2.8 if stage.subject.store == "mongo" else 2.3
    return [stage.row("G3", "GET /api/v1/me by session cookie", stage.bench.in_units(part), limit=limit)]


def sign_in(stage: Stage) -> list[Row]:
    """G4."""
    requests = stage.subject.sign_ins(stage.size)
    spread = stage.bench.in_units(from_home(stage, requests, 4))
    return [stage.row("G4", "sign-in, null hash", spread, limit=4.5)]


def sign_in_hashed(stage: Stage) -> list[Row]:
    """G5: against what the same hashes cost without a service around them."""
    settings = stage.subject.service.settings
    hasher = PasswordHasher(time_cost=settings.hash_passes, memory_cost=settings.hash_memory_kib, parallelism=1)
    hashed, requests = hasher.hash(PASSWORD), stage.subject.sign_ins(max(32, stage.size // 6))

    def bare() -> float:
        begun = time.thread_time()
        for _ in range(16):
            hasher.verify(hashed, PASSWORD)
        return (time.thread_time() - begun) / 16

    spread = stage.bench.apart(from_home(stage, requests, 16), bare)
    return [stage.row("G5", "sign-in, 16 connections, by the bare hash", spread, "times", limit=1.2)]


def from_home(stage: Stage, requests: list[bytes], connections: int) -> Callable[[], float]:
    """Sign-ins from where these people have signed in before: elsewhere each would be told of a new device."""

    def part() -> float:
        stage.subject.forgive_address(HOME)
        return stage.bench.send(stage.server, requests, connections=connections, source=HOME)[0]

    return part


def wrong_password(stage: Stage) -> list[Row]:
    """G6 with the null hash, where a difference between known and unknown accounts would show most."""
    wrong, unknown = _refused(stage, known=True, size=stage.size), _refused(stage, known=False, size=stage.size)
    cost, ratio = stage.bench.in_units(wrong), stage.bench.apart(unknown, wrong)
    return [
        stage.row("G6", "wrong password, null hash", cost, limit=2.8),
        stage.row("G6", "unknown user by wrong password, null hash", ratio, "times", 1.05, 0.95),
    ]


def wrong_password_hashed(stage: Stage) -> list[Row]:
    """G6 as an attacker meets it."""
    size = max(24, stage.size // 12)
    ratio = stage.bench.apart(_refused(stage, known=False, size=size), _refused(stage, known=True, size=size))
    return [Row("G6", "unknown user by wrong password, real hash", stage.subject.store, ratio, "times", limit=1.05, least=0.95, exact=True)]


def _refused(stage: Stage, *, known: bool, size: int) -> Callable[[], float]:
    def part() -> float:
        if known:
            stage.subject.forgive()
            requests = stage.subject.sign_ins(size, WRONG)
        else:
            requests = [subject.sign_in(f"nobody{next(_strangers)}@example.com", WRONG) for _ in range(size)]
        return stage.bench.send(stage.server, requests, expect=401)[0]

    return part


def sign_up(stage: Stage) -> list[Row]:
    """G7: two requests, with a mailed code between them that is read from the outbox's file."""
    first: list[float] = []
    second: list[float] = []
    size = max(60, stage.size // 4)

    def part() -> float:
        one, two, _ = _signed_up(stage, size, 4)
        first.append(one)
        second.append(two)
        return one + two

    total = stage.bench.in_units(part)
    unit = total.median / statistics.median([one + two for one, two in zip(first[1:], second[1:], strict=True)])
    return [
        stage.row("G7", "sign-up, null hash: both requests", total, limit=4.8),
        stage.row("G7", "… of which POST sign-up", _in(first[1:], unit)),
        stage.row("G7", "… of which POST continue with the code", _in(second[1:], unit)),
        stage.row("G7", "… of which zxcvbn, measured apart", stage.bench.in_units(_strength)),
    ]


def _strength() -> float:
    """CPU seconds of judging one new password, which a sign-up cannot do without."""
    begun, times = time.thread_time(), 40
    for _ in range(times):
        zxcvbn(PASSWORD, user_inputs=["ada", "lovelace", "example", "authenticator"])
    return (time.thread_time() - begun) / times


def sign_up_two_processes(stage: Stage) -> list[Row]:
    """G7: no request may fail while two processes write through eight connections."""
    with servers.service(stage.subject.settings, workers=2) as server:
        _, _, done = _signed_up(Stage(stage.bench, stage.subject, server), max(120, stage.size // 2), 8)
    return [stage.row("G7", f"failed of {done} requests, 2 processes, 8 connections", Spread.of([0]), "", limit=0)]


def _signed_up(stage: Stage, size: int, connections: int) -> tuple[float, float, int]:
    """CPU seconds of a sign-up's first and second request, and how many were sent. One that fails raises."""
    emails = [f"new{secrets.token_hex(8)}@example.com" for _ in range(size)]
    before = stage.server.cpu_seconds()
    _, begun = stage.bench.send(stage.server, [subject.sign_up(email) for email in emails], expect=202, connections=connections, keep=True)
    codes = stage.subject.codes(emails)
    first = (stage.server.cpu_seconds() - before) / size  # with what the mail's own thread used until the last code was out
    challenges = subject.read(begun.bodies, "challenge", "id")
    ends = [subject.go_on(challenge, code) for challenge, code in zip(challenges, codes, strict=True)]
    second, _ = stage.bench.send(stage.server, ends, connections=connections)
    return first, second, 2 * size


def refresh(stage: Stage) -> list[Row]:
    """G8: every token is spent once, and its successor in the next round."""
    tokens = stage.signed_in(stage.size, "refresh_token")

    def part() -> float:
        nonlocal tokens
        used, outcome = stage.bench.send(stage.server, [subject.refresh(token) for token in tokens], keep=True)
        tokens = subject.read(outcome.bodies, "refresh_token")
        return used

    return [stage.row("G8", "refresh with rotation", stage.bench.in_units(part), limit=3.5)]


def checks_under_sign_ins(stage: Stage) -> list[Row]:
    """G12: checks over four connections, alone and while four sign-ins with the real hash are always in flight."""
    kept, tails, quiet_tails = [], [], []
    tokens = stage.signed_in(TOKENS, "access_token")
    check = Job(stage.server.port, [subject.me_by_token(token) for token in tokens], 4, fresh_source(), seconds=1.2)
    with Generator() as others:
        for _ in range(stage.bench.rounds):
            quiet = stage.bench.generator.run(check)
            others.start(Job(stage.server.port, stage.subject.sign_ins(len(stage.subject.emails)), 4, fresh_source(), seconds=1.6))
            time.sleep(0.2)
            loud = stage.bench.generator.run(check)
            for outcome in (quiet, loud, others.outcome()):
                require(outcome, 200)
            kept.append(100 * (loud.done / loud.seconds) / (quiet.done / quiet.seconds))
            tails.append(loud.percentile(0.99))
            quiet_tails.append(quiet.percentile(0.99))
    limit = max(20.0, 3 * statistics.median(quiet_tails))
    return [
        stage.row("G12", "checks kept with 4 sign-ins in flight", Spread.of(kept), "%", least=60),
        stage.row("G12", "p99 of those checks", Spread.of(tails), "ms", limit=limit),
    ]


def spread_out(requests: list[bytes], size: int) -> list[bytes]:
    return [requests[number % len(requests)] for number in range(size)]


def _in(values: list[float], unit: float) -> Spread:
    return Spread.of([value * unit for value in values])


NULL_HASH = {
    "G2": (me_by_token,),
    "G3": (me_by_cookie,),
    "G4": (sign_in,),
    "G6": (wrong_password,),
    "G7": (sign_up, sign_up_two_processes),
    "G8": (refresh,),
}
REAL_HASH = {"G5": (sign_in_hashed,), "G6": (wrong_password_hashed,), "G12": (checks_under_sign_ins,)}
