"""The conversation: begin with a provider, resume until it ends in a sign-in, a link or a refusal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from authenticator.crypto import random_token
from authenticator.errors import AuthError
from authenticator.flows import admission, ownership, ticket
from authenticator.flows.core import Core
from authenticator.flows.linking import Decision
from authenticator.flows.logins import VisitLogins
from authenticator.flows.outcomes import Away, Begin, Outcome, Pending, Signed
from authenticator.flows.ticket import Ticket
from authenticator.identifiers import network_of
from authenticator.kinds.base import Ask, Conversation, Proof, Provider, Redirect, Turn, Visit, checked
from authenticator.models import Backoff, Client, Intent, Limit

RESEND = "resend"
AGAIN = frozenset({"invalid_code", "invalid_credentials", "validation_failed", "invalid_request"})  # refusals that leave tries
FURTHER_TRIES = 8  # an hour and address, besides the first of each code: with 12 codes an hour that makes 20 (ASVS 5.0 6.6.3)


def begin(core: Core, wish: Begin) -> Outcome:
    """The first step. An answer that fits the provider's first Ask is resumed at once."""
    provider = provider_named(core, wish.provider, wish.intent)
    draft, binding = ticket.new_ticket(core, wish)
    visit = _visit(core, draft, wish.client, wish.signed, wish)
    turn = provider.start(visit)
    if not isinstance(turn, Ask) or wish.answer is None:
        if isinstance(turn, Redirect):
            core.spend(_address_limit(core, draft.intent, wish.client))
        return _settle(core, draft, binding, turn, wish.client, visit, wish.signed)
    answer = checked(turn.fields, wish.answer)
    provider.vet(visit, answer)
    draft = replace(draft, counted=_count(core, provider, visit, answer))
    turn = _refusals_told(core, provider, visit, turn.keep, answer)
    return _settle(core, draft, binding, turn, wish.client, visit, wish.signed)


def resume(core: Core, held: Ticket, binding: str, answer: Mapping[str, Any], client: Client, signed: Signed | None) -> Outcome:
    """The next step of a ticket that was taken. A refusal that leaves tries puts the ticket back."""
    provider = provider_named(core, held.provider, held.intent)
    visit = _visit(core, held, client, signed)
    try:
        turn, held = _next(core, provider, held, visit, answer)
        return _settle(core, held, binding, turn, client, visit, signed)
    except AuthError as error:
        error.return_to = held.return_to
        if held.ask and (error.code == "rate_limited" or (error.code in AGAIN and held.tries > 1)):
            tries = held.tries - (error.code != "rate_limited")
            ticket.issue(core, replace(held, tries=tries), binding)
        raise


def _next(core: Core, provider: Provider, held: Ticket, visit: Visit, answer: Mapping[str, Any]) -> tuple[Turn, Ticket]:
    wants_new = bool(held.ask and held.ask.resend and answer.get(RESEND))
    if held.stage == "prove":
        return _next_of_proving(core, held, answer, wants_new)
    speaker: Conversation = core.registry.factors[held.factor] if held.stage == "factor" else provider
    if wants_new:
        return speaker.resume(visit, held.keep, {RESEND: "1"}), held
    if held.ask:
        values = checked(held.ask.fields, answer)
        if held.stage == "provider":
            provider.vet(visit, values)
            held = replace(held, counted=held.counted + _count(core, provider, visit, values, first=False))
            return _refusals_told(core, provider, visit, held.keep, values), held
        core.spend(Backoff(f"factor:{visit.user.id if visit.user else ''}"))
        return speaker.resume(visit, held.keep, values), held
    return speaker.resume(visit, held.keep, _callback(answer, visit)), held


def _next_of_proving(core: Core, held: Ticket, answer: Mapping[str, Any], wants_new: bool) -> tuple[Turn, Ticket]:
    keep = held.keep
    if wants_new:
        return ownership.ask_for_code(core, keep["email"], ticket=held.id, taken=keep["taken"], linked=held.door == "web"), held
    if held.proof is None or held.ask is None:
        raise AuthError("challenge_expired")
    values = checked(held.ask.fields, answer)
    if held.tries < core.settings.code_tries:
        core.spend(Limit(f"code:{keep['email']}", FURTHER_TRIES, 3600))
    ownership.check_code(core, keep, values, ticket=held.id)
    identity = replace(held.proof.identity, email_proven=True)
    return replace(held.proof, identity=identity), held


def _settle(core: Core, held: Ticket, binding: str, turn: Turn, client: Client, visit: Visit, signed: Signed | None) -> Outcome:
    if isinstance(turn, Redirect):
        challenge = ticket.issue(core, replace(held, keep=turn.keep, ask=None), binding)
        return Away(turn.url, challenge)
    if isinstance(turn, Ask):
        waiting = replace(held, ask=turn, keep=turn.keep)
        return Pending(ticket.issue(core, _living(core, waiting) if turn.resend else waiting, binding))
    return _admit(core, held, binding, turn, client, visit, signed)


