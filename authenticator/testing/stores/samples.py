"""What the promises are tried with: a user, a key, a session, a moment, and many threads at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from authenticator.applications import Assignment
from authenticator.crypto import digest
from authenticator.models import (
    Client,
    Contact,
    Device,
    LoginKey,
    Name,
    NewKey,
    Session,
    User,
)

T = TypeVar("T")

NOW = datetime(2040, 3, 1, 12, 0, 0, 123000, tzinfo=UTC)
GRACE = timedelta(seconds=10)
CANARIES = (
    "ada.lovelace@canary.example",
    "Augusta-Canary",
    "countess-canary",
    "Dr-Canary",
    "203.0.113.77",
    "CanaryBrowser/1.0",
    "$argon2id$canary",
    "ticket-canary",
    "PEM-canary",
    "picture-canary",
    "attribute-canary",
    "event-canary",
    "reason-canary",
    "device-canary",
    "factor-canary",
    "permission-canary",
    "role-canary",
    "errand-canary",
    "avatar-canary",
    "Application-canary",
    "redirect-canary",
    "jwks-canary",
    "metadata-canary",
    "Permission-text-canary",
    "scope-canary",
    "claim-canary",
    "terms-canary",
    "token-name-canary",
)


def race(work: Callable[[int], T], takers: int = 50) -> list[T]:
    """What `work(number)` gave each of many threads that started at the same moment."""
    barrier = threading.Barrier(takers)

    def run(number: int) -> T:
        barrier.wait(30)
        return work(number)

    with ThreadPoolExecutor(takers) as pool:
        return list(pool.map(run, range(takers)))


def a_user(number: int | str = 1, **changes: object) -> User:
    """A person with everything filled in."""
    contacts = (
        Contact("c1", "email", "ada.lovelace@canary.example", "Ada.Lovelace@canary.example", NOW, primary=True),
        Contact("c2", "phone", "+441234567", "01234 567", None),
    )
    user = User(
        id=f"u{number}",
        created_at=NOW,
        updated_at=NOW,
        name=Name("Ada", "Augusta-Canary", "countess-canary"),
        salutation="Dr-Canary",
        username="countess-canary",
        contacts=contacts,
        country="GB",
        locale="en",
        picture="https://cdn.example/picture-canary.png",
        attributes={"note": "attribute-canary", "deep": {"list": [1, 2]}},
        factors=("factor-canary", "recovery"),
        assignments=(
            Assignment("authenticator", permission="permission-canary", granted_at=NOW, granted_by="operator"),
            Assignment("app_1", role="role-canary", resource="projects/*", expires_at=NOW + timedelta(days=1)),
        ),
        devices=(Device("device-canary", NOW, NOW + timedelta(days=30), "Chromium"), Device("other", NOW)),
        must_reset=True,
        erase_at=NOW + timedelta(days=14),
    )
    return replace(user, **changes)  # type: ignore[arg-type]


def a_key(subject: str = "ada.lovelace@canary.example", provider: str = "password", **more: object) -> NewKey:
    facts = {"label": "ada.lovelace@canary.example", "secret": "$argon2id$canary", **more}
    return NewKey(LoginKey(provider, subject), **facts)  # type: ignore[arg-type]


def a_session(number: int | str = 1, user_id: str = "u1", **changes: object) -> Session:
    session = Session(
        id=f"s{number}",
        user_id=user_id,
        provider="password",
        amr=("pwd", "otp"),
        auth_time=NOW,
        created_at=NOW,
        expires_at=NOW + timedelta(days=30),
        client=Client("203.0.113.77", "CanaryBrowser/1.0", "en", "GB"),
        seen_at=NOW,
        mfa_at=NOW,
        cookie=digest(f"cookie {number}"),
        refresh=digest(f"refresh {number}"),
    )
    return replace(session, **changes)  # type: ignore[arg-type]


def a_grant_session(number: int | str = 1, user_id: str = "u1", application: str = "app_1", **changes: object) -> Session:
    """What an application was given."""
    session = a_session(
        number,
        user_id,
        kind="grant",
        application=application,
        cookie=None,
        scopes=("openid", "scope-canary"),
        terms={"nonce": "terms-canary", "resources": ["https://api.example/"], "jkt": None},
        seen_at=None,
        mfa_at=None,
    )
    return replace(session, **changes)  # type: ignore[arg-type]


def later(**ahead: float) -> datetime:
    return NOW + timedelta(**ahead)
