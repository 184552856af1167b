"""The history in MongoDB: events by user and over everybody."""

from __future__ import annotations

from pymongo.errors import DuplicateKeyError

from authenticator.errors import AuthError
from authenticator.events import Event
from authenticator.models import Page
from authenticator.storage import records
from authenticator.storage.mongo.client import NEWEST_FIRST, Document, Part, after_cursor, document, record, told
from authenticator.storage.sealing import Sealer


class Events(Part):
    """Verbs on events."""

    def append_event(self, event: Event) -> None:
        try:
            with told():
                self._mongo["activity"].insert_one(_kept(event, self._sealer))
        except DuplicateKeyError:
            raise AuthError("conflict") from None

    def events_of(self, user_id: str, *, after: str | None = None, limit: int = 50) -> Page[Event]:
        return self._events({"owner": f"u:{user_id}", "kind": "e"}, after, limit)

    def events(self, *, after: str | None = None, limit: int = 50) -> Page[Event]:
        return self._events({"kind": "e"}, after, limit)

    def _events(self, where: Document, after: str | None, limit: int) -> Page[Event]:
        further = {} if after is None else after_cursor("e", *records.parse_cursor(after), newest_first=True)
        with told():
            found = list(self._mongo["activity"].find({**where, **further}).sort(NEWEST_FIRST).limit(limit + 1))
        rows = [record({**item, "kind": item["event"]}) for item in found]
        return records.page(rows, limit, lambda row: records.event_of(row, self._sealer))


def event_step(event: Event, sealer: Sealer) -> Document:
    """The update that writes an event in place of one of its id, to share a command with others."""
    kept = _kept(event, sealer)
    return {"q": {"_id": kept["_id"]}, "u": kept, "upsert": True}


def _kept(event: Event, sealer: Sealer) -> Document:
    return document("e", records.event_record(event, sealer), event=event.kind)
