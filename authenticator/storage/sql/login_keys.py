"""Login keys in SQL: claimed through the primary key, compared and set in one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, exists, or_, select, update
from sqlalchemy.exc import IntegrityError

from authenticator.errors import AuthError
from authenticator.models import HeldKey, Login, LoginKey, NewKey
from authenticator.storage import records
from authenticator.storage.port import KeyTaken, LastWayIn
from authenticator.storage.sealing import Sealer
from authenticator.storage.sql.engine import Database
from authenticator.storage.sql.part import Part, fields, record
from authenticator.storage.sql.tables import login_keys, users

KEY = fields(login_keys)
USER = fields(users)


class LoginKeys(Part):
    """Verbs on login keys."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        super().__init__(database, sealer)
        held, mine = login_keys.c, login_keys.alias("others")
        self._select_login = select(login_keys, users).join(users, users.c.id == held.user_id).where(held.id == bindparam("key"))
        alias = login_keys.alias("alias")
        behind = select(login_keys, users).join(users, users.c.id == held.user_id).join(alias, alias.c.user_id == held.user_id)
        self._select_behind = behind.where(alias.c.id == bindparam("alias"), held.provider == bindparam("provider")).limit(1)
        theirs = select(login_keys, users).join(users, users.c.id == held.user_id)
        self._select_logins = theirs.where(held.user_id == bindparam("user"), held.provider == bindparam("provider")).order_by(
            held.created_at, held.id
        )
        self._select_owners = select(held.id, held.user_id).where(held.id.in_(bindparam("keys", expanding=True)))
        self._select_keys = select(login_keys).where(held.user_id == bindparam("user")).order_by(held.created_at, held.id)
        claim = self._upsert(login_keys)
        own = (held.user_id == claim.excluded.user_id) & claim.excluded.way_in
        opened = claim.on_conflict_do_update(index_elements=[held.id], set_={"way_in": True}, where=own)
        self._claim_key = opened.returning(held.id)
        others = exists().where(mine.c.user_id == bindparam("user"), mine.c.way_in, mine.c.id != bindparam("key"))
        hers = (held.id == bindparam("key"), held.user_id == bindparam("user"))
        self._free_key = delete(login_keys).where(*hers, or_(held.way_in.is_(False), others))
        self._select_hers = select(held.id).where(*hers)
        as_known = update(login_keys).where(held.id == bindparam("key"), held.secret_mark == bindparam("known"))
        self._set_secret = as_known.values(secret=bindparam("secret"), secret_mark=bindparam("secret_mark"))

    def find_login(self, key: LoginKey) -> Login | None:
        row = self._db.row(self._select_login, {"key": records.key_id(key, self._sealer)})
        return None if row is None else self._login(row)

    def login_behind(self, alias: LoginKey, provider: str) -> Login | None:
        row = self._db.row(self._select_behind, {"alias": records.key_id(alias, self._sealer), "provider": provider})
        return None if row is None else self._login(row)

    def logins_of(self, user_id: str, provider: str) -> Sequence[Login]:
        rows = self._db.rows(self._select_logins, {"user": user_id, "provider": provider}) if records.is_id(user_id) else ()
        return tuple(self._login(row) for row in rows)

    def _login(self, row: Sequence[Any]) -> Login:
        held, user = record(KEY, row), record(USER, row[len(KEY) :])
        return Login(records.user_of(user, self._sealer), records.held_of(held, self._sealer), records.secret_of(held, self._sealer))

    def owners(self, keys: Sequence[LoginKey]) -> Mapping[LoginKey, str]:
        by_id = {records.key_id(key, self._sealer): key for key in keys}
        rows = self._db.rows(self._select_owners, {"keys": list(by_id)}) if by_id else ()
        return {by_id[key_id]: user_id for key_id, user_id in rows}

    def keys_of(self, user_id: str) -> Sequence[HeldKey]:
        rows = self._db.rows(self._select_keys, {"user": user_id}) if records.is_id(user_id) else ()
        return tuple(records.held_of(record(KEY, row), self._sealer) for row in rows)

    def add_login_key(self, user_id: str, new: NewKey, now: datetime) -> None:
        row = records.key_record(user_id, new, now, self._sealer)
        try:
            if self._db.change(self._claim_key, row):
                return
        except IntegrityError:
            raise AuthError("conflict") from None  # there is no such user
        owner = self.owners([new.key]).get(new.key)
        if owner is None:
            raise AuthError("conflict")  # freed at this very moment
        if owner != user_id:
            raise KeyTaken(new.key)

    def remove_login_key(self, user_id: str, key: str | LoginKey) -> bool:
        key_id = records.key_id(key, self._sealer) if isinstance(key, LoginKey) else key
        if not records.is_id(key_id):
            return False
        names = {"user": user_id, "key": key_id}
        with self._db.transaction() as connection:
            connection.execute(self._lock_user, {"user": user_id}).fetchall()  # two removals at once would not see each other
            if connection.execute(self._free_key, names).rowcount == 1:
                return True
            if connection.execute(self._select_hers, names).fetchall():
                raise LastWayIn("the only way into the account stays")
            return False

    def swap_secret(self, key_id: str, old: str | None, new: str) -> bool:
        known = records.secret_mark(key_id, old, self._sealer)
        return self._db.count(self._set_secret, {"key": key_id, "known": known, **records.secret_record(key_id, new, self._sealer)}) == 1
