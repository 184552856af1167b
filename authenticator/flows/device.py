"""A device without a browser (RFC 8628): it shows a code, a person enters that elsewhere and says whom she lets in, and the device asks until it knows."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from authlib.oauth2.rfc6749.errors import AccessDeniedError, InvalidGrantError
from authlib.oauth2.rfc8628 import AuthorizationPendingError, ExpiredTokenError, SlowDownError

from authenticator.applications import Application
from authenticator.crypto import derive_key, digest, keyed_digest, keyed_token, random_token, same
from authenticator.errors import AuthError
from authenticator.flows import applications, consent, granting
from authenticator.flows.client_words import REFRESH
from authenticator.flows.core import Core
from authenticator.flows.granting import Given
from authenticator.flows.outcomes import Signed
from authenticator.flows.scopes import OFFLINE
from authenticator.flows.sessions import acr_of
from authenticator.identifiers import network_of
from authenticator.limits import Limit
from authenticator.models import Client, Session, Status

LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels, so no words (RFC 8628 §6.1)
LENGTH: Final = 8
LIFE: Final = timedelta(minutes=10)
REMEMBERED: Final = timedelta(minutes=20)  # so that a late device hears that its code is too old
INTERVAL: Final = 5  # seconds
ENTRIES: Final = 5  # in ten minutes
DECIDING: Final = 30  # seconds that one answer has for itself
BEGUN: Final = 60  # by one address in ten minutes
KIND, CODE, POLL = "device", "user_code", "device_poll"


@dataclass(frozen=True, slots=True)
class Begun:
    """What a device is told. `user_code` is for people to type, `device_code` for the device alone."""

    device_code: str = field(repr=False)
    user_code: str
    expires_in: int = int(LIFE.total_seconds())
    interval: int = INTERVAL


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person is asked: which application wants what. `seal` shows that she has seen this, and `user_code` is spelled as shown."""

    application: Application
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    user_code: str
    seal: str = field(repr=False)


def begin(core: Core, application: Application, scopes: Sequence[str], resources: Sequence[str], client: Client) -> Begun:
    """Two codes for a device that asks to be let in; AuthError `rate_limited` for an address that asks too often."""
    core.spend(Limit(f"device:{network_of(client.address)}", BEGUN, int(LIFE.total_seconds())))
    granting.audience_of(application, resources)
    if REFRESH not in application.grants:
        scopes = [scope for scope in scopes if scope != OFFLINE]
    now = core.clock.now()
    device_code, letters = random_token(), "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
    facts = {"client_id": application.id, "scopes": list(scopes), "resources": list(resources), "until": (now + LIFE).isoformat()}
    core.store.issue_ticket(KIND, digest(device_code), facts, now + REMEMBERED)
    core.store.issue_ticket(CODE, _name(core, letters), {"device": digest(device_code), **facts}, now + LIFE)
    return Begun(device_code, spelled(letters))


def look(core: Core, signed: Signed, user_code: str, client: Client) -> Asked:
    """What the device with this code wants; AuthError `invalid_code`, or `rate_limited` after five entries in ten minutes.

    `forbidden` to who does not hold what it wants: somebody else may let it in.
    """
    seconds = int(LIFE.total_seconds())
    network = network_of(client.address)
    core.spend(Limit(f"user_code:{signed.user.id}", ENTRIES, seconds), Limit(f"user_code:{network}", 4 * ENTRIES, seconds))
    letters = _letters(user_code)
    application, facts = _behind(core, core.store.read_ticket(CODE, _name(core, letters), core.clock.now()) if letters else None)
    if not granting.holds(core, signed.user, facts["scopes"]):
        raise AuthError("forbidden", "The device asks for permissions that you do not have here. Somebody who has them can let it in.")
    return Asked(application, tuple(facts["scopes"]), tuple(facts["resources"]), spelled(letters), _seal(core, signed, letters))


def decide(core: Core, signed: Signed, user_code: str, seal: str, client: Client, *, allow: bool) -> Application:
    """The person's answer, which counts once; AuthError `invalid_code` for a code that is spent, or that she was not shown.

    The code goes last, so that she can answer again where something broke: else the device would wait in vain until it is too old.
    """
    letters, now = _letters(user_code), core.clock.now()
    name = _name(core, letters)
    shown = bool(letters) and same(seal, _seal(core, signed, letters))
    alone = shown and core.store.count_attempts([Limit(f"deciding:{name}", 1, DECIDING)], now) == 0
    application, facts = _behind(core, core.store.read_ticket(CODE, name, now) if alone else None)
    if _is_answered(core.store.read_ticket(KIND, str(facts["device"]), now)):
        raise _gone()
    if allow:
        consent.agree(core, signed.user, application, facts["scopes"], resources=facts["resources"], client=client)
    answer = {fact: facts[fact] for fact in ("client_id", "scopes", "resources", "until")}
    core.store.issue_ticket(
        KIND, str(facts["device"]), {**answer, **(_proof(signed, now) if allow else {"denied": True})}, now + REMEMBERED
    )
    core.store.take_ticket(CODE, name, now)
    kind = "device_approved" if allow else "device_refused"
    core.history.record(kind, user_id=signed.user.id, client=client, application=application.id, session=signed.session.id)
    return application


