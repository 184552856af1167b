"""Login keys in MongoDB: a claim (`k:<digest>`) counts only while its owner exists and lists it as `held`.

A new user is written after her claims, in the same command: a crash in between leaves claims of nobody, and whoever
wants one of those first writes a tombstone in the place of the missing user, so that a slow creator can't come after.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import InsertOne
from pymongo.errors import BulkWriteError, DuplicateKeyError

from authenticator.errors import AuthError
from authenticator.events import Event
from authenticator.models import HeldKey, Login, LoginKey, NewKey, Session, User
from authenticator.storage import records
from authenticator.storage.mongo.client import Document, document, record, told
from authenticator.storage.mongo.sessions import Sessions
from authenticator.storage.port import KeyTaken, LastWayIn

_UNUSED = timedelta(seconds=15)  # a claim that its living owner does not list for longer than any write may take is abandoned
_TOMBSTONE = timedelta(days=1)
_SANS_HISTORY: Sequence[Document] = ({"$match": {"kind": "u"}}, {"$project": {"history": 0}})
_OWNER: Document = {"$lookup": {"from": "people", "localField": "owner", "foreignField": "_id", "pipeline": _SANS_HISTORY, "as": "user"}}


class Claims(Sessions):
    """Verbs on login keys, and the birth of users."""

    def create_user(self, user: User, keys: Sequence[NewKey], session: Session | None = None, *, event: Event | None = None) -> None:
        wanted = {records.key_id(new.key, self._sealer): new for new in keys}
        claims = [self._claim(user.id, wanted[key], user.created_at) for key in sorted(wanted)]
        ways = [key for key, new in wanted.items() if new.way_in]
        person = document("u", records.user_record(user, self._sealer), held=list(wanted), ways=ways, history=[])
        if session is not None or event is not None:
            self._begin(session, event)  # nobody sees a session before its user is there
        try:
            with told():
                self._write_in_order([*claims, person], wanted)
        except (KeyTaken, DuplicateKeyError) as refused:
            self._undo(user.id, list(wanted), session, event)
            if isinstance(refused, KeyTaken):
                raise
            raise AuthError("conflict") from None

    def find_login(self, key: LoginKey) -> Login | None:
        with told():
            found = self._mongo.few("people", [{"$match": {"_id": self._place(key)}}, _OWNER])
        return self._login(found[0]) if found and _valid(found[0]) else None

    def login_behind(self, alias: LoginKey, provider: str) -> Login | None:
        places = {"$map": {"input": {"$first": "$user.held"}, "in": {"$concat": ["k:", "$$this"]}}}
        mine = [{"$match": {"provider": provider}}, {"$limit": 1}]
        steps: list[Document] = [
            {"$match": {"_id": self._place(alias)}},
            _OWNER,
            {"$addFields": {"places": places}},
            {"$lookup": {"from": "people", "localField": "places", "foreignField": "_id", "pipeline": mine, "as": "key"}},
        ]
        with told():
            found = self._mongo.few("people", steps)
        if not found or not _valid(found[0]) or not found[0]["key"]:
            return None
        return self._login({**found[0]["key"][0], "user": found[0]["user"]})

    def logins_of(self, user_id: str, provider: str) -> Sequence[Login]:
        if not records.is_id(user_id):
            return ()
        places = {"$map": {"input": "$held", "in": {"$concat": ["k:", "$$this"]}}}
        theirs = [{"$match": {"provider": provider}}]
        steps: list[Document] = [
            {"$match": {"_id": f"u:{user_id}", "kind": "u"}},
            {"$addFields": {"places": places}},
            {"$lookup": {"from": "people", "localField": "places", "foreignField": "_id", "pipeline": theirs, "as": "keys"}},
            {"$project": {"history": 0}},
        ]
        with told():
            found = self._mongo.few("people", steps)
        logins = [self._login({**key, "user": [item]}) for item in found for key in item["keys"] if key["owner"] == item["_id"]]
        return tuple(sorted(logins, key=lambda login: (login.key.created_at, login.key.id)))

    def _login(self, claim: Mapping[str, Any]) -> Login:
        held = record(claim)
        user = records.user_of(record(claim["user"][0]), self._sealer)
        return Login(user, records.held_of(held, self._sealer), records.secret_of(held, self._sealer))

    def owners(self, keys: Sequence[LoginKey]) -> Mapping[LoginKey, str]:
        by_place = {self._place(key): key for key in keys}
        if not by_place:
            return {}
        with told():
            found = self._mongo.few("people", [{"$match": {"_id": {"$in": list(by_place)}}}, _OWNER])
        return {by_place[item["_id"]]: item["owner"][2:] for item in found if _valid(item)}

    def keys_of(self, user_id: str) -> Sequence[HeldKey]:
        if not records.is_id(user_id):
            return ()
        places = {"$map": {"input": "$held", "in": {"$concat": ["k:", "$$this"]}}}
        mine: list[Document] = [
            {"$match": {"_id": f"u:{user_id}", "kind": "u"}},
            {"$project": {"places": places}},
            {"$lookup": {"from": "people", "localField": "places", "foreignField": "_id", "as": "claims"}},
        ]
        with told():
            found = list(self._mongo["people"].aggregate(mine))
        claims = [record(claim) for item in found for claim in item["claims"] if claim["owner"] == f"u:{user_id}"]
        held = [records.held_of(claim, self._sealer) for claim in claims]
        return tuple(sorted(held, key=lambda key: (key.created_at, key.id)))

    def add_login_key(self, user_id: str, new: NewKey, now: datetime) -> None:
        claim = self._claim(user_id, new, now)
        key_id = claim["_id"][2:]
        with told():
            if not self._mongo["people"].find_one({"_id": f"u:{user_id}", "kind": "u"}, {"_id": 1}):
                raise AuthError("conflict")
            self._insert_claim(claim, new)
            lists = {"$addToSet": {"held": key_id, **({"ways": key_id} if new.way_in else {})}}
            self._mongo["people"].update_one({"_id": f"u:{user_id}", "kind": "u", "held": {"$ne": key_id}}, lists)

    def remove_login_key(self, user_id: str, key: str | LoginKey) -> bool:
        """Her own document decides, in one step; the claim that it no longer lists is then worth nothing."""
        key_id = records.key_id(key, self._sealer) if isinstance(key, LoginKey) else key
        if not records.is_id(key_id) or not records.is_id(user_id):
            return False
        hers = {"_id": f"u:{user_id}", "kind": "u", "held": key_id}
        spare = {"$or": [{"ways": {"$ne": key_id}}, {"ways": {"$elemMatch": {"$ne": key_id}}}]}
        people = self._mongo["people"]
        with told():
            if people.update_one({**hers, **spare}, {"$pull": {"held": key_id, "ways": key_id}}).modified_count:
                people.delete_one({"_id": f"k:{key_id}", "owner": f"u:{user_id}"})
                return True
            if people.find_one(hers, {"_id": 1}):
                raise LastWayIn("the only way into the account stays")
        return False

    def swap_secret(self, key_id: str, old: str | None, new: str) -> bool:
        known = {"_id": f"k:{key_id}", "secret_mark": records.secret_mark(key_id, old, self._sealer)}
        with told():
            return self._mongo["people"].update_one(known, {"$set": records.secret_record(key_id, new, self._sealer)}).modified_count == 1

    def _place(self, key: LoginKey) -> str:
        return f"k:{records.key_id(key, self._sealer)}"

    def _claim(self, user_id: str, new: NewKey, now: datetime) -> Document:
        return document("k", records.key_record(user_id, new, now, self._sealer), claimed=datetime.now(UTC))

    def _write_in_order(self, documents: list[Document], wanted: Mapping[str, NewKey]) -> None:
        """All in one command as a rule; once more from where a claim of nobody stood in the way."""
        while documents:
            try:
                self._mongo["people"].bulk_write([InsertOne(item) for item in documents], ordered=True)
            except BulkWriteError as refused:
                fault = refused.details["writeErrors"][0]
                documents = documents[int(fault["index"]) :]
                blocked = documents[0]
                if blocked["kind"] == "u":
                    self._refuse_person(blocked, wanted)
                self._make_room(blocked, wanted[blocked["_id"][2:]])
            else:
                return

    def _refuse_person(self, person: Document, wanted: Mapping[str, NewKey]) -> None:
        """Her place is not free: another user has the id, or a tombstone says that somebody took over one of the claims."""
        if self._mongo["people"].find_one({"_id": person["_id"], "kind": "u"}, {"_id": 1}):
            raise DuplicateKeyError("a user id was drawn twice")
        taken = self.owners([new.key for new in wanted.values()])
        raise KeyTaken(next(iter(taken), next(iter(wanted.values())).key))

    def _insert_claim(self, claim: Document, new: NewKey) -> None:
        """Claim for a user who exists; a claim of hers that is there already stays as it is."""
        while True:
            try:
                self._mongo["people"].insert_one(claim)
            except DuplicateKeyError:
                if self._mongo["people"].find_one({"_id": claim["_id"], "owner": claim["owner"]}, {"_id": 1}):
                    return
                self._make_room(claim, new)
            else:
                return

    def _make_room(self, claim: Document, new: NewKey) -> None:
        """Remove the claim that stands in the way if nobody has a right to it, else KeyTaken."""
        people = self._mongo["people"]
        found = list(people.aggregate([{"$match": {"_id": claim["_id"]}}, _OWNER]))
        if not found:
            return
        rival = found[0]
        if _valid(rival):
            raise KeyTaken(new.key)
        if rival["user"]:
            if datetime.now(UTC) - rival["claimed"].replace(tzinfo=UTC) < _UNUSED:
                raise KeyTaken(new.key)  # its owner may be about to list it
        elif not self._bury(rival["owner"]):
            raise KeyTaken(new.key)
        people.delete_one({"_id": claim["_id"], "owner": rival["owner"]})

    def _bury(self, owner: str) -> bool:
        """Put a tombstone where a user is missing; False if she has come to be at this moment."""
        stone = {"_id": owner, "kind": "dead", "gone": datetime.now(UTC) + _TOMBSTONE}
        try:
            self._mongo["people"].insert_one(stone)
        except DuplicateKeyError:
            return self._mongo["people"].find_one({"_id": owner, "kind": "u"}, {"_id": 1}) is None
        return True

    def _undo(self, user_id: str, keys: list[str], session: Session | None, event: Event | None) -> None:
        """Take back the claims of a user who was not written. Another user of the same id keeps what she lists."""
        with told():
            other: Mapping[str, Any] = self._mongo["people"].find_one({"_id": f"u:{user_id}", "kind": "u"}, {"held": 1}) or {}
            mine = [f"k:{key}" for key in keys if key not in other.get("held", ())]
            self._mongo["people"].delete_many({"_id": {"$in": mine}, "owner": f"u:{user_id}"})
            begun = ([f"s:{session.id}"] if session else []) + ([f"e:{event.id}"] if event else [])
            if begun:
                self._mongo["activity"].delete_many({"_id": {"$in": begun}, "owner": f"u:{user_id}"})


def _valid(claim: Mapping[str, Any]) -> bool:
    """Whether the owner, looked up as `user`, exists and lists the claim."""
    return bool(claim["user"]) and claim["_id"][2:] in claim["user"][0]["held"]
