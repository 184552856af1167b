"""Tickets, signing keys, events and the clean-up, in MongoDB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo.errors import DuplicateKeyError

from authenticator.errors import AuthError
from authenticator.events import Event
from authenticator.models import Page, SigningKey
from authenticator.storage import records
from authenticator.storage.mongo.client import Part, after_cursor, document, record, told


class Rest(Part):
    """Verbs on what is written once: tickets, signing keys and events."""

    def issue_ticket(self, kind: str, digest: str, payload: Mapping[str, Any], expires_at: datetime) -> None:
        key = records.ticket_id(kind, digest, self._sealer)
        row = records.ticket_record(key, payload, expires_at, self._sealer)
        with told():
            step = {"q": {"_id": f"t:{key}"}, "u": document("t", row, gone=row["expires_at"]), "upsert": True}
            if self._mongo.update("tickets", [step], ordered=True):
                raise AuthError("conflict")

    def take_ticket(self, kind: str, digest: str, now: datetime) -> Mapping[str, Any] | None:
        key = records.ticket_id(kind, digest, self._sealer)
        with told():
            found = self._mongo.change("tickets", {"_id": f"t:{key}"}, remove=True)
        return None if found is None else records.ticket_payload(key, found, now, self._sealer)

    def read_ticket(self, kind: str, digest: str, now: datetime) -> Mapping[str, Any] | None:
        key = records.ticket_id(kind, digest, self._sealer)
        with told():
            found = self._mongo.one("tickets", {"_id": f"t:{key}"})
        return None if found is None else records.ticket_payload(key, found, now, self._sealer)

    def add_signing_key(self, key: SigningKey) -> bool:
        row = records.signing_record(key, self._sealer)
        try:
            with told():
                self._mongo["signing_keys"].insert_one({"_id": row["generation"], **row})
        except DuplicateKeyError:
            return False
        return True

    def signing_keys(self) -> Sequence[SigningKey]:
        with told():
            found = list(self._mongo["signing_keys"].find().sort("_id", 1))
        return tuple(records.signing_of(row, self._sealer) for row in found)

    def append_event(self, event: Event) -> None:
        try:
            with told():
                self._mongo["activity"].insert_one(document("e", records.event_record(event, self._sealer), event=event.kind))
        except DuplicateKeyError:
            raise AuthError("conflict") from None

    def events_of(self, user_id: str, *, after: str | None = None, limit: int = 50) -> Page[Event]:
        further = {} if after is None else after_cursor("e", *records.parse_cursor(after), newest_first=True)
        hers = {"owner": f"u:{user_id}", "kind": "e", **further}
        with told():
            found = list(self._mongo["activity"].find(hers).sort([("created_at", -1), ("_id", -1)]).limit(limit + 1))
        rows = [record({**item, "kind": item["event"]}) for item in found]
        return records.page(rows, limit, lambda row: records.event_of(row, self._sealer))

    def purge(self, now: datetime) -> int:
        """What the server's own tidying (once a minute, by its own clock) has not removed yet."""
        with told():
            removed = sum(
                self._mongo[name].delete_many({"gone": {"$lte": now}}).deleted_count for name in ("tickets", "activity", "people")
            )
            retired = {"retired_at": {"$lte": records.millis(now), "$ne": None}}
            return removed + self._mongo["signing_keys"].delete_many(retired).deleted_count
