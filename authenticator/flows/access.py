"""The access tokens of applications: what they say (RFC 9068), and what one that comes back has to say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import jwt

from authenticator.applications import Application
from authenticator.clock import LEEWAY
from authenticator.crypto import digest, random_token
from authenticator.flows import permissions, released
from authenticator.flows.core import Core
from authenticator.flows.granting import Given
from authenticator.flows.keyring import KeyRing
from authenticator.flows.scopes import OPENID
from authenticator.flows.signing import lower
from authenticator.settings import LONGEST_TOKEN

TYPE: Final = "at+jwt"
ID_SECONDS: Final = 600  # how long an ID token is good for
LONGEST: Final = 8000  # characters: no server or proxy takes more than 8 KiB in one header unless it is told to
REVOKED: Final = "revoked_token"  # the kind of the ticket that stands for a token which has no session to end
COMPACT: Final = re.compile(r"[\w-]+\.[\w-]+\.[\w-]{85}[AQgw]", re.ASCII)  # no padding, no spare bits: one spelling each (RFC 7515 §2)
OPTIONS: Final[Any] = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}
NAMES: Final = ("iss", "sub", "client_id", "jti")


@dataclass(frozen=True, slots=True)
class Issued:
    """An access token of an application that was believed. `session` is empty where the application speaks for itself."""

    claims: dict[str, Any]

    @property
    def session(self) -> str:
        return str(self.claims.get("sid") or "")

    @property
    def client(self) -> str:
        return str(self.claims["client_id"])

    @property
    def audience(self) -> tuple[str, ...]:
        found = self.claims["aud"]
        return (found,) if isinstance(found, str) else tuple(found)

    @property
    def scopes(self) -> tuple[str, ...]:
        return tuple(str(self.claims.get("scope") or "").split())

    @property
    def jkt(self) -> str:
        """The thumbprint of the key that it is bound to (RFC 9449 §6.1)."""
        found = self.claims.get("cnf")
        return str(found.get("jkt") or "") if isinstance(found, dict) else ""


def seconds_of(core: Core, given: Given) -> int:
    """How long its access token will live."""
    own = given.application.access_token_seconds or core.settings.access_token_seconds
    left = given.until - int(core.clock.now().timestamp()) if given.until else own
    return max(0, min(own, left))


def issue(core: Core, keys: KeyRing, given: Given) -> str:
    """The access token of what was given."""
    application, user, family = given.application, given.user, given.family
    now = core.clock.now()
    moment = int(now.timestamp())
    claims: dict[str, Any] = {
        "iss": core.settings.public_url,
        "sub": released.subject(core, user, application) if user else application.id,
        "aud": given.audience[0] if len(given.audience) == 1 else list(given.audience),
        "client_id": application.id,
        "iat": moment,
        "nbf": moment,
        "exp": moment + seconds_of(core, given),
        "jti": random_token(128),
        "scope": " ".join(given.scopes),
    }
    if family:
        claims |= {"sid": family.id, "auth_time": int(family.auth_time.timestamp()), "amr": list(family.amr), "acr": given.acr or "1"}
    if user and are_its_own(application, given.audience):
        held = permissions.held_in(user, application, now)
        claims |= {"permissions": sorted(held.permissions)} if held.permissions else {}
        claims |= {"roles": sorted(held.roles)} if held.roles else {}
    claims |= {"cnf": {"jkt": given.jkt}} if given.jkt else {}
    claims |= {"act": dict(given.act)} if given.act else {}
    if user:
        taken = (*claims, "permissions", "roles", "cnf", "act", "type")
        claims |= released.further(core, user, given.audience[0], given.scopes, taken)
    return _short_enough(keys, claims)


def are_its_own(application: Application, audience: Sequence[str]) -> bool:
    """Whether a token is for the application itself or what the operator registered with it.

    Only there do its permissions and roles mean anything: at an audience that is open to strangers, names that one of them has
    made up for herself would pass for those of that API.
    """
    return set(audience) <= {application.id, *application.resources}


def _short_enough(keys: KeyRing, claims: dict[str, Any]) -> str:
    """The token, without what she may do where that is too much for a header: introspection tells it, and `/api/v1/authorize`."""
    token = keys.sign(claims, typ=TYPE)
    for name in ("permissions", "roles"):
        if len(token) > LONGEST and claims.pop(name, None):
            token = keys.sign(claims, typ=TYPE)
    return token


def believed(core: Core, keys: KeyRing, token: str) -> Issued | None:
    """An access token that some application was given here and that is good by its bytes and time; None for anything else.

    Whether its session still is open is another question.
    """
    if len(token) > LONGEST or not COMPACT.fullmatch(token) or lower(token) != token:
        return None
    try:
        header = jwt.get_unverified_header(token)
        kid = header.get("kid")
        if header.get("typ") != TYPE or "crit" in header or not isinstance(kid, str):
            return None
        key = keys.public(kid)
        if key is None:
            return None
        claims = jwt.decode(token, key, algorithms=["ES256"], issuer=core.settings.public_url, options=OPTIONS)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None
    return Issued(claims) if _sound(claims, core.clock.now().timestamp()) else None


def is_revoked(core: Core, issued: Issued) -> bool:
    """Whether a token without a session was taken back."""
    return core.store.read_ticket(REVOKED, digest(str(issued.claims["jti"])), core.clock.now()) is not None


def _sound(claims: dict[str, Any], now: float) -> bool:
    """Exact types, no time in the future, no life longer than ours. A first-party token, which names no scope, is no application's."""
    times = [claims.get(name) for name in ("exp", "iat", "nbf")]
    if any(type(time) is not int for time in times):
        return False
    expires, issued, starts = (int(time) for time in times if isinstance(time, int))
    audience, sid, scope = claims.get("aud"), claims.get("sid", ""), claims.get("scope")
    named = all(isinstance(claims.get(name), str) and claims[name] for name in NAMES)
    aimed = (isinstance(audience, str) and audience) or (
        isinstance(audience, list) and audience and all(isinstance(one, str) for one in audience)
    )
    if not named or not aimed or not isinstance(sid, str) or not isinstance(scope, str) or claims.get("type") is not None:
        return False
    return (
        min(issued, starts) > 0
        and max(issued, starts) <= now + LEEWAY
        and now <= expires + LEEWAY
        and 0 < expires - issued <= LONGEST_TOKEN
    )


def wants_id_token(given: Given) -> bool:
    return OPENID in given.scopes and given.user is not None
