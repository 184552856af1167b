"""Many users stored at once, and one erased with all that is hers, in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.exc import IntegrityError

from authenticator.errors import AuthError
from authenticator.models import LoginKey, NewKey, User
from authenticator.storage import records
from authenticator.storage.bulk import first_come
from authenticator.storage.sealing import Sealer
from authenticator.storage.sql.applications import Applications
from authenticator.storage.sql.engine import Database
from authenticator.storage.sql.tables import events, login_keys, users
from authenticator.storage.sql.users import Users

_AT_ONCE = 500  # keys in one look-up
_EVENTS_AT_ONCE = 5000  # what a busy server does well within the time that one statement may take

Wanted = Mapping[str, NewKey]


class Bulk(Users, Applications):
    """Verbs on users that touch many records."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        super().__init__(database, sealer)
        held, e = login_keys.c, events.c
        self._claim_many = self._upsert(login_keys).on_conflict_do_nothing()
        self._select_holders = select(held.id, held.user_id).where(held.id.in_(bindparam("keys", expanding=True)))
        self._delete_user = delete(users).where(users.c.id == bindparam("user"))
        some = select(e.id).where(e.user_id == bindparam("user")).limit(bindparam("top"))
        self._disown = update(events).where(e.id.in_(some)).values(user_id=bindparam("pseudonym"), facts=b"")

    def create_users(self, people: Sequence[tuple[User, Sequence[NewKey]]]) -> Sequence[LoginKey | None]:
        wanted = [{records.key_id(new.key, self._sealer): new for new in keys} for _, keys in people]
        persons = [records.user_record(user, self._sealer) for user, _ in people]
        rows = [self._key_rows(user, keys) for (user, _), keys in zip(people, wanted, strict=True)]
        try:
            with self._db.transaction() as connection:
                clashes = first_come(wanted, self._holders(connection, [key for keys in wanted for key in keys]))
                chosen = [number for number, clash in enumerate(clashes) if clash is None]
                self._db.many(connection, self._insert_user, [persons[number] for number in chosen])
                claims = sorted((row for number in chosen for row in rows[number]), key=lambda row: str(row["id"]))
                if self._db.many(connection, self._claim_many, claims) < len(claims):
                    self._leave_out(connection, people, wanted, clashes)
                return clashes
        except IntegrityError:
            raise AuthError("conflict") from None  # an id was drawn twice

    def erase_user(self, user_id: str, pseudonym: str, now: datetime) -> bool:
        """What belongs to the user goes with her row; her events stay, and those written after she was gone are seen to as well."""
        if not records.is_id(user_id):
            return False
        with self._db.transaction() as connection:
            connection.execute(self._lock_user, {"user": user_id}).fetchall()
            self._remove_owned(connection, user_id, now)
            names = {"user": user_id, "pseudonym": pseudonym, "top": _EVENTS_AT_ONCE}
            while connection.execute(self._disown, names).rowcount:
                pass
            return bool(connection.execute(self._delete_user, {"user": user_id}).rowcount == 1)

    def _key_rows(self, user: User, keys: Wanted) -> list[dict[str, Any]]:
        return [records.key_record(user.id, new, user.created_at, self._sealer) for new in keys.values()]

    def _holders(self, connection: Any, keys: Sequence[str]) -> dict[str, str]:
        """Which of the keys belong to whom."""
        found: dict[str, str] = {}
        for start in range(0, len(keys), _AT_ONCE):
            some = list(keys[start : start + _AT_ONCE])
            found.update((key_id, user_id) for key_id, user_id in connection.execute(self._select_holders, {"keys": some}).fetchall())
        return found

    def _leave_out(
        self, connection: Any, people: Sequence[tuple[User, Sequence[NewKey]]], wanted: Sequence[Wanted], clashes: list[LoginKey | None]
    ) -> None:
        """Take back the users of whose keys somebody else got hold at this very moment."""
        holders = self._holders(connection, [key for keys in wanted for key in keys])
        for number, (user, _) in enumerate(people):
            lost = next((new.key for key_id, new in wanted[number].items() if holders.get(key_id) != user.id), None)
            if clashes[number] is None and lost is not None:
                connection.execute(self._delete_user, {"user": user.id})
                clashes[number] = lost
