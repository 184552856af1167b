"""The house under attack: the whole service on a real store, with a sink for its mail, and people who live in it."""

from __future__ import annotations

import itertools
import re
import secrets
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from authenticator.app import create_app
from authenticator.clock import SetClock
from authenticator.hooks import hookimpl
from authenticator.identifiers import canonical_email
from authenticator.kinds.sender import Sender
from authenticator.kit import Message
from authenticator.service import Service

if TYPE_CHECKING:
    from jinja2 import BytecodeCache
    from pymongo import MongoClient

T = TypeVar("T")
PASSWORD = "seven lanterns drift ashore"
SECRET = "k9V2mXq7Lr4TzB8nYw3HdPfCs6JgAeUo"
CHEAP = {"AUTHENTICATOR_HASH_MEMORY_KIB": 12_288, "AUTHENTICATOR_HASH_PASSES": 1, "AUTHENTICATOR_HASH_SLOTS": 2}
KINDS = {"users": "u", "sessions": "s", "login_keys": "k", "tickets": "t", "events": "e", "attempts": "a"}  # as MongoDB marks them
_numbers = itertools.count(1)


class Sink(Sender):
    """Keeps what was sent; with `broken` set it raises instead, as a dead mail server would."""

    name, label = "sink", "Sink"
    channels = frozenset({"email", "sms"})

    def __init__(self, options: Any, kit: Any) -> None:
        super().__init__(options, kit)
        self.sent: list[Message] = []
        self.broken = False

    def send(self, message: Message) -> None:
        if self.broken:
            raise ConnectionRefusedError("the mail server is away")
        self.sent.append(message)


class SinkPlugin:
    """Brings the sink."""

    @hookimpl
    def auth_senders(self) -> list[type[Sender]]:
        return [Sink]


@dataclass(frozen=True)
class Person:
    """Somebody with an account, and the tokens of her first sign-in through the API."""

    id: str
    email: str
    password: str
    session: str
    access: str
    refresh: str

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access}"}


class Visitor(FlaskClient):
    """A browser or program that knows the service by its public URL."""

    def open(self, *args: Any, **more: Any) -> TestResponse:
        if args and isinstance(args[0], str):
            more.setdefault("buffered", True)
            more.setdefault("base_url", self.application.extensions["authenticator"].settings.public_url)
        return super().open(*args, **more)

    def _add_cookies_to_wsgi(self, environ: Any) -> None:
        """A Cookie header that a test writes itself goes out as it is, instead of what the browser keeps."""
        if "HTTP_COOKIE" not in environ:
            super()._add_cookies_to_wsgi(environ)

    def csrf(self, path: str = "/sign-in") -> str:
        """The token in the forms of a page."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get(path).text)
        assert found, f"{path} has no form"
        return found[1]

    def send_form(self, path: str, fields: Mapping[str, str], *, page: str = "/sign-in", **more: Any) -> TestResponse:
        """Post a form as our own page would."""
        return self.post(path, data={"csrf_token": self.csrf(page), **fields}, **more)


class House:
    """One running service."""

    def __init__(self, app: Flask, clock: SetClock, url: str) -> None:
        self.app = app
        self.clock = clock
        self.url = url
        app.test_client_class = Visitor

    @property
    def service(self) -> Service:
        found: Service = self.app.extensions["authenticator"]
        return found

    @property
    def sink(self) -> Sink:
        found: Sink = self.service.core.registry.senders["sink"]
        return found

    def visitor(self, address: str = "") -> Visitor:
        """A new client that has no cookie yet; in production each comes from an address of its own, because of the limits."""
        client: Visitor = self.app.test_client()
        number = next(_numbers)
        elsewhere = "127.0.0.1" if self.service.settings.development else f"198.18.{number // 250 % 250}.{number % 250}"
        client.environ_base["REMOTE_ADDR"] = address or elsewhere
        return client

    def post(self, path: str, body: Any, *, address: str = "", **more: Any) -> TestResponse:
        """A JSON request to the API by somebody without cookies."""
        return self.visitor(address).post(f"/api/v1{path}", json=body, **more)

    def get(self, path: str, token: str, **more: Any) -> TestResponse:
        return self.visitor().get(f"/api/v1{path}", headers={"Authorization": f"Bearer {token}"}, **more)

    def mail_to(self, email: str) -> list[Message]:
        """What was mailed to this address, oldest first."""
        email = canonical_email(email)
        self.service.core.messages.flush()
        return [message for message in self.sink.sent if message.to == email]

    def begin_sign_up(self, email: str, password: str = PASSWORD, **more: Any) -> TestResponse:
        fields = {"email": email, "password": password, "given_name": "Ada", "family_name": "Byron"}
        return self.post("/sign-up/password", {**fields, **more})

    def sign_up(self, email: str = "", password: str = PASSWORD, **more: Any) -> Person:
        """A person who proved her address by the mailed code."""
        email = email or fresh_email()
        begun = self.begin_sign_up(email, password, **more)
        assert begun.status_code == 202, begun.text
        code = self.mail_to(email)[-1].code
        done = self.post("/sign-in/continue", {"challenge": begun.json["challenge"]["id"], "code": code})
        assert done.status_code == 200, done.text
        return _person(done, email, password)

    def sign_in(self, person: Person) -> Person:
        """The same person with the tokens of a new sign-in."""
        answer = self.try_password(person.email, person.password)
        assert answer.status_code == 200, answer.text
        return _person(answer, person.email, person.password)

    def try_password(self, email: Any, password: Any, **more: Any) -> TestResponse:
        return self.post("/sign-in/password", {"email": email, "password": password}, **more)

    def browser_of(self, person: Person) -> Visitor:
        """A browser in which this person is signed in."""
        browser = self.visitor()
        answer = browser.send_form("/sign-in/password", {"email": person.email, "password": person.password})
        assert answer.status_code == 303, answer.text
        return browser

    def refresh(self, token: Any) -> TestResponse:
        return self.post("/token/refresh", {"refresh_token": token})

    def suspend(self, person: Person) -> None:
        from authenticator.models import Status

        user = self.service.find_user(person.id)
        self.service.change_status(user, Status.SUSPENDED, why="attack test", by="operator")

    def dump(self) -> bytes:
        """Everything that a thief of the database reads."""
        return _dump_mongodb(self._mongodb) if self._mongodb else _dump_sqlite(Path(self.url.removeprefix("sqlite:///")))

    def rows(self) -> dict[str, int]:
        """How many records each table or collection has."""
        return _count_mongodb(self._mongodb) if self._mongodb else _count_sqlite(self.url)

    def close(self) -> None:
        """End what it does by itself, then its connections."""
        self.service.core.errands.stop()
        self.service.core.messages.flush()
        self.service.core.store.close()
        if self._mongodb:
            self._mongodb.close()

    @cached_property
    def _mongodb(self) -> MongoClient[dict[str, Any]] | None:
        """The thief's own way to the database."""
        from pymongo import MongoClient

        return MongoClient(self.url, connect=False) if self.url.startswith("mongodb") else None


