"""Login keys looked up in MongoDB: a claim (`k:<digest>`) counts only while its owner exists and lists it as `held`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from authenticator.models import HeldKey, Login, LoginKey
from authenticator.storage import records
from authenticator.storage.mongo.client import Document, Part, record, told

_SANS_HISTORY: Sequence[Document] = ({"$match": {"kind": "u"}}, {"$project": {"history": 0}})
OWNER: Document = {"$lookup": {"from": "people", "localField": "owner", "foreignField": "_id", "pipeline": _SANS_HISTORY, "as": "user"}}


class Logins(Part):
    """Verbs that look login keys up."""

    def find_login(self, key: LoginKey) -> Login | None:
        with told():
            found = self._mongo.few("people", [{"$match": {"_id": self._place(key)}}, OWNER])
        return self._login(found[0]) if found and valid(found[0]) else None

    def login_behind(self, alias: LoginKey, provider: str) -> Login | None:
        places = {"$map": {"input": {"$first": "$user.held"}, "in": {"$concat": ["k:", "$$this"]}}}
        mine = [{"$match": {"provider": provider}}, {"$limit": 1}]
        steps: list[Document] = [
            {"$match": {"_id": self._place(alias)}},
            OWNER,
            {"$addFields": {"places": places}},
            {"$lookup": {"from": "people", "localField": "places", "foreignField": "_id", "pipeline": mine, "as": "key"}},
        ]
        with told():
            found = self._mongo.few("people", steps)
        if not found or not valid(found[0]) or not found[0]["key"]:
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
            found = self._mongo.few("people", [{"$match": {"_id": {"$in": list(by_place)}}}, OWNER])
        return {by_place[item["_id"]]: item["owner"][2:] for item in found if valid(item)}

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

    def _place(self, key: LoginKey) -> str:
        return f"k:{records.key_id(key, self._sealer)}"


def valid(claim: Mapping[str, Any]) -> bool:
    """Whether the owner, looked up as `user`, exists and lists the claim."""
    return bool(claim["user"]) and claim["_id"][2:] in claim["user"][0]["held"]
