"""Attempts in MongoDB: one command for any number of counters, each a conditional upsert.

A counter over its bound does not match its own filter, so the upsert tries to insert a second document of the same
`_id`; the server's refusal of that is the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from authenticator.errors import AuthError
from authenticator.events import Event
from authenticator.limits import Backoff, Limit
from authenticator.storage import records, waits
from authenticator.storage.mongo.client import DUPLICATE, NEWEST, Document, Part, told
from authenticator.storage.mongo.events import event_step

_TRIES = 10


class Attempts(Part):
    """Verbs on attempts."""

    def count_attempts(self, counters: Sequence[Limit | Backoff], now: datetime, *, event: Event | None = None) -> int:
        never = max((waits.wait_of_none(counter) for counter in counters), default=0)
        counted = [] if never else counters
        ids = waits.attempt_ids([counter.key for counter in counted], self._sealer)
        steps = [(f"a:{key}", counter) for key, counter in zip(ids, counted, strict=True)]
        at, wait = records.millis(now), never
        beside = [] if event is None else [event_step(event, self._sealer)]
        if not steps and not beside:
            return wait
        for _ in range(_TRIES):
            refused = self._count(steps, at, beside)
            if not refused:
                return wait
            beside = []
            steps, longest = self._sort_out([steps[index] for index in refused], at)
            wait = max(wait, longest)
            if not steps:
                return wait
        return max(wait, 1)

    def forgive(self, keys: Sequence[str]) -> None:
        if keys:
            with told():
                self._mongo["activity"].delete_many({"_id": {"$in": [f"a:{key}" for key in waits.attempt_ids(keys, self._sealer)]}})

    def _count(self, steps: Sequence[tuple[str, Limit | Backoff]], at: int, beside: Sequence[Document]) -> list[int]:
        """Count each, and do what shares the command; the positions of those that were refused."""
        with told():
            counts = [_step(place, counter, at) for place, counter in steps]
            refused = self._mongo.update("activity", [*counts, *beside], ordered=False)
        if any(item["code"] != DUPLICATE for item in refused):
            raise AuthError("store_unavailable")
        return [int(item["index"]) for item in refused if item["index"] < len(counts)]

    def _sort_out(self, steps: Sequence[tuple[str, Limit | Backoff]], at: int) -> tuple[list[tuple[str, Limit | Backoff]], int]:
        """Those to try again, because two inserted at once and there is room still; and the longest wait of the others."""
        with told():
            newest = self._mongo["activity"].with_options(read_concern=NEWEST)
            rows = list(newest.find({"_id": {"$in": [place for place, _ in steps]}}, {"count": 1, "until": 1}))
        found = {row["_id"]: row for row in rows}
        again = [(place, counter) for place, counter in steps if place not in found or _has_room(found[place], counter, at)]
        theirs = [
            waits.wait_of(counter, found[place]["until"], found[place]["count"], at)
            for place, counter in steps
            if place in found and not _has_room(found[place], counter, at)
        ]
        return again, max(theirs, default=0)


def _has_room(row: Document, counter: Limit | Backoff, at: int) -> bool:
    if isinstance(counter, Limit):
        return bool(row["until"] <= at or row["count"] < counter.allowed)
    return bool((row["until"] <= at or row["count"] <= counter.free) and row["count"] < counter.dead)


def _step(place: str, counter: Limit | Backoff, at: int) -> Document:
    if isinstance(counter, Limit):
        return _limit_step(place, counter, at)
    return _backoff_step(place, counter, at)


def _limit_step(place: str, limit: Limit, at: int) -> Document:
    """A fixed window: a fresh one starts when the last has ended."""
    end = at + limit.seconds * 1000
    over = {"$lte": [{"$ifNull": ["$until", 0]}, at]}
    fresh: Document = {
        "kind": "a",
        "count": {"$cond": [over, 1, {"$add": ["$count", 1]}]},
        "until": {"$cond": [over, end, "$until"]},
        "gone": {"$cond": [over, records.moment(end), "$gone"]},
    }
    room = {"_id": place, "$or": [{"until": {"$lte": at}}, {"count": {"$lt": limit.allowed}}]}
    return {"q": room, "u": [{"$set": fresh}], "upsert": True}


def _backoff_step(place: str, backoff: Backoff, at: int) -> Document:
    """Attempts in a row: the next count sets the next wait."""
    count: Any = {"$add": [{"$ifNull": ["$count", 0]}, 1]}
    branches, number = [{"case": {"$lte": ["$count", backoff.free]}, "then": at}], backoff.free + 1
    while backoff.wait(number) < backoff.wait(number + 1):
        branches.append({"case": {"$lte": ["$count", number]}, "then": at + backoff.wait(number) * 1000})
        number += 1
    until = {"$switch": {"branches": branches, "default": at + backoff.wait(number) * 1000}}
    room = {"_id": place, "$or": [{"until": {"$lte": at}}, {"count": {"$lte": backoff.free}}], "count": {"$lt": backoff.dead}}
    return {"q": room, "u": [{"$set": {"kind": "a", "count": count, "gone": "$$REMOVE"}}, {"$set": {"until": until}}], "upsert": True}
