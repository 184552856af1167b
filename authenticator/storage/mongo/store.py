"""The MongoDB store, put together."""

from __future__ import annotations

from authenticator.storage.mongo.attempts import Attempts
from authenticator.storage.mongo.avatars import Avatars
from authenticator.storage.mongo.bulk import Bulk
from authenticator.storage.mongo.client import Mongo, bring_up, told
from authenticator.storage.mongo.errands import Errands
from authenticator.storage.mongo.events import Events
from authenticator.storage.mongo.rest import Rest
from authenticator.storage.mongo.users import Users
from authenticator.storage.sealing import Sealer


class MongoStore(Bulk, Users, Attempts, Errands, Events, Avatars, Rest):
    """Keeps the port's promises on MongoDB 5.0 and later, alone, as a replica set or sharded."""

    def __init__(self, url: str, *, sealer: Sealer) -> None:
        super().__init__(Mongo(url), sealer)

    def prepare(self) -> None:
        bring_up(self._mongo, self._sealer)

    def ping(self) -> None:
        with told():
            self._mongo.ping()

    def close(self) -> None:
        self._mongo.close()
