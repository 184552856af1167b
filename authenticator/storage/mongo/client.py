"""The connection to MongoDB, how records become documents, and outages told as AuthError.

Seven collections carry the service. `people` holds users (`u:<id>`) and claims of login keys (`k:<digest>`), so that one
command writes both. `activity` holds sessions (`s:<id>`), attempts (`a:<digest>`) and events (`e:<id>`), so that one command
opens a session, forgives attempts and tells of it. `tickets` holds tickets (`t:<digest>`) and errands (`q:<id>`), so that one
command promises a message with its code. `avatars` holds pictures; `applications` holds applications (`c:<id>`) and what people
let them have (`g:<user id> <id>`); `signing_keys` and `field_keys` hold what they say. The field `gone` is when the server may tidy up.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

from pymongo import ASCENDING, DESCENDING, IndexModel, MongoClient, timeout
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import AutoReconnect, BulkWriteError, DuplicateKeyError, InvalidURI, OperationFailure, PyMongoError
from pymongo.errors import ConfigurationError as BadOptions
from pymongo.read_concern import ReadConcern

from authenticator.errors import AuthError, ConfigurationError
from authenticator.storage.records import moment
from authenticator.storage.sealing import Sealer

Document = dict[str, Any]

PATIENCE = 4  # seconds for an answer, so that an outage is told within five
DUPLICATE = 11000
NEWEST = ReadConcern("local")  # what stands in our way may not have reached a majority yet
NEWEST_FIRST = [("created_at", DESCENDING), ("_id", DESCENDING)]
OLDEST_FIRST = [("created_at", ASCENDING), ("_id", ASCENDING)]
_MAJORITY: Document = {"level": "majority"}
_SAFELY: Document = {"w": "majority", "j": True}
_OPEN: Document = {"close_reason": ""}  # the sessions that were not ended
_BY_AGE = [("kind", ASCENDING), *OLDEST_FIRST]
_TIDY = IndexModel("gone", name="gone", expireAfterSeconds=0)
INDEXES: Mapping[str, tuple[IndexModel, ...]] = {
    "people": (_TIDY, IndexModel(_BY_AGE, name="by_age")),
    "activity": (
        _TIDY,
        IndexModel("cookie", name="by_cookie", partialFilterExpression={"cookie": {"$gt": ""}}),
        IndexModel("closed_at", name="by_end", partialFilterExpression={"closed_at": {"$gt": 0}}),
        IndexModel(
            [("owner", ASCENDING), ("kind", ASCENDING), *NEWEST_FIRST],
            name="by_owner",
            partialFilterExpression={"owner": {"$gt": ""}},
        ),
        IndexModel(
            [("owner", ASCENDING), ("kind", ASCENDING), *NEWEST_FIRST],
            name="open_by_kind",
            partialFilterExpression=_OPEN,
        ),
        IndexModel("parent", name="by_parent", partialFilterExpression={"parent": {"$gt": ""}, **_OPEN}),
        IndexModel("application", name="by_application", partialFilterExpression={"application": {"$gt": ""}, **_OPEN}),
        IndexModel(NEWEST_FIRST, name="by_time", partialFilterExpression={"kind": "e"}),
    ),
    "applications": (
        IndexModel(_BY_AGE, name="by_age"),
        IndexModel([("owner", ASCENDING), *_BY_AGE], name="by_owner"),
        IndexModel("application", name="by_application", partialFilterExpression={"application": {"$gt": ""}}),
    ),
    "avatars": (IndexModel("avatar", name="by_avatar"), IndexModel("owner", name="by_owner")),
    "tickets": (
        _TIDY,
        IndexModel([("due_at", ASCENDING), ("_id", ASCENDING)], name="by_due", partialFilterExpression={"due_at": {"$gt": 0}}),
    ),
}
FORMER_INDEXES = (("activity", "by_opening"),)  # of versions before, which nothing walks any more


class Mongo:
    """One client per process, made when it is first needed: a client does not survive a fork."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._process = 0
        self._client: MongoClient[Document] | None = None
        self._database: Database[Document] | None = None

    def __getitem__(self, name: str) -> Collection[Document]:
        return self._living()[name]

    def _living(self) -> Database[Document]:
        database = self._database
        return self._connect() if database is None or self._process != os.getpid() else database

    def one(self, name: str, where: Document, fields: Document | None = None) -> Document | None:
        """The document that matches. As a plain command: the driver's cursors and sessions cost as much again."""
        wish: Document = {"find": name, "filter": where, "limit": 1, "singleBatch": True, "readConcern": _MAJORITY}
        if fields:
            wish["projection"] = fields
        batch = self._read(wish)["cursor"]["firstBatch"]
        return batch[0] if batch else None

    def few(self, name: str, steps: Sequence[Document]) -> list[Document]:
        """What a pipeline gives: no more than a first batch holds."""
        wish: Document = {"aggregate": name, "pipeline": list(steps), "cursor": {"batchSize": 100}, "readConcern": _MAJORITY}
        return list(self._read(wish)["cursor"]["firstBatch"])

    def update(self, name: str, steps: Sequence[Document], *, ordered: bool) -> list[Document]:
        """Several updates in one command (`q`, `u`, `upsert`); those that the server refused, with `index` and `code`."""
        answer = self._write({"update": name, "updates": list(steps), "ordered": ordered, "writeConcern": _SAFELY})
        return list(answer.get("writeErrors", ()))

    def touched(self, name: str, steps: Sequence[Document]) -> int:
        """Several updates in one command, one after the other; how many documents they changed."""
        answer = self._write({"update": name, "updates": list(steps), "ordered": True, "writeConcern": _SAFELY})
        if answer.get("writeErrors"):
            raise AuthError("store_unavailable")
        return int(answer["nModified"])

    def stands(self, name: str, where: Document) -> bool:
        """Whether there is such a document at this very moment, even if it has not reached a majority yet."""
        newest: Document = {"level": "local"}
        wish = {"find": name, "filter": where, "projection": {"_id": 1}, "limit": 1, "singleBatch": True, "readConcern": newest}
        return bool(self._read(wish)["cursor"]["firstBatch"])

    def change(self, name: str, where: Document, **how: Any) -> Document | None:
        """findAndModify: `update` with `new`, or `remove`."""
        found = self._write({"findAndModify": name, "query": where, "writeConcern": _SAFELY, **how})["value"]
        return cast("Document | None", found)

    def _read(self, wish: Document) -> Document:
        database, begun = self._living(), time.monotonic()
        try:
            return database.command(wish)
        except AutoReconnect as error:  # the primary has moved, or a connection was dropped: reading twice does no harm
            left = PATIENCE - (time.monotonic() - begun)
            if error.timeout or left <= 0:
                raise
            with timeout(left):
                return database.command(wish)

    def _write(self, wish: Document) -> Document:
        answer = self._living().command(wish)
        if "writeConcernError" in answer:
            raise AuthError("store_unavailable")
        return answer

    def ping(self) -> None:
        self["people"].database.command("ping")

    def close(self) -> None:
        client, self._client, self._database = self._client, None, None
        if client is not None and self._process == os.getpid():
            client.close()

    def _connect(self) -> Database[Document]:
        """Every write waits for a majority and its journal; every answer comes within five seconds, or an error does."""
        with self._lock:
            if self._database is None or self._process != os.getpid():
                try:
                    self._client = MongoClient(
                        self._url,
                        w="majority",
                        journal=True,
                        readConcernLevel="majority",
                        timeoutMS=PATIENCE * 1000,
                        serverSelectionTimeoutMS=PATIENCE * 1000,
                        connectTimeoutMS=3000,
                        maxPoolSize=64,
                        appname="authenticator",
                    )
                    self._database = self._client.get_default_database("authenticator")
                except (BadOptions, InvalidURI, ValueError) as error:
                    raise ConfigurationError(f"AUTHENTICATOR_DATABASE_URL: {error}. Write mongodb://host/name.") from None
                self._process = os.getpid()
            return self._database


