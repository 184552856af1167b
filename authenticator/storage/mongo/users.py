"""Users, their status and its history, in MongoDB: all in the user's one document."""

from __future__ import annotations

from collections.abc import Sequence

from authenticator.models import Page, Status, StatusChange, User
from authenticator.storage import records
from authenticator.storage.mongo.client import OLDEST_FIRST, after_cursor, document, record, told
from authenticator.storage.mongo.sessions import Sessions

_SANS_HISTORY = {"history": 0, "held": 0, "ways": 0}


class Users(Sessions):
    """Verbs on users."""

    def user_by_id(self, user_id: str) -> User | None:
        if not records.is_id(user_id):
            return None
        with told():
            found = self._mongo.one("people", {"_id": f"u:{user_id}", "kind": "u"}, _SANS_HISTORY)
        return None if found is None else records.user_of(record(found), self._sealer)

    def users(self, *, after: str | None = None, limit: int = 50) -> Page[User]:
        further = {} if after is None else after_cursor("u", *records.parse_cursor(after), newest_first=False)
        with told():
            found = list(self._mongo["people"].find({"kind": "u", **further}, _SANS_HISTORY).sort(OLDEST_FIRST).limit(limit + 1))
        rows = [record(item) for item in found]
        return records.page(rows, limit, lambda row: records.user_of(row, self._sealer))

    def save_user(self, user: User) -> bool:
        row = document("u", records.user_record(user, self._sealer))
        known = {"_id": row.pop("_id"), "kind": row.pop("kind"), "version": row.pop("version")}
        with told():
            return self._mongo["people"].update_one(known, {"$set": row, "$inc": {"version": 1}}).modified_count == 1

    def change_status(self, user_id: str, change: StatusChange) -> bool:
        """Sessions end before the status changes and once more after it, so that a crash in between leaves none open."""
        row = records.change_record(user_id, change, self._sealer)
        known = {"_id": f"u:{user_id}", "kind": "u", "status": row["before"]}
        step = {"$set": {"status": row["after"], "updated_at": row["at"]}, "$inc": {"version": 1}, "$push": {"history": row}}
        ending = change.after is not Status.ACTIVE
        if ending and self._stands(user_id, change.before):
            self.close_sessions(user_id, change.after.value, change.at)
        with told():
            changed = self._mongo["people"].update_one(known, step).modified_count == 1
        if ending and (changed or self._stands(user_id, change.after)):
            self.close_sessions(user_id, change.after.value, change.at)  # what was opened meanwhile, at the first try too
        return changed

    def status_history(self, user_id: str) -> Sequence[StatusChange]:
        if not records.is_id(user_id):
            return ()
        with told():
            found = self._mongo["people"].find_one({"_id": f"u:{user_id}", "kind": "u"}, {"history": 1}) or {"history": ()}
        return tuple(records.change_of(user_id, row, self._sealer) for row in found["history"])

    def _stands(self, user_id: str, status: Status) -> bool:
        with told():
            return self._mongo["people"].find_one({"_id": f"u:{user_id}", "kind": "u", "status": status.value}, {"_id": 1}) is not None
