"""One-time links and codes: mailed together, spent once, and only the newest for a purpose and subject works."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from authenticator.crypto import derive_key, digest, keyed_digest, keyed_token, random_code, random_token, same
from authenticator.errors import AuthError
from authenticator.flows.core import Core
from authenticator.kinds import codes
from authenticator.kit import Message
from authenticator.limits import Limit

HANDLE = 22  # characters, 132 bits
LONGEST = 128  # characters of a link's token that are looked at
TRIES_AN_HOUR = 20  # of codes, for one subject (ASVS 5.0 6.6.3)


@dataclass(frozen=True, slots=True)
class OneTime:
    """What to send: the token of a link, and a code of digits that stands for the same."""

    link_token: str = field(repr=False)
    code: str = field(repr=False)


def issue(
    core: Core, purpose: str, subject: str, facts: Mapping[str, Any], seconds: int, *, letter: Callable[[OneTime], Message] | None = None
) -> OneTime:
    """Make a link and a code for one purpose (`reset`) and subject (a user id), in place of older ones.

    `facts` are JSON-like and come back when either is redeemed. The link lives `seconds`, the code no longer than codes do.
    Only digests are kept (ASVS 5.0 11.5.1). The `letter` that carries them is kept in the same trip.
    """
    handle, secret, code, serial = _handle(core, purpose, subject), random_token(), random_code(), random_token(128)
    now = core.clock.now()
    until = now + timedelta(seconds=seconds)
    payload = {
        "secret": digest(secret),
        "code": _code_digest(core, handle, serial, code),
        "code_until": min(until, now + timedelta(seconds=core.settings.code_seconds)).isoformat(),
        "serial": serial,
        "facts": dict(facts),
    }
    made = OneTime(f"{handle}.{secret}", code)
    errands = [core.messages.errand_of(letter(made))] if letter else []
    core.store.issue_ticket(purpose, digest(handle), payload, until, errands=errands)
    core.messages.accepted(*errands)
    return made


def look(core: Core, purpose: str, token: str) -> Mapping[str, Any]:
    """The facts behind a link without spending it, for the page that it leads to; AuthError `invalid_link`."""
    handle, secret = _parts(token)
    return _behind_link(core.store.read_ticket(purpose, digest(handle), core.clock.now()), secret)


def redeem_link(core: Core, purpose: str, token: str) -> Mapping[str, Any]:
    """Spend a link: of racing redeemers one gets the facts, the others AuthError `invalid_link`. A wrong token destroys nothing."""
    handle, secret = _parts(token)
    look(core, purpose, token)
    return _behind_link(core.store.take_ticket(purpose, digest(handle), core.clock.now()), secret)


def redeem_code(core: Core, purpose: str, subject: str, code: str) -> Mapping[str, Any]:
    """Spend a code: the facts, or AuthError `invalid_code` or `rate_limited`. Of racing redeemers one gets the facts."""
    look_code(core, purpose, subject, code)
    return take_code(core, purpose, subject, code)


def look_code(core: Core, purpose: str, subject: str, code: str) -> Mapping[str, Any]:
    """The facts behind a code without spending it, counted as a try; AuthError `invalid_code`. A wrong code destroys nothing.

    A code allows as many tries as the setting says, after which no code fits; where there is none, the answers are the same.
    A subject has 20 tries an hour, then AuthError `rate_limited`.
    """
    handle, now = _handle(core, purpose, subject), core.clock.now()
    core.spend(Limit(f"one-time:{handle}", TRIES_AN_HOUR, 3600))
    found = core.store.read_ticket(purpose, digest(handle), now)
    serial = str(found["serial"]) if found else handle
    tries = Limit(f"one-time-code:{serial}", core.settings.code_tries, 3600)
    over = core.store.count_attempts([tries], now)
    facts = _behind_code(core, handle, found, code, now)
    if over:
        raise codes.wrong()
    return facts


def take_code(core: Core, purpose: str, subject: str, code: str) -> Mapping[str, Any]:
    """Spend a code that `look_code` has just let pass; AuthError `invalid_code` if somebody was faster."""
    handle, now = _handle(core, purpose, subject), core.clock.now()
    return _behind_code(core, handle, core.store.take_ticket(purpose, digest(handle), now), code, now)


def withdraw(core: Core, purpose: str, subject: str) -> None:
    """Make the link and the code for this purpose and subject worthless, if there are any."""
    core.store.take_ticket(purpose, digest(_handle(core, purpose, subject)), core.clock.now())


def _behind_link(found: Mapping[str, Any] | None, secret: str) -> Mapping[str, Any]:
    if found is None or not same(str(found["secret"]), digest(secret)):
        raise AuthError("invalid_link")
    facts: Mapping[str, Any] = found["facts"]
    return facts


def _behind_code(core: Core, handle: str, found: Mapping[str, Any] | None, code: str, now: datetime) -> Mapping[str, Any]:
    given = _code_digest(core, handle, str(found["serial"]) if found else handle, "".join(code.split()))
    if found is None or not same(str(found["code"]), given) or now > datetime.fromisoformat(found["code_until"]):
        raise codes.wrong()
    facts: Mapping[str, Any] = found["facts"]
    return facts


def _handle(core: Core, purpose: str, subject: str) -> str:
    """Where the newest of a purpose and subject lies. It names nobody to those who don't hold our secret."""
    return keyed_token(derive_key(core.secret, "one-time handle"), purpose, subject)[:HANDLE]


def _code_digest(core: Core, handle: str, serial: str, code: str) -> str:
    """A digest bound to the place and to this very issue; keyed, because a code alone is soon guessed from a dump."""
    return keyed_digest(derive_key(core.secret, "one-time code"), handle, serial, code)


def _parts(token: str) -> tuple[str, str]:
    if len(token) > LONGEST or not token.isascii():
        raise AuthError("invalid_link")
    handle, _, secret = token.partition(".")
    return handle, secret
