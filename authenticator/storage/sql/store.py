"""The SQL store, put together."""

from __future__ import annotations

from sqlalchemy import text

from authenticator.storage.sealing import Sealer
from authenticator.storage.sql.attempts import Attempts
from authenticator.storage.sql.avatars import Avatars
from authenticator.storage.sql.bulk import Bulk
from authenticator.storage.sql.engine import Database
from authenticator.storage.sql.errands import Errands
from authenticator.storage.sql.events import Events
from authenticator.storage.sql.login_keys import LoginKeys
from authenticator.storage.sql.rest import Rest
from authenticator.storage.sql.schema import bring_up
from authenticator.storage.sql.sessions import Sessions


class SqlStore(Bulk, LoginKeys, Sessions, Attempts, Errands, Events, Avatars, Rest):
    """Keeps the port's promises on SQLite and PostgreSQL, with one statement per verb wherever one is enough."""

    def __init__(self, url: str, *, sealer: Sealer) -> None:
        super().__init__(Database(url), sealer)
        self._ping = text("SELECT 1")

    def prepare(self) -> None:
        bring_up(self._db, self._sealer)

    def ping(self) -> None:
        self._db.row(self._ping)

    def close(self) -> None:
        self._db.close()
