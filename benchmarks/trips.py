"""Trips to the database: counted in this process, through Flask's test client.

A trip is one command to MongoDB, or one use of a connection to SQL: a transaction is one trip, however many
statements it has, because SQLite runs them without going anywhere. The statements are shown beside it.
"""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from werkzeug.test import Client as TestClient
from werkzeug.test import TestResponse

from authenticator.app import create_app
from benchmarks.measure import Spread
from benchmarks.subject import NAMES, PASSWORD, WRONG, Subject
from benchmarks.table import Row


@dataclass
class Trips:
    """What was counted since the last look: trips and statements, with their texts.

    Only those of the requests' own thread: what the worker does afterwards, carrying a message for example, delays no answer.
    """

    trips: int = 0
    statements: list[str] = field(default_factory=list)

    def trip(self) -> None:
        self.trips += _is_requests_own()

    def statement(self, text: str) -> None:
        if _is_requests_own():
            self.statements.append(text)

    def take(self) -> tuple[int, list[str]]:
        found = self.trips, self.statements
        self.trips, self.statements = 0, []
        return found


def _is_requests_own() -> bool:
    return threading.current_thread() is threading.main_thread()


def trips(found: Subject, say: Callable[[str], None]) -> list[Row]:
    """G9."""
    rows = []
    with _counted(found) as (own, counted):
        for what, limit, act in _acts(own):
            act()  # what a process reads once, its keys for example, is no trip of a request
            counted.take()
            act()
            number, statements = counted.take()
            say(f"{found.store}, {what}: {'; '.join(' '.join(statement.split())[:60] for statement in statements) or 'none'}")
            beside = f" ({len(statements)} statements)" if len(statements) != number else ""
            rows.append(Row("G9", f"trips: {what}{beside}", found.store, Spread.of([number]), "", limit=limit, exact=True))
    return rows


def _acts(found: Subject) -> list[tuple[str, float | None, Callable[[], Any]]]:
    """What is counted, its limit, and how to do it; each may be done twice."""
    web = found.app.test_client(use_cookies=False)
    signed = _post(web, "sign-in/password", 200, email=found.emails[0], password=PASSWORD)
    bearer = {"Authorization": f"Bearer {signed['access_token']}"}
    cookie = {"Cookie": f"auth_session={found.cookies(1)[0]}"}
    tokens = [signed["refresh_token"]]
    steps: list[dict[str, Any]] = []

    def refresh() -> None:
        tokens.append(_post(web, "token/refresh", 200, refresh_token=tokens[-1])["refresh_token"])

    def begin() -> None:
        email = f"new{secrets.token_hex(8)}@example.com"
        challenge = _post(web, "sign-up/password", 202, **NAMES, email=email, password=PASSWORD)["challenge"]
        steps.append({"challenge": challenge["id"], "email": email})

    def go_on() -> None:
        step = steps.pop()
        _post(web, "sign-in/continue", 200, challenge=step["challenge"], code=found.codes([step["email"]])[0])

    return [
        ("check by token, without the user", 0, lambda: _check(found, signed["access_token"])),
        ("GET /me by token", None, lambda: _require(web.get("/api/v1/me", headers=bearer), 200)),
        ("GET /me by session cookie", 1, lambda: _require(web.get("/api/v1/me", headers=cookie), 200)),
        ("sign-in", 3, lambda: _post(web, "sign-in/password", 200, email=found.emails[1], password=PASSWORD)),
        ("wrong password", 2, lambda: _post(web, "sign-in/password", 401, email=found.emails[2], password=WRONG)),
        ("sign-up, first request", 3, begin),
        ("sign-up, second request", 3, go_on),
        ("refresh", 2, refresh),
    ]


def _check(found: Subject, token: str) -> None:
    with found.app.app_context():
        found.app.extensions["authenticator_tokens"].check(token)


def _post(web: TestClient, path: str, status: int, **body: str) -> Any:
    return _require(web.post(f"/api/v1/{path}", json=body), status).json


def _require(response: TestResponse, status: int) -> TestResponse:
    if response.status_code != status:
        raise AssertionError(f"{response.request.path} answered {response.status} instead of {status}: {response.text[:200]}")
    return response


@contextmanager
def _counted(found: Subject) -> Iterator[tuple[Subject, Trips]]:
    """The subject with an application of its own, whose store tells what it does."""
    counted = Trips()
    if found.store == "mongo":
        listen_to_mongo(counted)  # a client is only told of listeners that were there before it
    own = replace(found, app=create_app(found.settings, env_file=None))
    try:
        if found.store == "sqlite":
            listen_to_sql(counted, own.service.core.store)
        yield own, counted
    finally:
        own.service.core.store.close()


def listen_to_sql(counted: Trips, store: Any) -> None:
    def statement(text: str) -> None:
        if text not in ("BEGIN IMMEDIATE", "COMMIT"):
            counted.statement(text)

    def listened() -> sqlite3.Connection:
        counted.trip()
        connection = take()
        connection.set_trace_callback(statement)  # the driver sees everything, whatever went around SQLAlchemy
        return connection

    take = store._db.connections.take
    store._db.connections.take = listened


def listen_to_mongo(counted: Trips) -> None:
    from pymongo import monitoring

    class Listener(monitoring.CommandListener):
        def started(self, event: monitoring.CommandStartedEvent) -> None:
            counted.trip()
            counted.statement(f"{event.command_name} {event.command.get(event.command_name)}")

        def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
            pass

        def failed(self, event: monitoring.CommandFailedEvent) -> None:
            pass

    monitoring.register(Listener())
