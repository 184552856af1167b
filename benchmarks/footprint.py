"""Memory after load, and the time from the start to the first answer."""

from __future__ import annotations

from benchmarks import servers, subject
from benchmarks.goals import TOKENS, Stage
from benchmarks.load import Job
from benchmarks.measure import Bench, Spread, fresh_source, require
from benchmarks.subject import Subject
from benchmarks.table import Row


def memory(bench: Bench, found: Subject) -> list[Row]:
    """G10: PSS of all processes after sign-ins with the real hash, checks and refreshes over 16 connections."""
    rows = []
    for workers, limit in ((1, 100), (2, 150)):
        with servers.service(found.settings, workers=workers) as server:
            _load(Stage(bench, found, server))
            mib = Spread.of([server.memory_mib()])
        processes = "one process" if workers == 1 else "two processes"
        rows.append(Row("G10", f"memory after load, {processes}", found.store, mib, "MiB", limit=limit))
    return rows


def _load(stage: Stage) -> None:
    sign_ins = stage.subject.sign_ins(max(64, stage.size // 4))
    _, outcome = stage.bench.send(stage.server, sign_ins, connections=16, keep=True)
    access, refresh = (subject.read(outcome.bodies, name) for name in ("access_token", "refresh_token"))
    stage.bench.send(stage.server, [subject.refresh(token) for token in refresh], connections=16)
    checks = [subject.me_by_token(token) for token in access[:TOKENS]]
    require(stage.bench.generator.run(Job(stage.server.port, checks, 16, fresh_source(), seconds=1.0)), 200)


def start(bench: Bench, found: Subject) -> list[Row]:
    """G11: from the start of gunicorn to the first answer, on a database that is already set up."""
    bare, ours = [], []
    for _ in range(bench.rounds + 2):
        with servers.bare() as server:
            bare.append(server.first_answer)
        with servers.service(found.settings) as server:
            ours.append(server.first_answer)
    ratios = [one / other for one, other in zip(ours, bare, strict=True)]
    return [
        Row("G11", "start to first answer by bare Flask", found.store, Spread.of(ratios), "times", limit=3),
        Row("G11", "… which is", found.store, Spread.of([1000 * seconds for seconds in ours]), "ms"),
    ]
