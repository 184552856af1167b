"""Many users stored at once, and one erased with all that is hers, in MongoDB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from pymongo.errors import BulkWriteError

from authenticator.models import LoginKey, NewKey, User
from authenticator.storage import records
from authenticator.storage.bulk import first_come
from authenticator.storage.mongo.applications import Applications
from authenticator.storage.mongo.claims import Claims
from authenticator.storage.mongo.client import Document, told
from authenticator.storage.mongo.logins import OWNER, valid
from authenticator.storage.mongo.sessions import KINDS
from authenticator.storage.port import KeyTaken

_AT_ONCE = 500  # users in one command, which has to end within seconds on a busy server too
_EVENTS_AT_ONCE = 5000

Person = tuple[User, Sequence[NewKey]]
Wanted = Mapping[str, NewKey]


class Bulk(Claims, Applications):
    """Verbs on users that touch many documents."""

    def create_users(self, people: Sequence[Person]) -> Sequence[LoginKey | None]:
        clashes: list[LoginKey | None] = []
        for start in range(0, len(people), _AT_ONCE):
            with told():
                clashes += self._create_some(people[start : start + _AT_ONCE])
        return clashes

    def erase_user(self, user_id: str, pseudonym: str, now: datetime) -> bool:
        """The user goes last but for a second look, so that a crash before is made good by the next call."""
        if not records.is_id(user_id):
            return False
        people, hers = self._mongo["people"], {"_id": f"u:{user_id}", "kind": "u"}
        with told():
            person = people.find_one(hers, {"held": 1})
            self._wipe(user_id, pseudonym, person["held"] if person else (), now)  # without her too: a crash may have come after she went
            if person is None:
                return False
            last = people.find_one_and_delete(hers, {"held": 1}) or person
            self._wipe(user_id, pseudonym, last["held"], now)  # what came to be meanwhile
        return True

    def _create_some(self, people: Sequence[Person]) -> list[LoginKey | None]:
        """Claims first, then the persons who got all of theirs; whoever met an obstacle is tried once more by herself."""
        wanted = [{records.key_id(new.key, self._sealer): new for new in keys} for _, keys in people]
        clashes = first_come(wanted, self._owned([key for keys in wanted for key in keys]))
        chosen = [number for number, clash in enumerate(clashes) if clash is None]
        claims = {f"k:{key}": self._claim(people[n][0].id, new, people[n][0].created_at) for n in chosen for key, new in wanted[n].items()}
        refused = self._insert_many(list(claims.values()))
        apart = {n for n in chosen if any(f"k:{key}" in refused for key in wanted[n])}
        persons = {f"u:{people[n][0].id}": self._person(people[n][0], wanted[n]) for n in chosen if n not in apart}
        refused = self._insert_many(list(persons.values()))
        apart |= {n for n in chosen if f"u:{people[n][0].id}" in refused}
        for number in sorted(apart):
            clashes[number] = self._create_apart(*people[number], list(wanted[number]))
        return clashes

    def _create_apart(self, user: User, keys: Sequence[NewKey], ids: list[str]) -> LoginKey | None:
        self._undo(user.id, ids, None, None)
        try:
            self.create_user(user, keys)
        except KeyTaken as taken:
            return taken.key
        return None

    def _owned(self, keys: Sequence[str]) -> set[str]:
        """Which of the keys belong to somebody."""
        places = {"$match": {"_id": {"$in": [f"k:{key}" for key in keys]}}}
        return {item["_id"][2:] for item in self._mongo["people"].aggregate([places, OWNER]) if valid(item)}

    def _insert_many(self, documents: Sequence[Document]) -> set[str]:
        """Insert what can be inserted; the `_id`s of what was there already."""
        if not documents:
            return set()
        try:
            self._mongo["people"].insert_many(documents, ordered=False)
        except BulkWriteError as error:
            if error.details.get("writeConcernErrors"):
                raise
            return {str(documents[item["index"]]["_id"]) for item in error.details["writeErrors"]}
        return set()

    def _wipe(self, user_id: str, pseudonym: str, held: Sequence[str], now: datetime) -> None:
        """Everything of hers outside of her own document; her events stay, without what they told."""
        owner = f"u:{user_id}"
        self._mongo["people"].delete_many({"_id": {"$in": [f"k:{key}" for key in held]}, "owner": owner})
        for application in self._mongo["applications"].find({"owner": owner, "kind": "c"}, {"_id": 1}):
            self.remove_application(application["_id"][2:], now)
        self._mongo["applications"].delete_many({"owner": owner, "kind": "g"})
        self._mongo["activity"].delete_many({"owner": owner, "kind": {"$in": KINDS}})
        self._mongo["avatars"].delete_many({"owner": owner})
        told_nothing = {"$set": {"owner": f"u:{pseudonym}", "facts": b""}}
        while True:
            some = self._mongo["activity"].find({"owner": owner, "kind": "e"}, {"_id": 1}).limit(_EVENTS_AT_ONCE)
            ids = [item["_id"] for item in some]
            if not ids:
                return
            self._mongo["activity"].update_many({"_id": {"$in": ids}, "owner": owner}, told_nothing)
