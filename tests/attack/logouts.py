"""Somebody who signed in in a browser, what applications were given there, and how they sign her out, for tests of logouts."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from authenticator.applications import Application
from authenticator.crypto import random_token
from authenticator.flows import released
from authenticator.models import Client, Session

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.attack.conftest import House, Person, Visitor

BYE = "https://shop.example/bye?x=1"
HERE = Client("127.0.0.1", "Tests")
EVENT = "http://schemas.openid.net/event/backchannel-logout"


def an_application(house: House, **facts: Any) -> Application:
    now = house.clock.now()
    application = Application(
        **{  # type: ignore[arg-type]
            "id": f"app_{random_token(128)}",
            "name": "Shop",
            "created_at": now,
            "updated_at": now,
            "redirect_uris": ("https://shop.example/callback",),
            "post_logout_redirect_uris": (BYE,),
            **facts,
        }
    )
    assert house.service.core.store.add_application(application)
    return application


@dataclass
class SignedIn:
    """A person in a browser, and what applications were given there."""

    house: House
    person: Person
    browser: Visitor
    session: Session

    @classmethod
    def of(cls, house: House, person: Person | None = None) -> SignedIn:
        person = person or house.sign_up()
        browser = house.browser_of(person)
        session = house.service.core.store.sessions_of(person.id, house.clock.now()).items[0]
        return cls(house, person, browser, session)

    def give(self, application: Application, *, offline: bool = False) -> Session:
        now = self.house.clock.now()
        family = Session(
            id=random_token(128),
            user_id=self.person.id,
            provider="password",
            amr=("pwd",),
            auth_time=now,
            created_at=now,
            expires_at=now + timedelta(days=1),
            kind="grant",
            application=application.id,
            parent=self.session.id,
            offline=offline,
            scopes=("openid",),
        )
        self.house.service.core.store.open_session(family)
        return family

    def hint(self, application: Application, *, typ: str = "JWT", algorithm: str = "RS256", **claims: Any) -> str:
        """An ID token of this sign-in, long expired."""
        core, now = self.house.service.core, int(self.house.clock.now().timestamp())
        usual = {
            "iss": core.settings.public_url,
            "aud": application.id,
            "sub": self.person.id,
            "sid": released.sid_for(core, self.session.id, application),
            "iat": now - 9000,
            "exp": now - 8400,
        }
        return self.house.service.keys.sign({**usual, **claims}, typ=typ, algorithm=algorithm)

    @property
    def alive(self) -> bool:
        found = self.house.service.core.store.session_by_id(self.session.id)
        return found is not None and found.closed_at is None


def log_out(browser: Visitor, **said: str) -> TestResponse:
    return browser.get("/oauth/logout", query_string=said)


def header(token: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    return found


def claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return found


def encoded(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
