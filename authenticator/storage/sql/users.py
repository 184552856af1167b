"""Users, their status and its history, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from authenticator.errors import AuthError
from authenticator.events import Event
from authenticator.models import NewKey, Page, Session, Status, StatusChange, User
from authenticator.storage import records
from authenticator.storage.port import KeyTaken
from authenticator.storage.sealing import Sealer
from authenticator.storage.sql.engine import Database
from authenticator.storage.sql.part import Part, fields, paged, record
from authenticator.storage.sql.tables import login_keys, sessions, status_changes, users

USER = fields(users)
CHANGE = fields(status_changes)


class Users(Part):
    """Verbs on users."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        super().__init__(database, sealer)
        self._insert_user = insert(users)
        self._insert_session = insert(sessions)
        self._insert_change = insert(status_changes)
        self._claim_keys = self._upsert(login_keys).on_conflict_do_nothing().returning(login_keys.c.id)
        self._select_user = select(users).where(users.c.id == bindparam("key"))
        self._select_users = paged(users, newest_first=False)
        matching = update(users).where(users.c.id == bindparam("key"), users.c.version == bindparam("known"))
        replaced: dict[str, Any] = {name: bindparam(name) for name in USER if name not in ("id", "version")}
        self._replace_user = matching.values({**replaced, "version": users.c.version + 1})
        unchanged = update(users).where(users.c.id == bindparam("key"), users.c.status == bindparam("before"))
        self._set_status = unchanged.values(status=bindparam("after"), updated_at=bindparam("at"), version=users.c.version + 1)
        self._select_changes = select(status_changes).where(status_changes.c.user_id == bindparam("key")).order_by(status_changes.c.number)
        still_open = update(sessions).where(sessions.c.user_id == bindparam("key"), sessions.c.closed_at.is_(None))
        self._end_sessions = still_open.values(closed_at=bindparam("now"), close_reason=bindparam("reason"))

    def create_user(self, user: User, keys: Sequence[NewKey], session: Session | None = None, *, event: Event | None = None) -> None:
        claims = {records.key_id(new.key, self._sealer): new for new in keys}
        rows = [records.key_record(user.id, new, user.created_at, self._sealer) for new in claims.values()]
        person = records.user_record(user, self._sealer)
        first = None if session is None else records.session_record(session, self._sealer)
        try:
            with self._db.transaction() as connection:
                connection.execute(self._insert_user, person)
                for row in sorted(rows, key=lambda row: str(row["id"])):  # one order for all, so that no two wait for each other
                    if not connection.execute(self._claim_keys, row).fetchall():
                        raise KeyTaken(claims[row["id"]].key)
                if first is not None:
                    connection.execute(self._insert_session, first)
                self._note(connection, event)
        except IntegrityError:
            raise AuthError("conflict") from None

    def user_by_id(self, user_id: str) -> User | None:
        row = self._db.row(self._select_user, {"key": user_id}) if records.is_id(user_id) else None
        return None if row is None else records.user_of(record(USER, row), self._sealer)

    def users(self, *, after: str | None = None, limit: int = 50) -> Page[User]:
        rows = [record(USER, row) for row in self._page(*self._select_users, after, limit)]
        return records.page(rows, limit, lambda row: records.user_of(row, self._sealer))

    def save_user(self, user: User) -> bool:
        row = records.user_record(user, self._sealer)
        return self._db.count(self._replace_user, row | {"key": row.pop("id"), "known": row.pop("version")}) == 1

    def change_status(self, user_id: str, change: StatusChange) -> bool:
        row = records.change_record(user_id, change, self._sealer)
        guard = {"key": user_id, "before": row["before"], "after": row["after"], "at": row["at"]}

        def set_status(connection: Any) -> bool:
            if connection.execute(self._set_status, guard).rowcount != 1:
                return False
            connection.execute(self._insert_change, {"user_id": user_id, **row})
            if change.after is not Status.ACTIVE:
                self._end_all(connection, self._end_sessions, {"key": user_id, "now": row["at"], "reason": change.after.value})
            return True

        return self._db.untangled(set_status)

    def status_history(self, user_id: str) -> Sequence[StatusChange]:
        rows = self._db.rows(self._select_changes, {"key": user_id}) if records.is_id(user_id) else ()
        return tuple(records.change_of(user_id, record(CHANGE, row), self._sealer) for row in rows)