def _admit(core: Core, held: Ticket, binding: str, proof: Proof, client: Client, visit: Visit, signed: Signed | None) -> Outcome:
    if held.stage == "factor":
        return admission.after_factor(core, held, proof, client)
    found = admission.decide(core, held, proof, signed, visit.logins)
    if found.decision is Decision.PROVE:
        held = _renamed(held)
        ask = ownership.ask_for_code(
            core, proof.identity.email, ticket=held.id, taken=found.taken, linked=held.door == "web", counted=held.counted
        )
        waiting = replace(held, stage="prove", proof=proof, ask=ask, keep=ask.keep, tries=core.settings.code_tries)
        return Pending(ticket.issue(core, _living(core, waiting), binding))
    outcome = admission.carry_out(core, held, proof, found, client, signed)
    if isinstance(outcome, admission.SecondStep):
        return _second_step(core, held, binding, proof, outcome, visit)
    return outcome


def _second_step(core: Core, held: Ticket, binding: str, proof: Proof, step: admission.SecondStep, visit: Visit) -> Outcome:
    turn = core.registry.factors[step.factor].start(replace(visit, user=step.user))
    if not isinstance(turn, Ask):
        raise AuthError("invalid_request", "This second step can't begin like this.")
    held = _renamed(held)
    waiting = replace(held, stage="factor", factor=step.factor, proof=proof, ask=turn, keep=turn.keep, tries=core.settings.code_tries)
    return Pending(ticket.issue(core, _living(core, waiting), binding))


def _renamed(held: Ticket) -> Ticket:
    """A ticket that goes on under another id: the former one went through the provider's URLs as `state`, and is spent."""
    return replace(held, id=random_token())


def _living(core: Core, held: Ticket) -> Ticket:
    """A ticket that now waits for a person to read her mail: its time begins again."""
    return replace(held, until=core.clock.now() + max(ticket.LIFE, timedelta(seconds=core.settings.code_seconds)))


def provider_named(core: Core, name: str, intent: Intent) -> Provider:
    """AuthError `unknown_provider` for one that is absent, not configured, or not for this."""
    provider = core.registry.providers.get(name)
    if provider is None or intent not in provider.intents:
        raise AuthError("unknown_provider")
    return provider


def _visit(core: Core, held: Ticket, client: Client, signed: Signed | None, wish: Begin | None = None) -> Visit:
    user = signed.user if signed else None
    if held.stage == "factor" and held.proof:
        found = core.store.find_login(admission.key_of(held.provider, held.proof))
        user = found.user if found else None
    return Visit(
        intent=held.intent,
        logins=VisitLogins(core.store, held.factor or held.provider),
        client=client,
        state=held.id,
        callback_url=f"{held.base_url}/sign-in/{held.provider}/callback",
        login_hint=wish.login_hint if wish else "",
        prompt=wish.prompt if wish else "",
        user=user,
        session=signed.session if signed else None,
        door=held.door,
    )


def _count(core: Core, provider: Provider, visit: Visit, answer: Mapping[str, str], *, first: bool = True) -> tuple[str, ...]:
    """Count the attempt in one trip: for the address, and for the account it aims at or, at sign-up, the messages to it.

    The keys counted beside the address; a sign-in forgives them when it succeeds. A sign-up counts as one, however many
    answers it takes.
    """
    intent = visit.intent
    here = _address_limit(core, intent if first else Intent.SIGN_IN, visit.client)
    subject = provider.guarded(visit, answer)
    if not subject:
        core.spend(here)
        return ()
    aimed = ownership.message_limit(core, subject) if intent is Intent.SIGN_UP else Backoff(f"account:{provider.name}:{subject}")
    core.spend(here, aimed)
    return (aimed.key,)


def _address_limit(core: Core, intent: Intent, client: Client) -> Limit:
    settings = core.settings
    factor = ownership.local_factor(core, client)
    if intent is Intent.SIGN_UP:
        return Limit(f"sign-up:{network_of(client.address)}", settings.sign_ups_per_hour * factor, 3600)
    return Limit(f"sign-in:{network_of(client.address)}", settings.sign_ins_per_minute * factor, 60)


def _refusals_told(core: Core, provider: Provider, visit: Visit, keep: Mapping[str, Any], answer: Mapping[str, str]) -> Turn:
    try:
        return provider.resume(visit, keep, answer)
    except AuthError as error:
        core.history.record("sign_in_refused", client=visit.client, provider=provider.name, code=error.code)
        raise


def _callback(answer: Mapping[str, Any], visit: Visit) -> dict[str, str]:
    """The parameters with which a provider sends the browser back: text only, each bounded, and the state that went out."""
    if answer.get("state") != visit.state or any(not isinstance(value, str) or len(value) > 4096 for value in answer.values()):
        raise AuthError("invalid_request")
    return dict(answer)
