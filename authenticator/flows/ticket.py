"""The ticket: a conversation that waits, kept in the store, taken once, bound to who began it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from authenticator.crypto import digest, random_token, same
from authenticator.errors import AuthError
from authenticator.flows.core import Core
from authenticator.flows.outcomes import Begin, Challenge
from authenticator.kinds.base import Ask, Field, Identity, Proof
from authenticator.models import Errand, Intent

KIND = "conversation"
LIFE = timedelta(minutes=10)  # OpenID Connect state, ASVS 5.0 10.2.1
PLAIN = ("holder", "provider", "door", "tries", "return_to", "session", "base_url", "stage", "factor", "trust", "event")


@dataclass(frozen=True)
class Ticket:
    """Where a conversation stands. `holder` is the digest of the secret it is bound to.

    `stage` says who has the next word: the provider, the proof of an address, a second factor, or one that is being set up
    (then `provider` names it). `trust` is the wish not to be asked again in this browser.
    `event` is the id under which this sign-in stands in the history, as failed until it succeeds.
    `session` is the session of the person who links or confirms. `counted` are the keys of the attempts that this
    sign-in was held against.
    """

    id: str
    holder: str
    provider: str
    intent: Intent
    door: Literal["web", "api"]
    tries: int
    until: datetime
    return_to: str = ""
    session: str = ""
    base_url: str = ""
    stage: Literal["provider", "prove", "factor", "setup"] = "provider"
    factor: str = ""
    trust: bool = False
    event: str = ""
    ask: Ask | None = None
    keep: Mapping[str, Any] = field(default_factory=dict)
    proof: Proof | None = None
    counted: tuple[str, ...] = ()
    errands: tuple[Errand, ...] = ()  # messages that are kept in the same trip; nobody needs them back


def new_ticket(core: Core, begin: Begin) -> tuple[Ticket, str]:
    """A ticket for a conversation that begins, and the secret it is bound to."""
    binding = begin.browser or random_token()
    ticket = Ticket(
        id=random_token(),
        holder=digest(binding),
        provider=begin.provider,
        intent=begin.intent,
        door=begin.door,
        tries=core.settings.code_tries,
        until=core.clock.now() + LIFE,
        return_to=begin.return_to,
        session=begin.signed.session.id if begin.signed else "",
        base_url=begin.base_url or core.settings.public_url,
        stage="setup" if begin.factor else "provider",
    )
    return ticket, binding


def issue(core: Core, ticket: Ticket, binding: str) -> Challenge:
    """Keep the ticket, and say what its holder needs to know."""
    core.store.issue_ticket(KIND, digest(ticket.id), _to_facts(ticket), ticket.until, errands=ticket.errands)
    core.messages.accepted(*ticket.errands)
    return _challenge(core, ticket, binding)


def take(core: Core, ticket_id: str, binding: str) -> Ticket:
    """Take the ticket out of the store: it is gone, whatever follows. AuthError `challenge_expired` if it is not the asker's."""
    return _held(core.store.take_ticket(KIND, digest(ticket_id), core.clock.now()), ticket_id, binding)


def look(core: Core, ticket_id: str, binding: str) -> Challenge:
    """What a waiting ticket asks for, without taking it."""
    ticket = _held(core.store.read_ticket(KIND, digest(ticket_id), core.clock.now()), ticket_id, binding)
    return _challenge(core, ticket, binding)


def _held(facts: Mapping[str, Any] | None, ticket_id: str, binding: str) -> Ticket:
    if facts is None or not same(str(facts["holder"]), digest(binding)):
        raise AuthError("challenge_expired")
    return _from_facts(ticket_id, facts)


def _challenge(core: Core, ticket: Ticket, binding: str) -> Challenge:
    kind = ticket.ask.kind if ticket.ask else "redirect"
    seconds = max(0, math.ceil((ticket.until - core.clock.now()).total_seconds()))
    return Challenge(ticket.id, binding, kind, seconds, replace(ticket.ask, keep={}) if ticket.ask else None, ticket.return_to)


def _to_facts(ticket: Ticket) -> dict[str, Any]:
    facts = {name: getattr(ticket, name) for name in PLAIN}
    facts |= {"intent": ticket.intent.value, "until": ticket.until.isoformat(), "keep": dict(ticket.keep), "counted": list(ticket.counted)}
    facts["ask"] = asdict(ticket.ask) if ticket.ask else None
    facts["proof"] = asdict(ticket.proof) if ticket.proof else None
    return facts


def _from_facts(ticket_id: str, facts: Mapping[str, Any]) -> Ticket:
    ask, proof = facts["ask"], facts["proof"]
    plain = {name: facts[name] for name in (*PLAIN, "keep") if name in facts}  # a process of the version before may have kept it
    return Ticket(
        id=ticket_id,
        intent=Intent(facts["intent"]),
        until=datetime.fromisoformat(facts["until"]),
        counted=tuple(facts["counted"]),
        ask=Ask(**{**ask, "fields": tuple(Field(**item) for item in ask["fields"])}) if ask else None,
        proof=Proof(**{**proof, "identity": Identity(**proof["identity"]), "amr": tuple(proof["amr"])}) if proof else None,
        **plain,
    )
