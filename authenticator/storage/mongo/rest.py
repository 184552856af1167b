"""Signing keys and the clean-up, in MongoDB."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pymongo.errors import DuplicateKeyError

from authenticator.models import SigningKey
from authenticator.storage import records
from authenticator.storage.mongo.client import Part, told


class Rest(Part):
    """Verbs on signing keys, and the one that tidies up."""

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

    def purge(self, now: datetime) -> int:
        """What the server's own tidying (once a minute, by its own clock) has not removed yet."""
        with told():
            removed = sum(
                self._mongo[name].delete_many({"gone": {"$lte": now}}).deleted_count for name in ("tickets", "activity", "people")
            )
            retired = {"retired_at": {"$lte": records.millis(now), "$ne": None}}
            return removed + self._mongo["signing_keys"].delete_many(retired).deleted_count
