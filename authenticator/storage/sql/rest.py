"""Signing keys and the clean-up, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, select

from authenticator.models import SigningKey
from authenticator.storage import records
from authenticator.storage.sealing import Sealer
from authenticator.storage.sql.engine import Database
from authenticator.storage.sql.part import Part, fields, record
from authenticator.storage.sql.tables import attempts, sessions, signing_keys, tickets

SIGNING = fields(signing_keys)


class Rest(Part):
    """Verbs on signing keys, and the one that tidies up."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        super().__init__(database, sealer)
        self._claim_generation = self._upsert(signing_keys).on_conflict_do_nothing().returning(signing_keys.c.generation)
        self._select_signing = select(signing_keys).order_by(signing_keys.c.generation)
        self._expired = (
            delete(tickets).where(tickets.c.expires_at <= bindparam("now")),
            delete(attempts).where(attempts.c.expires_at <= bindparam("now")),
            delete(sessions).where(sessions.c.expires_at <= bindparam("now") - records.KEEP_SESSION),
            delete(sessions).where(sessions.c.closed_at <= bindparam("now") - records.KEEP_SESSION),
            delete(signing_keys).where(signing_keys.c.retired_at <= bindparam("now")),
        )

    def add_signing_key(self, key: SigningKey) -> bool:
        return bool(self._db.change(self._claim_generation, records.signing_record(key, self._sealer)))

    def signing_keys(self) -> Sequence[SigningKey]:
        return tuple(records.signing_of(record(SIGNING, row), self._sealer) for row in self._db.rows(self._select_signing))

    def purge(self, now: datetime) -> int:
        return sum(self._db.count(statement, {"now": records.millis(now)}) for statement in self._expired)
