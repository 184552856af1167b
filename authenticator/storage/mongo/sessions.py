"""Sessions in MongoDB: a check is one aggregate with its user, a refresh one conditional update."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from authenticator.errors import AuthError
from authenticator.events import Event
from authenticator.models import Page, Rotation, Session, User
from authenticator.storage import records, waits
from authenticator.storage.mongo.client import NEWEST_FIRST, Document, Part, after_cursor, document, record, told
from authenticator.storage.mongo.events import event_step
from authenticator.storage.refresh import not_rotated

_SANS_HISTORY: Sequence[Document] = ({"$match": {"kind": "u"}}, {"$project": {"history": 0, "held": 0, "ways": 0}})
_USER: Document = {"$lookup": {"from": "people", "localField": "owner", "foreignField": "_id", "pipeline": _SANS_HISTORY, "as": "user"}}
_FORGOTTEN = {"$set": {"count": 0, "until": 0, "gone": datetime(1970, 1, 1, tzinfo=UTC)}}


class Sessions(Part):
    """Verbs on sessions."""

    def open_session(self, session: Session, *, forgive: Sequence[str] = (), event: Event | None = None) -> None:
        forgotten = [{"q": {"_id": f"a:{key}"}, "u": _FORGOTTEN} for key in waits.attempt_ids(forgive, self._sealer)]
        self._begin(session, event, forgotten)

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

    def sessions_of(self, user_id: str, now: datetime, *, ended: bool = False, after: str | None = None, limit: int = 50) -> Page[Session]:
        at = records.millis(now)
        over: Document = {
            "owner": f"u:{user_id}",
            "kind": "s",
            "$and": [{"$or": [{"closed_at": {"$gt": 0}}, {"expires_at": {"$lte": at}}]}],
        }
        further = {} if after is None else after_cursor("s", *records.parse_cursor(after), newest_first=True)
        hers = over if ended else _live(user_id, at)
        with told():
            found = list(self._mongo["activity"].find({**hers, **further}).sort(NEWEST_FIRST).limit(limit + 1))
        return records.page([record(item) for item in found], limit, lambda row: records.session_of(row, self._sealer))

    def renew_session(
        self, session_id: str, *, cookie: str | None, auth_time: datetime, amr: Sequence[str], mfa_at: datetime | None = None
    ) -> bool:
        values: dict[str, Any] = {"auth_time": records.millis(auth_time), "amr": " ".join(amr)}
        if cookie is not None:
            values["cookie"] = cookie
        if mfa_at is not None:
            values["mfa_at"] = records.millis(mfa_at)
        with told():
            return self._mongo["activity"].update_one({"_id": f"s:{session_id}", "closed_at": None}, {"$set": values}).matched_count == 1

    def touch_session(self, session_id: str, now: datetime) -> None:
        step = {"q": {"_id": f"s:{session_id}", "closed_at": None}, "u": {"$max": {"seen_at": records.millis(now)}}}
        with told():
            self._mongo.update("activity", [step], ordered=True)

    def cap_sessions(self, user_id: str, most: int, reason: str, now: datetime) -> int:
        at = records.millis(now)
        with told():
            surplus = [item["_id"] for item in self._mongo["activity"].find(_live(user_id, at), {"_id": 1}).sort(NEWEST_FIRST).skip(most)]
            if not surplus:
                return 0
            open_still = {"_id": {"$in": surplus}, "closed_at": None}
            return self._mongo["activity"].update_many(open_still, _ending(at, reason)).modified_count

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
        open_still = {"_id": f"s:{session_id}", "closed_at": None}
        with told():
            return self._mongo["activity"].update_one(open_still, _ending(records.millis(now), reason)).modified_count == 1

    def close_sessions(self, user_id: str, reason: str, now: datetime, *, keep: str | None = None) -> int:
        at = records.millis(now)
        hers = _live(user_id, at)
        if keep is not None:
            hers["_id"] = {"$ne": f"s:{keep}"}
        with told():
            return self._mongo["activity"].update_many(hers, _ending(at, reason)).modified_count

    def closed_since(self, moment: datetime) -> Sequence[str]:
        with told():
            found = list(self._mongo["activity"].find({"closed_at": {"$gte": max(1, records.millis(moment))}}, {"_id": 1}))
        return tuple(item["_id"][2:] for item in found)

    def _begin(self, session: Session | None, event: Event | None, further: Sequence[Document] = ()) -> None:
        """A session, what goes with it, and the event, in one command."""
        opening = [] if session is None else [self._opening(session)]
        note = [] if event is None else [event_step(event, self._sealer)]
        with told():
            refused = self._mongo.update("activity", [*opening, *further, *note], ordered=True)
        if refused:
            raise AuthError("conflict")  # the id is taken

    def _opening(self, session: Session) -> Document:
        """Insert by an upsert, because only updates can share one command with the attempts to forget."""
        row = records.session_record(session, self._sealer)
        made = document("s", row, gone=row["expires_at"] + records.KEEP_SESSION)
        absent = {"_id": made.pop("_id"), "owner": {"$exists": False}}
        return {"q": absent, "u": {"$set": made}, "upsert": True}


def _live(user_id: str, at: int) -> Document:
    """Her open, unexpired sessions; the empty reason is what their index goes by, which does without the many that were ended."""
    return {"owner": f"u:{user_id}", "kind": "s", "close_reason": "", "closed_at": None, "expires_at": {"$gt": at}}


def _ending(at: int, reason: str) -> Document:
    """What is set when a session ends; from then on its owner may look back at it for as long as at any other."""
    return {"$set": {"closed_at": at, "close_reason": reason, "gone": records.moment(at + records.KEEP_SESSION)}}
