"""Sessions in MongoDB: a check is one aggregate with its user, a refresh one conditional update."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from authenticator.errors import AuthError
from authenticator.models import Page, Rotation, Session, User
from authenticator.storage import records, waits
from authenticator.storage.mongo.client import Document, Part, after_cursor, document, record, told
from authenticator.storage.refresh import not_rotated

_SANS_HISTORY: Sequence[Document] = ({"$match": {"kind": "u"}}, {"$project": {"history": 0, "held": 0, "ways": 0}})
_USER: Document = {"$lookup": {"from": "people", "localField": "owner", "foreignField": "_id", "pipeline": _SANS_HISTORY, "as": "user"}}
_FORGOTTEN = {"$set": {"count": 0, "until": 0, "gone": datetime(1970, 1, 1, tzinfo=UTC)}}


class Sessions(Part):
    """Verbs on sessions."""

    def open_session(self, session: Session, *, forgive: Sequence[str] = ()) -> None:
        forgotten = [{"q": {"_id": f"a:{key}"}, "u": _FORGOTTEN} for key in waits.attempt_ids(forgive, self._sealer)]
        self._open(session, forgotten)

    def session_by_cookie(self, digest: str, now: datetime) -> tuple[Session, User] | None:
        live = {"cookie": digest, "closed_at": None, "expires_at": {"$gt": records.millis(now)}}
        with told():
            found = self._mongo.few("activity", [{"$match": live}, _USER])
        if not found or not found[0]["user"]:
            return None
        user = records.user_of(record(found[0]["user"][0]), self._sealer)
        return records.session_of(record(found[0]), self._sealer), user

    def session_by_id(self, session_id: str) -> Session | None:
        if not records.is_id(session_id):
            return None
        with told():
            found = self._mongo.one("activity", {"_id": f"s:{session_id}"})
        return None if found is None else records.session_of(record(found), self._sealer)

    def sessions_of(self, user_id: str, now: datetime, *, after: str | None = None, limit: int = 50) -> Page[Session]:
        live = {"owner": f"u:{user_id}", "kind": "s", "closed_at": None, "expires_at": {"$gt": records.millis(now)}}
        further = {} if after is None else after_cursor("s", *records.parse_cursor(after), newest_first=True)
        with told():
            found = list(self._mongo["activity"].find({**live, **further}).sort([("created_at", -1), ("_id", -1)]).limit(limit + 1))
        rows = [record(item) for item in found]
        items = tuple(records.session_of(row, self._sealer) for row in rows[:limit])
        return Page(items, records.cursor(rows[limit - 1]) if len(rows) > limit else None)

    def renew_session(self, session_id: str, *, cookie: str | None, auth_time: datetime, amr: Sequence[str]) -> bool:
        values: dict[str, Any] = {"auth_time": records.millis(auth_time), "amr": " ".join(amr)}
        if cookie is not None:
            values["cookie"] = cookie
        with told():
            return self._mongo["activity"].update_one({"_id": f"s:{session_id}", "closed_at": None}, {"$set": values}).matched_count == 1

    def rotate_refresh(self, session_id: str, presented: str, successor: str, now: datetime, grace: timedelta) -> Rotation:
        if not records.is_id(session_id):
            return Rotation("closed")
        at = records.millis(now)
        current = {"_id": f"s:{session_id}", "refresh": presented, "closed_at": None, "expires_at": {"$gt": at}}
        swap = {"$set": {"spent": presented, "refresh": successor, "rotated_at": at}}
        with told():
            found = self._mongo.change("activity", current, update=swap, new=True)
        if found is not None:
            return Rotation("rotated", records.session_of(record(found), self._sealer))
        return not_rotated(self, session_id, presented, now, grace)

    def close_session(self, session_id: str, reason: str, now: datetime) -> bool:
        end = {"$set": {"closed_at": records.millis(now), "close_reason": reason}}
        with told():
            return self._mongo["activity"].update_one({"_id": f"s:{session_id}", "closed_at": None}, end).modified_count == 1

    def close_sessions(self, user_id: str, reason: str, now: datetime, *, keep: str | None = None) -> int:
        at = records.millis(now)
        hers: dict[str, Any] = {"owner": f"u:{user_id}", "kind": "s", "closed_at": None, "expires_at": {"$gt": at}}
        if keep is not None:
            hers["_id"] = {"$ne": f"s:{keep}"}
        with told():
            return self._mongo["activity"].update_many(hers, {"$set": {"closed_at": at, "close_reason": reason}}).modified_count

    def closed_since(self, moment: datetime) -> Sequence[str]:
        with told():
            found = list(self._mongo["activity"].find({"closed_at": {"$gte": max(1, records.millis(moment))}}, {"_id": 1}))
        return tuple(item["_id"][2:] for item in found)

    def _open(self, session: Session, further: Sequence[Document] = ()) -> None:
        """Insert by an upsert, because only updates can share one command with the attempts to forget."""
        row = records.session_record(session, self._sealer)
        made = document("s", row, gone=row["expires_at"] + records.KEEP_SESSION)
        absent = {"_id": made.pop("_id"), "owner": {"$exists": False}}
        with told():
            refused = self._mongo.update("activity", [{"q": absent, "u": {"$set": made}, "upsert": True}, *further], ordered=True)
        if refused:
            raise AuthError("conflict")  # the id is taken
