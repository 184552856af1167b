"""A PostgreSQL connection that does not wait for ever: neither libpq nor the server ends the wait for a server that hangs."""

from __future__ import annotations

import select
from typing import Any

from psycopg import Connection, OperationalError
from psycopg.abc import RV, PQGen

PATIENCE = 4.0


class PatientConnection(Connection[Any]):
    """Gives up a statement after `patience` seconds, and with it itself."""

    patience = PATIENCE

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        try:
            return super().wait(gen, interval, timeout=self.patience if timeout is None else timeout)
        except OperationalError as error:
            if "timeout" not in type(error).__name__.lower():
                raise
            self.pgconn.finish()  # what it would still say belongs to the statement given up
            raise OperationalError("the server did not answer in time") from error


def connect(*arguments: Any, **options: Any) -> PatientConnection:
    return PatientConnection.connect(*arguments, **options)


def is_stale(connection: PatientConnection) -> bool:
    """Whether an idle connection has something to read: then the server has closed it. Costs no trip."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
