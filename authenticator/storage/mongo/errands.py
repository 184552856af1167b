"""Tickets and errands in MongoDB: what waits to be taken, once. Both are in one collection, so that one command writes both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from authenticator.errors import AuthError
from authenticator.models import Errand
from authenticator.storage import records
from authenticator.storage.mongo.client import DUPLICATE, Document, Part, document, record, told


class Errands(Part):
    """Verbs on tickets and errands."""

    def issue_ticket(
        self, kind: str, digest: str, payload: Mapping[str, Any], expires_at: datetime, *, errands: Sequence[Errand] = ()
    ) -> None:
        key = records.ticket_id(kind, digest, self._sealer)
        row = records.ticket_record(key, payload, expires_at, self._sealer)
        ticket = {"q": {"_id": f"t:{key}"}, "u": document("t", row, gone=row["expires_at"]), "upsert": True}
        with told():
            refused = self._mongo.update("tickets", [ticket, *self._errand_steps(errands)], ordered=False)
        if any(item["index"] == 0 or item["code"] != DUPLICATE for item in refused):
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

    def put_errands(self, errands: Sequence[Errand]) -> None:
        if not errands:
            return
        with told():
            refused = self._mongo.update("tickets", self._errand_steps(errands), ordered=False)
        if any(item["code"] != DUPLICATE for item in refused):
            raise AuthError("store_unavailable")

    def claim_errands(self, now: datetime, until: datetime, limit: int = 20) -> Sequence[Errand]:
        due = {"due_at": {"$gt": 0, "$lte": records.millis(now)}}  # the first bound is the one that the index was made with
        lease = {"$set": {"due_at": records.millis(until)}}
        claimed: list[Errand] = []
        while len(claimed) < limit:
            with told():
                found = self._mongo.change("tickets", due, sort={"due_at": 1, "_id": 1}, update=lease, new=True)
            if found is None:
                break
            claimed.append(records.errand_of(record({**found, "kind": found["errand"]}), self._sealer))
        return tuple(claimed)

    def finish_errand(self, errand_id: str) -> None:
        with told():
            self._mongo.change("tickets", {"_id": f"q:{errand_id}"}, remove=True)

    def postpone_errand(self, errand_id: str, due_at: datetime) -> None:
        later = {"$set": {"due_at": records.millis(due_at)}, "$inc": {"tries": 1}}
        with told():
            self._mongo.update("tickets", [{"q": {"_id": f"q:{errand_id}"}, "u": later}], ordered=True)

    def _errand_steps(self, errands: Sequence[Errand]) -> list[Document]:
        kept = [document("q", records.errand_record(errand, self._sealer), errand=errand.kind) for errand in errands]
        return [{"q": {"_id": item.pop("_id")}, "u": {"$setOnInsert": item}, "upsert": True} for item in kept]
