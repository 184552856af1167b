"""What is measured: the service on one database, with accounts in it, and the requests to send."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask

from authenticator.app import create_app
from authenticator.flows.admission import new_user
from authenticator.flows.outcomes import Begin, SignedIn
from authenticator.kinds.base import Identity, Proof
from authenticator.models import Client, Intent, User
from authenticator.service import Service
from benchmarks.load import request

PASSWORD = "correct horse battery staple"
WRONG = "correct horse battery stable"
NAMES = {"given_name": "Ada", "family_name": "Lovelace"}
PATIENCE = 20.0


@dataclass(frozen=True)
class Subject:
    """One database and its settings. The accounts are written straight into the store, so that making them costs nobody a limit."""

    store: str
    settings: dict[str, str]
    app: Flask
    people: Mapping[str, str]  # address: user id

    @property
    def service(self) -> Service:
        found: Service = self.app.extensions["authenticator"]
        return found

    @property
    def emails(self) -> Sequence[str]:
        return tuple(self.people)

    def sign_ins(self, count: int, password: str = PASSWORD) -> list[bytes]:
        """Sign-ins of different people, round and round."""
        return [sign_in(self.emails[number % len(self.emails)], password) for number in range(count)]

    def forgive(self) -> None:
        """Forget everybody's failed attempts, as a good sign-in does."""
        self.service.core.store.forgive([f"account:password:user:{user_id}" for user_id in self.people.values()])

    def forgive_address(self, address: str) -> None:
        """Forget how often this address has signed in."""
        self.service.core.store.forgive([f"sign-in:{address}"])

    def cookies(self, count: int) -> list[str]:
        """Session cookies of different people, from sign-ins through the web's door."""
        return [self._signed_in(number).cookie for number in range(count)]

    def codes(self, emails: Sequence[str]) -> list[str]:
        """The mailed codes, read from the development outbox's file once all are there."""
        wanted = set(emails)
        file, end = Path(self.settings["AUTHENTICATOR_DATA_DIR"]) / "outbox.jsonl", time.monotonic() + PATIENCE
        while time.monotonic() < end:
            messages = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
            codes = {message["to"]: message["code"] for message in messages if message["to"] in wanted}
            if len(codes) == len(wanted):
                return [codes[email] for email in emails]
            time.sleep(0.01)
        raise TimeoutError(f"{len(wanted)} codes were to be sent and did not all come")

    def _signed_in(self, number: int) -> SignedIn:
        answer = {"email": self.emails[number % len(self.emails)], "password": PASSWORD}
        client = Client(f"127.255.{number // 250}.{number % 250}", "benchmark")
        outcome = self.service.begin(Begin("password", Intent.SIGN_IN, client, "web", browser=secrets.token_urlsafe(32), answer=answer))
        assert isinstance(outcome, SignedIn)
        return outcome


def make(store: str, url: str, folder: Path, *, count: int, null_hash: bool) -> Subject:
    """A service with that many accounts on an empty database."""
    settings = {
        "AUTHENTICATOR_ENVIRONMENT": "development",
        "AUTHENTICATOR_DATABASE_URL": url,
        "AUTHENTICATOR_DATA_DIR": str(folder),
        "AUTHENTICATOR_SECRET_KEY": secrets.token_urlsafe(32),
        "AUTHENTICATOR_DANGEROUS_NULL_HASH": str(null_hash).lower(),
    }
    app = create_app(settings, env_file=None)
    made = people(app.extensions["authenticator"], count, "person")
    return Subject(store, settings, app, {email: user.id for user, email in made})


def people(service: Service, count: int, name: str) -> list[tuple[User, str]]:
    """So many new users with their addresses and the one password, straight into the store."""
    core = service.core
    hashed = core.registry.providers["password"].kit.hasher.hash(PASSWORD)
    made = []
    for number in range(count):
        email = f"{name}{number}@example.com"
        identity = Identity(email, email_proven=True, given_name="Ada", family_name="Lovelace")
        user, keys = new_user(core, "password", Proof("", identity, secret=hashed))
        core.store.create_user(user, keys)
        made.append((user, email))
    return made


def sign_in(email: str, password: str) -> bytes:
    return request("POST", "/api/v1/sign-in/password", body={"email": email, "password": password})


def sign_up(email: str) -> bytes:
    return request("POST", "/api/v1/sign-up/password", body={**NAMES, "email": email, "password": PASSWORD})


def go_on(challenge: str, code: str) -> bytes:
    return request("POST", "/api/v1/sign-in/continue", body={"challenge": challenge, "code": code})


def refresh(token: str) -> bytes:
    return request("POST", "/api/v1/token/refresh", body={"refresh_token": token})


def me_by_token(token: str) -> bytes:
    return get("/api/v1/me", token)


def get(path: str, token: str) -> bytes:
    return request("GET", path, headers=[("Authorization", f"Bearer {token}")])


def me_by_cookie(cookie: str) -> bytes:
    return request("GET", "/api/v1/me", headers=[("Cookie", f"auth_session={cookie}")])


def read(bodies: Sequence[str], *path: str) -> list[Any]:
    """One value out of every body."""
    found = [json.loads(body) for body in bodies]
    for name in path:
        found = [item[name] for item in found]
    return found