def _person(answer: TestResponse, email: str, password: str) -> Person:
    facts = answer.json
    return Person(facts["user"]["id"], email, password, facts["session_id"], facts["access_token"], facts["refresh_token"])


def fresh_email() -> str:
    return f"person{next(_numbers)}-{secrets.token_hex(3)}@example.com"


def _dump_sqlite(file: Path) -> bytes:
    return b"\n".join(part.read_bytes() for part in sorted(file.parent.glob(file.name + "*")))


def _dump_mongodb(client: MongoClient[dict[str, Any]]) -> bytes:
    import bson

    base = client.get_default_database()
    return b"\n".join(bson.encode(record) for name in base.list_collection_names() for record in base[name].find())


def _count_sqlite(url: str) -> dict[str, int]:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as base:
        names = [row[0] for row in base.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
        return {name: base.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names if name in KINDS}


def _count_mongodb(client: MongoClient[dict[str, Any]]) -> dict[str, int]:
    base = client.get_default_database()
    kinds = Counter(record.get("kind") for name in base.list_collection_names() for record in base[name].find({}, {"kind": 1}))
    return {name: kinds[kind] for name, kind in KINDS.items()}


Builder = Callable[..., House]


@pytest.fixture(scope="module")
def store_kind(request: pytest.FixtureRequest) -> str:
    """Which database; the same as elsewhere, but a whole module keeps its houses."""
    return str(request.param)


@pytest.fixture(scope="module")
def build(
    request: pytest.FixtureRequest,
    store_kind: str,
    migrated_sqlite: Path,
    compiled_templates: BytecodeCache,
    spare_keys: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Builder]:
    """Builds houses: each with settings of its own, on an empty database or at the `url` of another house."""
    with ExitStack() as stack:

        def database(folder: Path) -> str:
            if store_kind == "mongodb":
                databases = request.getfixturevalue("mongod_databases")
                name = databases.take()
                stack.callback(databases.give_back, name)
                return str(databases.url(name))
            shutil.copyfile(migrated_sqlite, folder / "auth.db")
            return f"sqlite:///{folder / 'auth.db'}"

        def make(*, url: str = "", **settings: Any) -> House:
            folder = tmp_path_factory.mktemp("house")
            url = url or database(folder)
            wanted = {"ENVIRONMENT": "development", "PUBLIC_URL": "http://localhost", "PLUGINS": ["password"], **settings}
            given = {f"AUTHENTICATOR_{name.upper()}": value for name, value in wanted.items()}
            here = {"AUTHENTICATOR_DATA_DIR": str(folder), "AUTHENTICATOR_DATABASE_URL": url, "AUTHENTICATOR_SECRET_KEY": SECRET}
            clock = SetClock()
            app = create_app({**CHEAP, **here, **given}, plugins=(SinkPlugin(),), clock=clock, env_file=None)
            app.jinja_env.bytecode_cache = compiled_templates
            house = House(app, clock, url)
            stack.callback(house.close)
            return house

        yield make


@pytest.fixture(scope="module")
def house(build: Builder) -> House:
    """The service on plain http, as a developer runs it; its people come and go, its clock stays."""
    return build()


@pytest.fixture(scope="module")
def manor(build: Builder) -> House:
    """The service as it runs in production, behind https."""
    return build(environment="production", public_url="https://auth.example", return_origins=["https://app.example"])


def at_once(work: Sequence[Callable[[], T]]) -> list[T]:
    """What each piece of work gave, all begun at the same moment in threads of their own."""
    gate = threading.Barrier(len(work))

    def run(one: Callable[[], T]) -> T:
        gate.wait(30)
        return one()

    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(run, work))


@pytest.fixture(name="at_once")
def at_once_fixture() -> Callable[[Sequence[Callable[[], Any]]], list[Any]]:
    return at_once
