"""Applications, and what people let them have, in MongoDB: whoever adds looks once more at what it stands on, whoever removes too."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from pymongo.errors import DuplicateKeyError

from authenticator.applications import Application, Grant
from authenticator.errors import AuthError
from authenticator.models import Page
from authenticator.storage import records
from authenticator.storage.mongo.client import OLDEST_FIRST, Document, after_cursor, document, record, told
from authenticator.storage.mongo.sessions import Sessions


class Applications(Sessions):
    """Verbs on applications and grants."""

    def add_application(self, application: Application) -> bool:
        kept = self._application(application)
        try:
            with told():
                self._require_person(application.owner)
                self._mongo["applications"].insert_one(kept)
        except DuplicateKeyError:
            return False
        self._keep_if(kept["_id"], application.owner)
        return True

    def application(self, application_id: str) -> Application | None:
        if not records.is_id(application_id):
            return None
        with told():
            found = self._mongo.one("applications", {"_id": f"c:{application_id}"})
        return None if found is None else records.application_of(_row(found), self._sealer)

    def applications(self, *, owner: str | None = None, after: str | None = None, limit: int = 50) -> Page[Application]:
        where: Document = {"kind": "c"} if owner is None else {"kind": "c", "owner": _owner(owner)}
        further = {} if after is None else after_cursor("c", *records.parse_cursor(after), newest_first=False)
        with told():
            found = list(self._mongo["applications"].find({**where, **further}).sort(OLDEST_FIRST).limit(limit + 1))
        return records.page([_row(item) for item in found], limit, lambda row: records.application_of(row, self._sealer))

    def save_application(self, application: Application) -> bool:
        kept = self._application(application)
        known = {"_id": kept.pop("_id"), "kind": kept.pop("kind"), "version": kept.pop("version")}
        with told():
            self._require_person(application.owner)
            return self._mongo["applications"].update_one(known, {"$set": kept, "$inc": {"version": 1}}).modified_count == 1

    def remove_application(self, application_id: str, now: datetime) -> bool:
        """The application goes last but for a second look, so that a crash before is made good by the next call."""
        if not records.is_id(application_id):
            return False
        with told():
            self._empty(application_id, now)
            gone = self._mongo["applications"].delete_one({"_id": f"c:{application_id}"}).deleted_count == 1
            self._empty(application_id, now)  # what came to be meanwhile
            return gone

    def end_given(self, application_id: str, reason: str, now: datetime) -> int:
        if not records.is_id(application_id):
            return 0
        with told():
            return self._end_all(_given(application_id), records.millis(now), reason)

    def grant(self, user_id: str, application_id: str) -> Grant | None:
        if not records.is_id(user_id) or not records.is_id(application_id):
            return None
        with told():
            found = self._mongo.one("applications", {"_id": _place(user_id, application_id)})
        return None if found is None else records.grant_of(record(found), self._sealer)

    def grants_of(self, user_id: str) -> Sequence[Grant]:
        if not records.is_id(user_id):
            return ()
        with told():
            found = list(self._mongo["applications"].find({"owner": f"u:{user_id}", "kind": "g"}).sort(OLDEST_FIRST))
        return tuple(records.grant_of(record(item), self._sealer) for item in found)

    def save_grant(self, grant: Grant) -> bool:
        row = records.grant_record(grant, self._sealer)
        place = _place(grant.user_id, grant.application)
        if grant.version == 0:
            return self._first_grant(document("g", {**row, "id": place[2:], "version": 1}), grant)
        agreed = {name: row[name] for name in ("updated_at", "facts")}
        with told():
            known = {"_id": place, "version": grant.version}
            return self._mongo["applications"].update_one(known, {"$set": agreed, "$inc": {"version": 1}}).modified_count == 1

    def note_read(self, user_id: str, application_id: str, scopes: Sequence[str], now: datetime) -> None:
        place = {"_id": _place(user_id, application_id)}
        while True:
            with told():
                found = self._mongo.one("applications", place, {"read_at": 1})
                if found is None:
                    return
                times = {**json.loads(found["read_at"]), **dict.fromkeys(scopes, records.millis(now))}
                after = {"$set": {"read_at": json.dumps(times, separators=(",", ":"), sort_keys=True)}}
                if self._mongo["applications"].update_one({**place, "read_at": found["read_at"]}, after).matched_count:
                    return

    def remove_grant(self, user_id: str, application_id: str, now: datetime) -> bool:
        """Sessions end before the grant goes and once more after it, so that a crash in between leaves none open."""
        if not records.is_id(user_id) or not records.is_id(application_id):
            return False
        hers = {**_given(application_id), "owner": f"u:{user_id}"}
        with told():
            ended = self._end_all(hers, records.millis(now), "consent_withdrawn")
            had = self._mongo["applications"].delete_one({"_id": _place(user_id, application_id)}).deleted_count
            ended += self._end_all(hers, records.millis(now), "consent_withdrawn")
            return bool(had or ended)

    def _empty(self, application_id: str, now: datetime) -> None:
        """All that was given to an application."""
        self._mongo["applications"].delete_many({"application": application_id, "kind": "g"})
        self._end_all(_given(application_id), records.millis(now), "application_removed")

    def _first_grant(self, kept: Document, grant: Grant) -> bool:
        try:
            with told():
                self._require_person(grant.user_id)
                self._require_application(grant.application)
                self._mongo["applications"].insert_one(kept)
        except DuplicateKeyError:
            return False
        self._keep_if(kept["_id"], grant.user_id, grant.application)
        return True

    def _keep_if(self, place: str, user_id: str, application_id: str = "") -> None:
        """Take back what was added, if what it stands on went at this very moment: whoever removes that looks only once more."""
        try:
            with told():
                self._require_person(user_id)
                self._require_application(application_id)
        except AuthError as error:
            if error.code == "conflict":
                with told():
                    self._mongo["applications"].delete_one({"_id": place})
            raise

    def _require_person(self, user_id: str) -> None:
        if user_id and not self._mongo.stands("people", {"_id": f"u:{user_id}", "kind": "u"}):
            raise AuthError("conflict")

    def _require_application(self, application_id: str) -> None:
        if application_id and not self._mongo.stands("applications", {"_id": f"c:{application_id}"}):
            raise AuthError("conflict")

    def _application(self, application: Application) -> Document:
        kept = document("c", records.application_record(application, self._sealer))
        return {**kept, "owner": _owner(application.owner)}


def _given(application_id: str) -> Document:
    return {"application": application_id, "close_reason": "", "closed_at": None}


def _place(user_id: str, application_id: str) -> str:
    return f"g:{user_id} {application_id}"  # no id has a space


def _owner(user_id: str) -> str:
    return f"u:{user_id}" if user_id else ""


def _row(found: Document) -> Document:
    return {**record(found), "owner": found["owner"][2:]}