class Part:
    """Base of the classes that together are the store."""

    def __init__(self, mongo: Mongo, sealer: Sealer) -> None:
        self._mongo = mongo
        self._sealer = sealer


def document(kind: str, record: Mapping[str, Any], *, gone: int | None = None, **more: Any) -> Document:
    """A record under a prefixed `_id`; empty fields are left out."""
    rest = {name: value for name, value in record.items() if value is not None and name not in ("id", "user_id", "kind")}
    owner = {"owner": f"u:{record['user_id']}"} if record.get("user_id") is not None else {}
    tidy = {} if gone is None else {"gone": moment(gone)}
    return {"_id": f"{kind}:{record['id']}", "kind": kind, **owner, **rest, **tidy, **more}


class record(dict[str, Any]):
    """A document as the record it was made from: a field that was left out is None."""

    def __init__(self, found: Mapping[str, Any]) -> None:
        owner = found.get("owner")
        super().__init__(found, id=found["_id"][2:], user_id=owner[2:] if owner else None)

    def __missing__(self, name: str) -> None:
        return None


def after_cursor(kind: str, at: int, last: str, *, newest_first: bool) -> Document:
    """What comes after a cursor in a list by time and id."""
    beyond = "$lt" if newest_first else "$gt"
    tied = {"created_at": at, "_id": {beyond: f"{kind}:{last}"}}
    return {"created_at": {f"{beyond}e": at}, "$or": [{"created_at": {beyond: at}}, tied]}  # the first bounds the walk of an index


@contextmanager
def told() -> Iterator[None]:
    """Whatever keeps MongoDB from answering becomes `store_unavailable`; duplicates are an answer."""
    try:
        yield
    except DuplicateKeyError:
        raise
    except BulkWriteError as error:
        if _only_duplicates(error.details):
            raise
        raise AuthError("store_unavailable") from error
    except PyMongoError as error:
        raise AuthError("store_unavailable") from error


def _only_duplicates(details: Mapping[str, Any]) -> bool:
    return not details.get("writeConcernErrors") and all(item["code"] == DUPLICATE for item in details.get("writeErrors", ()))


def bring_up(mongo: Mongo, sealer: Sealer) -> None:
    """Indexes that are there cost one trip a collection; then make sure that the keys are the ones this database knows."""
    for name, wanted in INDEXES.items():
        with told():
            try:
                mongo[name].create_indexes(list(wanted))
            except OperationFailure as error:
                if error.code in (85, 86, 67):  # IndexOptionsConflict, IndexKeySpecsConflict, CannotCreateIndex
                    raise ConfigurationError(
                        f"An index of the collection `{name}` is not as it should be. Drop it and start again."
                    ) from error
                raise
    with told():
        for name, index in FORMER_INDEXES:
            _drop_index(mongo[name], index)
        _check_keys(mongo, sealer)


def _drop_index(collection: Collection[Document], name: str) -> None:
    try:
        collection.drop_index(name)
    except OperationFailure as error:
        if error.code != 27:  # IndexNotFound: as it should be
            raise


def _check_keys(mongo: Mongo, sealer: Sealer) -> None:
    marks = {found["_id"]: found["mark"] for found in mongo["field_keys"].find()}
    sealer.check_marks(marks)
    if sealer.newest not in marks:
        key_id, mark = sealer.mark()
        try:
            mongo["field_keys"].insert_one({"_id": key_id, "mark": mark})
        except DuplicateKeyError:
            _check_keys(mongo, sealer)  # another process was faster: agree with it
