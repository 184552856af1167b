"""Sessions in MongoDB: a check is one aggregate with its user, a refresh one conditional update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId

from authenticator.errors import AuthError
from authenticator.events import Event
from authenticator.models import Client, Page, Rotation, Session, User
from authenticator.storage import records, waits
from authenticator.storage.mongo.client import NEWEST, NEWEST_FIRST, Document, Part, after_cursor, document, record, told
from authenticator.storage.mongo.events import event_step
from authenticator.storage.refresh import not_rotated

_SANS_HISTORY: Sequence[Document] = ({"$match": {"kind": "u"}}, {"$project": {"history": 0, "held": 0, "ways": 0}})
_USER: Document = {"$lookup": {"from": "people", "localField": "owner", "foreignField": "_id", "pipeline": _SANS_HISTORY, "as": "user"}}
_SIGN_IN = "s"  # the kind of the document of a sign-in, as it was when there were no others
KINDS = (_SIGN_IN, "grant", "token")  # all that are sessions
_FORGOTTEN = {"$set": {"count": 0, "until": 0, "gone": datetime(1970, 1, 1, tzinfo=UTC)}}


class Sessions(Part):
    """Verbs on sessions."""

    def open_session(self, session: Session, *, forgive: Sequence[str] = (), event: Event | None = None) -> None:
        forgotten = [{"q": {"_id": f"a:{key}"}, "u": _FORGOTTEN} for key in waits.attempt_ids(forgive, self._sealer)]
        self._begin(session, event, forgotten)
        if session.kind == "grant":
            self._require_ground(session)

    def session_by_cookie(self, digest: str, now: datetime) -> tuple[Session, User] | None:
        live = {"cookie": digest, "closed_at": None, "expires_at": {"$gt": records.millis(now)}}
        with told():
            found = self._mongo.few("activity", [{"$match": live}, _USER])
        if not found or not found[0]["user"]:
            return None
        user = records.user_of(record(found[0]["user"][0]), self._sealer)
        return self._session(found[0]), user

    def session_by_id(self, session_id: str) -> Session | None:
        if not records.is_id(session_id):
            return None
        with told():
            found = self._mongo.one("activity", {"_id": f"s:{session_id}"})
        return None if found is None else self._session(found)

    def sessions_of(
        self,
        user_id: str,
        now: datetime,
        *,
        ended: bool = False,
        kinds: Sequence[str] = ("sign_in",),
        after: str | None = None,
        limit: int = 50,
    ) -> Page[Session]:
        at = records.millis(now)
        over: Document = {
            "owner": f"u:{user_id}",
            "kind": _one_of(kinds),
            "$and": [{"$or": [{"closed_at": {"$gt": 0}}, {"expires_at": {"$lte": at}}]}],
        }
        further = {} if after is None else after_cursor("s", *records.parse_cursor(after), newest_first=True)
        hers = over if ended else _live(user_id, at, kinds)
        with told():
            found = list(self._mongo["activity"].find({**hers, **further}).sort(NEWEST_FIRST).limit(limit + 1))
        return records.page([_row(item) for item in found], limit, lambda row: records.session_of(row, self._sealer))

    def sessions_under(self, parent: str, now: datetime) -> Sequence[Session]:
        if not records.is_id(parent):
            return ()
        under = {"parent": parent, "close_reason": "", "closed_at": None, "expires_at": {"$gt": records.millis(now)}}
        with told():
            found = list(self._mongo["activity"].find(under))
        return tuple(sorted((self._session(item) for item in found), key=lambda session: (session.created_at, session.id)))

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

    def touch_session(self, session_id: str, now: datetime, client: Client | None = None) -> None:
        at = records.millis(now)
        where: Document = {"_id": f"s:{session_id}", "closed_at": None}
        change: Document = {"$max": {"seen_at": at}}
        if client is not None and records.is_id(session_id):
            where["$or"] = [{"seen_at": None}, {"seen_at": {"$lt": at}}]
            change["$set"] = {"seen_from": records.seen_from(session_id, client, self._sealer)}
        with told():
            self._mongo.update("activity", [{"q": where, "u": change}], ordered=True)

    def cap_sessions(self, user_id: str, most: int, reason: str, now: datetime) -> int:
        at = records.millis(now)
        hers = _live(user_id, at, ("sign_in",))
        with told():
            surplus = [item["_id"] for item in self._mongo["activity"].find(hers, {"_id": 1}).sort(NEWEST_FIRST).skip(most)]
            return self._end(surplus, at, reason) if surplus else 0

    def rotate_refresh(self, session_id: str, presented: str, successor: str, now: datetime, grace: timedelta) -> Rotation:
        if not records.is_id(session_id):
            return Rotation("closed")
        at = records.millis(now)
        current = {"_id": f"s:{session_id}", "refresh": presented, "closed_at": None, "expires_at": {"$gt": at}}
        swap = {"$set": {"spent": presented, "refresh": successor, "rotated_at": at}}
        with told():
            found = self._mongo.change("activity", current, update=swap, new=True)
        if found is not None:
            return Rotation("rotated", self._session(found))
        return not_rotated(self, session_id, presented, now, grace)

    def close_session(self, session_id: str, reason: str, now: datetime) -> bool:
        if not records.is_id(session_id):
            return False
        with told():
            return self._end([f"s:{session_id}"], records.millis(now), reason) == 1

    def close_sessions(
        self,
        user_id: str,
        reason: str,
        now: datetime,
        *,
        keep: str | None = None,
        kinds: Sequence[str] = ("sign_in", "grant", "token"),
        application: str | None = None,
    ) -> int:
        at = records.millis(now)
        hers = _live(user_id, at, kinds)
        if keep is not None:
            hers |= {"_id": {"$ne": f"s:{keep}"}, "parent": {"$ne": keep}}
        if application is not None:
            hers["application"] = application
        with told():
            return self._end_all(hers, at, reason)

    def closed_since(self, moment: datetime) -> Sequence[str]:
        with told():
            found = list(self._mongo["activity"].find({"closed_at": {"$gte": max(1, records.millis(moment))}}, {"_id": 1}))
        return tuple(item["_id"][2:] for item in found)

    def _end(self, places: Sequence[str], at: int, reason: str) -> int:
        """End these and what was given in them; how many of these. One command, so that no crash comes in between: whoever is
        given something meanwhile either is seen by its last step, or sees what its second step did."""
        turn = ObjectId()  # by which the ones ended here are told from those that a rival ended at the same moment
        under: Document = {
            "parent": {"$in": [place[2:] for place in places]},
            "close_reason": "",
            "closed_at": None,
            "offline": {"$ne": True},
        }
        bound = {"q": under, "u": _ending(at, reason), "multi": True}
        these = {"q": {"_id": {"$in": list(places)}, "closed_at": None}, "u": _ending(at, reason, turn=turn), "multi": True}
        if not self._mongo.touched("activity", [bound, these, bound]):
            return 0
        return self._mongo["activity"].with_options(read_concern=NEWEST).count_documents({"_id": {"$in": list(places)}, "turn": turn})

    def _end_all(self, which: Document, at: int, reason: str) -> int:
        """End all of these, and once more for what was given meanwhile in one of them that was still open."""
        step = {"q": which, "u": _ending(at, reason), "multi": True}
        return self._mongo.touched("activity", [step, step])

    def _require_ground(self, session: Session) -> None:
        """An application that was removed, and a session that ended, give nothing any more: not at this very moment either."""
        where = {"_id": f"s:{session.parent}", "owner": f"u:{session.user_id}", "closed_at": None}
        with told():
            gone = not self._mongo.stands("applications", {"_id": f"c:{session.application}"})
            if not gone and (not session.parent or self._mongo.stands("activity", where)):
                return
            self._mongo["activity"].delete_one({"_id": f"s:{session.id}"})
        raise AuthError("conflict")

    def _session(self, found: Mapping[str, Any]) -> Session:
        return records.session_of(_row(found), self._sealer)

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
        made["kind"] = _one_of((session.kind,))
        absent = {"_id": made.pop("_id"), "owner": {"$exists": False}}
        return {"q": absent, "u": {"$set": made}, "upsert": True}


def _live(user_id: str, at: int, kinds: Sequence[str]) -> Document:
    """Her open, unexpired sessions; the empty reason is what their index goes by, which does without the many that were ended."""
    return {"owner": f"u:{user_id}", "kind": _one_of(kinds), "close_reason": "", "closed_at": None, "expires_at": {"$gt": at}}


def _one_of(kinds: Sequence[str]) -> Any:
    places = [_SIGN_IN if kind == "sign_in" else kind for kind in kinds]
    return places[0] if len(places) == 1 else {"$in": places}


def _row(found: Mapping[str, Any]) -> record:
    return record({**found, "kind": "sign_in" if found["kind"] == _SIGN_IN else found["kind"]})


def _ending(at: int, reason: str, **more: Any) -> Document:
    """What is set when a session ends; from then on its owner may look back at it for as long as at any other."""
    return {"$set": {"closed_at": at, "close_reason": reason, "gone": records.moment(at + records.KEEP_SESSION), **more}}