def redeem(core: Core, application: Application, device_code: str, *, jkt: str, client: Client) -> Given:
    """What the device was given; what RFC 8628 §3.5 says until then."""
    now = core.clock.now()
    name = digest(device_code) if 0 < len(device_code) <= 128 else ""
    facts = core.store.read_ticket(KIND, name, now) if name else None
    if facts is None or facts["client_id"] != application.id:
        raise InvalidGrantError("The device_code is not valid.")
    if datetime.fromisoformat(facts["until"]) <= now:
        raise ExpiredTokenError()
    if not _is_answered(facts):
        _wait(core, name, now)
    taken = core.store.take_ticket(KIND, name, now)
    if taken is None:
        raise InvalidGrantError("The device_code is not valid.")
    if taken.get("denied"):
        raise AccessDeniedError()
    return _given(core, application, taken, jkt=jkt, client=client)


def _behind(core: Core, facts: Mapping[str, Any] | None) -> tuple[Application, Mapping[str, Any]]:
    """The application of a code, and what the code stands for; AuthError `invalid_code`."""
    application = applications.find(core, str(facts["client_id"])) if facts else None
    if facts is None or application is None or not application.enabled:
        raise _gone()
    return application, facts


def _gone() -> AuthError:
    return AuthError("invalid_code", "That code is not right, or no longer valid. Look at your device again.")


def _is_answered(waiting: Mapping[str, Any] | None) -> bool:
    """Whether somebody has answered the device; it may have come for that already."""
    return waiting is None or bool(waiting.get("denied") or waiting.get("user_id"))


def spelled(letters: str) -> str:
    """As it is shown: WDJB-MJHT."""
    return f"{letters[:4]}-{letters[4:]}"


def _wait(core: Core, name: str, now: datetime) -> None:
    """`slow_down` for a device that asks too soon, each time five seconds more; else `authorization_pending`."""
    before = core.store.read_ticket(POLL, name, now) or {"interval": INTERVAL, "next": now.isoformat()}
    early = now < datetime.fromisoformat(before["next"])
    interval = int(before["interval"]) + (5 if early else 0)
    following = {"interval": interval, "next": (now + timedelta(seconds=interval) - timedelta(milliseconds=500)).isoformat()}
    core.store.issue_ticket(POLL, name, following, now + REMEMBERED)
    raise SlowDownError() if early else AuthorizationPendingError()


def _given(core: Core, application: Application, facts: Mapping[str, Any], *, jkt: str, client: Client) -> Given:
    user = core.store.user_by_id(str(facts["user_id"]))
    if user is None or user.status is not Status.ACTIVE:
        raise AccessDeniedError()
    now, parent = core.clock.now(), core.store.session_by_id(str(facts["session"]))
    if parent is None or not parent.is_open(now):
        raise InvalidGrantError("The person has signed out meanwhile.")
    scopes, resources = granting.registered(application, facts["scopes"]), tuple(facts["resources"])
    granting.require_held(core, user, scopes)
    if not consent.consented(core, user, application, scopes, resources=resources):
        raise AccessDeniedError()
    offline = OFFLINE in scopes
    family = Session(
        id=random_token(128),
        user_id=user.id,
        provider=str(facts["provider"]),
        amr=tuple(facts["amr"]),
        auth_time=datetime.fromisoformat(facts["auth_time"]),
        created_at=now,
        expires_at=granting.family_until(core, application, parent, offline=offline),
        client=client,
        mfa_at=datetime.fromisoformat(facts["mfa_at"]) if facts["mfa_at"] else None,
        kind="grant",
        application=application.id,
        parent=parent.id,
        offline=offline,
        scopes=scopes,
        terms={"resources": list(resources), "claims": {}, "acr": facts["acr"]},
    )
    refresh = granting.open_family(core, application, family, jkt=jkt, event=granting.used(core, application, family, client))
    audience = granting.audience_of(application, resources)
    return Given(application, scopes, audience, user, family, refresh, acr=str(facts["acr"]), jkt=jkt)


def _proof(signed: Signed, now: datetime) -> dict[str, Any]:
    session = signed.session
    return {
        "user_id": signed.user.id,
        "session": session.id,
        "provider": session.provider,
        "amr": list(session.amr),
        "auth_time": session.auth_time.isoformat(),
        "mfa_at": session.mfa_at.isoformat() if session.mfa_at else "",
        "acr": acr_of(session, now),
    }


def _letters(user_code: str) -> str:
    """The letters of what somebody typed, or nothing if they can't be a code."""
    letters = "".join(char for char in user_code.upper()[:40] if char not in " -")
    return letters if len(letters) == LENGTH and set(letters) <= set(LETTERS) else ""


def _name(core: Core, letters: str) -> str:
    return keyed_digest(derive_key(core.secret, "user code"), letters)


def _seal(core: Core, signed: Signed, letters: str) -> str:
    return keyed_token(derive_key(core.secret, "user code shown"), signed.session.id, letters)
