"""Authorization requests that wait in the store: for the person at a page, or pushed by their application for a browser to bring (RFC 9126)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from authenticator.crypto import digest, random_token, same
from authenticator.errors import AuthError
from authenticator.flows.authorization_request import Asked
from authenticator.flows.authorization_steps import Progress
from authenticator.flows.core import Core
from authenticator.flows.ownership import local_factor
from authenticator.identifiers import network_of
from authenticator.limits import Limit
from authenticator.models import Client

WAITING, PUSHED = "authorize", "pushed"
PATIENCE: Final = timedelta(minutes=30)  # to sign up, read a mailed code and agree
PUSHED_LIFE: Final = timedelta(seconds=60)  # RFC 9126 §2.2
SECOND_CLICK: Final = timedelta(seconds=5)  # for who clicks twice: a browser shows the answer to the last click alone
LONGEST: Final = 64
PER_SIGN_IN: Final = 10  # requests that are kept, for each sign-in that an address may try
GONE: Final = "This request has expired or was already answered. Go back to the application and begin again."


@dataclass(frozen=True)
class Waiting:
    """A request that waits for the person; `holder` is the digest of the secret of the browser it came from.

    After `answered_at` it waits for nothing but a second click on the same button.
    """

    id: str
    holder: str
    asked: Asked
    progress: Progress = Progress()
    answered_at: datetime | None = None


def begin(core: Core, asked: Asked, browser: str) -> Waiting:
    """A request that is now kept for this browser."""
    waiting = Waiting(random_token(), digest(browser), asked)
    keep(core, waiting)
    return waiting


def count(core: Core, client: Client) -> None:
    """AuthError `rate_limited` for an address from which too many requests are to be kept: anybody may begin any number."""
    allowed = PER_SIGN_IN * core.settings.sign_ins_per_minute * local_factor(core, client)
    core.spend(Limit(f"authorize:{network_of(client.address)}", allowed, 60))


def keep(core: Core, waiting: Waiting) -> None:
    """Keep it as it stands now."""
    since, answered_at = waiting.progress.factors_since, waiting.answered_at
    facts: dict[str, Any] = {
        "holder": waiting.holder,
        "asked": waiting.asked.facts(),
        "chosen": waiting.progress.chosen,
        "factors_since": since.isoformat() if since else "",
        "answered_at": answered_at.isoformat() if answered_at else "",
    }
    until = answered_at + SECOND_CLICK if answered_at else waiting.asked.asked_at + PATIENCE
    core.store.issue_ticket(WAITING, digest(waiting.id), facts, until)


def look(core: Core, request_id: str, browser: str) -> Waiting:
    """The waiting request, which stays; AuthError `challenge_expired` if it is not this browser's, or no more."""
    facts = core.store.read_ticket(WAITING, digest(request_id), core.clock.now()) if 0 < len(request_id) <= LONGEST else None
    if facts is None or not same(str(facts["holder"]), digest(browser)):
        raise AuthError("challenge_expired", GONE)
    progress = Progress(facts["chosen"], factors_since=_instant(facts["factors_since"]))
    return Waiting(request_id, facts["holder"], Asked.of(facts["asked"]), progress, _instant(facts["answered_at"]))


def finish(core: Core, waiting: Waiting) -> None:
    """The request is answered now; it can be answered again within `SECOND_CLICK` of the first time, and then no more."""
    if waiting.answered_at is None:
        keep(core, replace(waiting, answered_at=core.clock.now()))


def push(core: Core, asked: Asked) -> str:
    """Keep a request that its application pushed; the name under which a browser brings it, once, within 60 seconds."""
    name = random_token()
    core.store.issue_ticket(PUSHED, digest(name), asked.facts(), core.clock.now() + PUSHED_LIFE)
    return name


def pulled(core: Core, name: str, client_id: str) -> Asked:
    """The pushed request of this application, which is now spent; AuthError `invalid_request`."""
    facts = core.store.take_ticket(PUSHED, digest(name), core.clock.now()) if 0 < len(name) <= LONGEST else None
    asked = Asked.of(facts) if facts else None
    if asked is None or asked.target.client_id != client_id:
        raise AuthError("invalid_request", GONE)
    return asked.at(core.clock.now())


def rebound(waiting: Waiting, browser: str) -> Waiting:
    """The same request, bound to another secret."""
    return replace(waiting, holder=digest(browser))


def _instant(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
