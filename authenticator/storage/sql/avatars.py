"""Pictures of people in SQL."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from authenticator.errors import AuthError
from authenticator.models import Avatar
from authenticator.storage import records
from authenticator.storage.sealing import Sealer
from authenticator.storage.sql.engine import Database
from authenticator.storage.sql.part import Part, fields, record
from authenticator.storage.sql.tables import avatars

AVATAR = fields(avatars)
SHOWN = tuple(name for name in AVATAR if name != "content")


class Avatars(Part):
    """Verbs on pictures."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        super().__init__(database, sealer)
        c = avatars.c
        hers = c.user_id == bindparam("user")
        self._insert_avatar = insert(avatars)
        self._count_avatars = select(func.count()).select_from(avatars).where(hers)
        self._select_avatar = select(avatars).where(c.id == bindparam("key"))
        self._select_avatars = select(*(c[name] for name in SHOWN)).where(hers).order_by(c.created_at, c.id)
        self._delete_avatar = delete(avatars).where(hers, c.id == bindparam("key"))

    def add_avatar(self, avatar: Avatar, most: int) -> bool:
        row = records.avatar_record(avatar, self._sealer)
        hers = {"user": avatar.user_id}
        try:
            with self._db.transaction() as connection:
                if not connection.execute(self._lock_user, hers).fetchall():  # two pictures at once would not see each other
                    raise AuthError("conflict")
                if connection.execute(self._count_avatars, hers).fetchall()[0][0] >= most:
                    return False
                connection.execute(self._insert_avatar, row)
                return True
        except IntegrityError:
            raise AuthError("conflict") from None  # the id is taken

    def avatar(self, avatar_id: str) -> Avatar | None:
        row = self._db.row(self._select_avatar, {"key": avatar_id}) if records.is_id(avatar_id) else None
        return None if row is None else records.avatar_of(record(AVATAR, row), self._sealer)

    def avatars_of(self, user_id: str) -> Sequence[Avatar]:
        rows = self._db.rows(self._select_avatars, {"user": user_id}) if records.is_id(user_id) else ()
        return tuple(records.avatar_of(record(SHOWN, row), self._sealer) for row in rows)

    def remove_avatar(self, user_id: str, avatar_id: str) -> bool:
        if not records.is_id(avatar_id) or not records.is_id(user_id):
            return False
        return self._db.count(self._delete_avatar, {"user": user_id, "key": avatar_id}) == 1
