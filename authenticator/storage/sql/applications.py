"""Applications, and what people let them have, in SQL."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from authenticator.applications import Application, Grant
from authenticator.errors import AuthError
from authenticator.models import Page
from authenticator.storage import records
from authenticator.storage.sealing import Sealer
from authenticator.storage.sql.engine import Database
from authenticator.storage.sql.part import Part, fields, paged, record
from authenticator.storage.sql.tables import applications, grants, sessions

APPLICATION = fields(applications)
GRANT = fields(grants)
REMOVED = "application_removed"


class Applications(Part):
    """Verbs on applications and grants."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        super().__init__(database, sealer)
        self._prepare_applications()
        self._prepare_grants()
        end: dict[str, Any] = {"closed_at": bindparam("now"), "close_reason": bindparam("reason")}
        given = update(sessions).where(sessions.c.application == bindparam("key"), sessions.c.closed_at.is_(None)).values(end)
        self._end_given = given
        self._end_given_by = given.where(sessions.c.user_id == bindparam("user"))

    def _prepare_applications(self) -> None:
        c = applications.c
        named, as_read = c.id == bindparam("key"), c.version == bindparam("seen")
        self._claim_application = self._upsert(applications).on_conflict_do_nothing().returning(c.id)
        self._select_application = select(applications).where(named)
        self._select_applications = paged(applications, newest_first=False)
        self._select_owned = paged(applications, c.owner == bindparam("whose"), newest_first=False)
        self._select_operators = paged(applications, c.owner.is_(None), newest_first=False)
        changed: dict[str, Any] = {name: bindparam(f"new_{name}") for name in ("owner", "updated_at", "version", "facts")}
        self._replace_application = update(applications).where(named, as_read).values(changed)
        self._delete_application = delete(applications).where(named)
        self._delete_owned = delete(applications).where(c.owner == bindparam("user")).returning(c.id)

    def _prepare_grants(self) -> None:
        g = grants.c
        this = (g.user_id == bindparam("user"), g.application == bindparam("key"))
        self._select_grant = select(grants).where(*this)
        self._select_grants = select(grants).where(g.user_id == bindparam("user"))
        self._insert_grant = insert(grants)
        agreed: dict[str, Any] = {name: bindparam(f"new_{name}") for name in ("updated_at", "version", "facts")}
        self._replace_grant = update(grants).where(*this, g.version == bindparam("seen")).values(agreed)
        self._delete_grant = delete(grants).where(*this)
        self._select_read = select(g.read_at).where(*this)
        self._note_read = update(grants).where(*this, g.read_at == bindparam("before")).values(read_at=bindparam("after"))

    def add_application(self, application: Application) -> bool:
        try:
            return bool(self._db.change(self._claim_application, records.application_record(application, self._sealer)))
        except IntegrityError:
            raise AuthError("conflict") from None  # its owner is gone

    def application(self, application_id: str) -> Application | None:
        row = self._db.row(self._select_application, {"key": application_id}) if records.is_id(application_id) else None
        return None if row is None else records.application_of(record(APPLICATION, row), self._sealer)

    def applications(self, *, owner: str | None = None, after: str | None = None, limit: int = 50) -> Page[Application]:
        if owner:
            rows = self._page(*self._select_owned, after, limit, whose=owner)
        else:
            rows = self._page(*(self._select_applications if owner is None else self._select_operators), after, limit)
        return records.page([record(APPLICATION, row) for row in rows], limit, lambda row: records.application_of(row, self._sealer))

    def save_application(self, application: Application) -> bool:
        row = records.application_record(application, self._sealer)
        new = {f"new_{name}": row[name] for name in ("owner", "updated_at", "facts")}
        names = {"key": application.id, "seen": application.version, **new, "new_version": application.version + 1}
        try:
            return self._db.count(self._replace_application, names) == 1
        except IntegrityError:
            raise AuthError("conflict") from None  # its new owner is gone

    def remove_application(self, application_id: str, now: datetime) -> bool:
        if not records.is_id(application_id):
            return False
        names = {"key": application_id, "now": records.millis(now), "reason": REMOVED}

        def remove(connection: Any) -> bool:
            gone = bool(connection.execute(self._delete_application, {"key": application_id}).rowcount == 1)
            self._end_all(connection, self._end_given, names)
            return gone

        return self._db.untangled(remove)

    def end_given(self, application_id: str, reason: str, now: datetime) -> int:
        if not records.is_id(application_id):
            return 0
        names = {"key": application_id, "now": records.millis(now), "reason": reason}
        return self._db.untangled(lambda connection: self._end_all(connection, self._end_given, names))

    def grant(self, user_id: str, application_id: str) -> Grant | None:
        if not records.is_id(user_id) or not records.is_id(application_id):
            return None
        row = self._db.row(self._select_grant, {"user": user_id, "key": application_id})
        return None if row is None else records.grant_of(record(GRANT, row), self._sealer)

    def grants_of(self, user_id: str) -> Sequence[Grant]:
        rows = self._db.rows(self._select_grants, {"user": user_id}) if records.is_id(user_id) else ()
        found = (records.grant_of(record(GRANT, row), self._sealer) for row in rows)
        return tuple(sorted(found, key=lambda grant: (grant.created_at, grant.application)))  # a handful: no index for their order

    def save_grant(self, grant: Grant) -> bool:
        row = records.grant_record(grant, self._sealer)
        if grant.version == 0:
            return self._first_grant({**row, "version": 1})
        new = {f"new_{name}": row[name] for name in ("updated_at", "facts")}
        names = {"user": grant.user_id, "key": grant.application, "seen": grant.version, **new, "new_version": grant.version + 1}
        return self._db.count(self._replace_grant, names) == 1

    def _first_grant(self, row: dict[str, Any]) -> bool:
        try:
            self._db.change(self._insert_grant, row)
        except IntegrityError:
            if self.grant(row["user_id"], row["application"]) is None:
                raise AuthError("conflict") from None  # the user or the application is gone
            return False
        return True

    def note_read(self, user_id: str, application_id: str, scopes: Sequence[str], now: datetime) -> None:
        names = {"user": user_id, "key": application_id}
        while (row := self._db.row(self._select_read, names)) is not None:
            times = {**json.loads(row[0]), **dict.fromkeys(scopes, records.millis(now))}
            after = json.dumps(times, separators=(",", ":"), sort_keys=True)
            if self._db.count(self._note_read, {**names, "before": row[0], "after": after}) == 1:
                return

    def remove_grant(self, user_id: str, application_id: str, now: datetime) -> bool:
        if not records.is_id(user_id) or not records.is_id(application_id):
            return False
        names = {"user": user_id, "key": application_id}
        ending = {**names, "now": records.millis(now), "reason": "consent_withdrawn"}

        def remove(connection: Any) -> bool:
            had = connection.execute(self._delete_grant, names).rowcount
            return bool(self._end_all(connection, self._end_given_by, ending) or had)

        return self._db.untangled(remove)

    def _remove_owned(self, connection: Any, user_id: str, now: datetime) -> None:
        """Within a transaction, the applications of a user who is about to go, and what was given to them."""
        for row in connection.execute(self._delete_owned, {"user": user_id}).fetchall():
            self._end_all(connection, self._end_given, {"key": row[0], "now": records.millis(now), "reason": REMOVED})
