"""Login keys claimed in MongoDB, and the birth of users.

A new user is written after her claims, in the same command: a crash in between leaves claims of nobody, and whoever
wants one of those first writes a tombstone in the place of the missing user, so that a slow creator can't come after.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId
from pymongo import InsertOne
from pymongo.errors import BulkWriteError, DuplicateKeyError

from authenticator.errors import AuthError
from authenticator.events import Event
from authenticator.models import LoginKey, NewKey, Session, User
from authenticator.storage import records
from authenticator.storage.mongo.client import Document, document, told
from authenticator.storage.mongo.logins import OWNER, Logins, valid
from authenticator.storage.mongo.sessions import Sessions
from authenticator.storage.port import KeyTaken, LastWayIn

_UNUSED = timedelta(seconds=15)  # a claim that its living owner does not list for longer than any write may take is abandoned
_TOMBSTONE = timedelta(days=1)


class Claims(Logins, Sessions):
    """Verbs that claim and free login keys."""

    def create_user(self, user: User, keys: Sequence[NewKey], session: Session | None = None, *, event: Event | None = None) -> None:
        wanted = {records.key_id(new.key, self._sealer): new for new in keys}
        claims = [self._claim(user.id, wanted[key], user.created_at) for key in sorted(wanted)]
        person = self._person(user, wanted)
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

    def add_login_key(self, user_id: str, new: NewKey, now: datetime) -> None:
        """Claim, list the claim, and mark it: a removal at the same moment deletes no claim that was marked after it began."""
        claim, people = self._claim(user_id, new, now), self._mongo["people"]
        key_id, hers = claim["_id"][2:], {"_id": f"u:{user_id}", "kind": "u"}
        way_in = {"ways": key_id} if new.way_in else {}
        mark = {"turn": ObjectId(), **({"way_in": True} if new.way_in else {})}
        with told():
            if not people.find_one(hers, {"_id": 1}):
                raise AuthError("conflict")
            while True:
                try:
                    self._insert_claim(claim, new)
                except KeyTaken:
                    people.update_one(hers, {"$pull": {"held": key_id, "ways": key_id}})  # listed in vain, in a turn before
                    raise
                if not people.update_one(hers, {"$addToSet": {"held": key_id, **way_in}}).matched_count:
                    people.delete_one({"_id": claim["_id"], "owner": claim["owner"]})
                    raise AuthError("conflict")  # erased at this very moment
                if people.update_one({"_id": claim["_id"], "owner": claim["owner"]}, {"$set": mark}).matched_count:
                    return

    def remove_login_key(self, user_id: str, key: str | LoginKey) -> bool:
        """Her own document decides, in one step; the claim that it no longer lists is then worth nothing."""
        key_id = records.key_id(key, self._sealer) if isinstance(key, LoginKey) else key
        if not records.is_id(key_id) or not records.is_id(user_id):
            return False
        hers = {"_id": f"u:{user_id}", "kind": "u", "held": key_id}
        spare = {"$or": [{"ways": {"$ne": key_id}}, {"ways": {"$elemMatch": {"$ne": key_id}}}]}
        people = self._mongo["people"]
        with told():
            claim = people.find_one({"_id": f"k:{key_id}", "owner": f"u:{user_id}"}, {"turn": 1, "owner": 1})
            if people.update_one({**hers, **spare}, {"$pull": {"held": key_id, "ways": key_id}}).modified_count:
                if claim:
                    people.delete_one(_unchanged(claim))
                return True
            if people.find_one(hers, {"_id": 1}):
                raise LastWayIn("the only way into the account stays")
        return False

    def swap_secret(self, key_id: str, old: str | None, new: str) -> bool:
        known = {"_id": f"k:{key_id}", "secret_mark": records.secret_mark(key_id, old, self._sealer)}
        with told():
            return self._mongo["people"].update_one(known, {"$set": records.secret_record(key_id, new, self._sealer)}).modified_count == 1

    def _claim(self, user_id: str, new: NewKey, now: datetime) -> Document:
        return document("k", records.key_record(user_id, new, now, self._sealer), claimed=datetime.now(UTC))

    def _person(self, user: User, wanted: Mapping[str, NewKey]) -> Document:
        ways = [key for key, new in wanted.items() if new.way_in]
        return document("u", records.user_record(user, self._sealer), held=list(wanted), ways=ways, history=[])

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
                rival = self._standing(blocked["_id"])
                if rival:
                    self._make_room(rival, wanted[blocked["_id"][2:]])
            else:
                return

    def _refuse_person(self, person: Document, wanted: Mapping[str, NewKey]) -> None:
        """Her place is not free: another user has the id, or a tombstone says that somebody took over one of the claims."""
        if self._mongo["people"].find_one({"_id": person["_id"], "kind": "u"}, {"_id": 1}):
            raise DuplicateKeyError("a user id was drawn twice")
        taken = self.owners([new.key for new in wanted.values()])
        raise KeyTaken(next(iter(taken), next(iter(wanted.values())).key))

    def _insert_claim(self, claim: Document, new: NewKey) -> None:
        """Claim for a user who exists. A claim of hers that she lists stays as it is; one that she does not list gives way."""
        people = self._mongo["people"]
        while True:
            try:
                people.insert_one(claim)
            except DuplicateKeyError:
                there = self._standing(claim["_id"])
                if there and there["owner"] != claim["owner"]:
                    self._make_room(there, new)
                elif there and valid(there):
                    return
                elif there:
                    people.delete_one(_unchanged(there))
            else:
                return

    def _standing(self, place: str) -> Document | None:
        """The claim in this place, with its owner looked up."""
        return next(iter(self._mongo["people"].aggregate([{"$match": {"_id": place}}, OWNER])), None)

    def _make_room(self, rival: Document, new: NewKey) -> None:
        """Remove the claim that stands in the way if nobody has a right to it, else KeyTaken."""
        if valid(rival):
            raise KeyTaken(new.key)
        if rival["user"]:
            if datetime.now(UTC) - rival["claimed"].replace(tzinfo=UTC) < _UNUSED:
                raise KeyTaken(new.key)  # its owner may be about to list it
        elif not self._bury(rival["owner"]):
            raise KeyTaken(new.key)
        self._mongo["people"].delete_one(_unchanged(rival))

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


def _unchanged(claim: Mapping[str, Any]) -> Document:
    """The claim, unless its owner has marked it since."""
    return {"_id": claim["_id"], "owner": claim["owner"], "turn": claim.get("turn")}
