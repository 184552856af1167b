"""Pictures of people in MongoDB: each lies in one of its owner's numbered places, so that there are never too many."""

from __future__ import annotations

from collections.abc import Sequence

from pymongo.errors import DuplicateKeyError

from authenticator.errors import AuthError
from authenticator.models import Avatar
from authenticator.storage import records
from authenticator.storage.mongo.client import Document, Part, document, record, told


class Avatars(Part):
    """Verbs on pictures."""

    def add_avatar(self, avatar: Avatar, most: int) -> bool:
        kept = document("i", records.avatar_record(avatar, self._sealer), avatar=avatar.id)
        with told():
            self._require_owner(avatar)
            if not self._insert_avatar(kept, most):
                return False
            try:
                self._require_owner(avatar)  # erased at this very moment: whoever erases looks only once more
            except AuthError:
                self._mongo["avatars"].delete_one({"_id": kept["_id"]})
                raise
        return True

    def avatar(self, avatar_id: str) -> Avatar | None:
        if not records.is_id(avatar_id):
            return None
        with told():
            found = self._mongo.one("avatars", {"avatar": avatar_id})
        return None if found is None else self._avatar(found)

    def avatars_of(self, user_id: str) -> Sequence[Avatar]:
        if not records.is_id(user_id):
            return ()
        with told():
            found = list(self._mongo["avatars"].find({"owner": f"u:{user_id}"}, {"content": 0}))
        return tuple(sorted((self._avatar(item) for item in found), key=lambda avatar: (avatar.created_at, avatar.id)))

    def remove_avatar(self, user_id: str, avatar_id: str) -> bool:
        if not records.is_id(avatar_id) or not records.is_id(user_id):
            return False
        with told():
            return self._mongo["avatars"].delete_one({"avatar": avatar_id, "owner": f"u:{user_id}"}).deleted_count == 1

    def _require_owner(self, avatar: Avatar) -> None:
        if self._mongo.one("people", {"_id": f"u:{avatar.user_id}", "kind": "u"}, {"_id": 1}) is None:
            raise AuthError("conflict")

    def _insert_avatar(self, kept: Document, most: int) -> bool:
        """Into a free place; whoever finds it taken at this moment looks for another. The name of a place is its `_id`."""
        places = {f"i:{kept['owner']}:{number}" for number in range(most)}
        while True:
            used = [item["_id"] for item in self._mongo["avatars"].find({"owner": kept["owner"]}, {"_id": 1})]
            free = sorted(places.difference(used))
            if len(used) >= most or not free:
                return False
            kept["_id"] = free[0]
            try:
                self._mongo["avatars"].insert_one(kept)
            except DuplicateKeyError:
                continue
            return True

    def _avatar(self, found: Document) -> Avatar:
        return records.avatar_of(record({**found, "_id": f"i:{found['avatar']}"}), self._sealer)
