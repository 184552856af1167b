"""The conversation: begin with a provider, resume until it ends in a sign-in, a link or a refusal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from authenticator.crypto import random_token
from authenticator.errors import AuthError
from authenticator.events import Event
from authenticator.flows import admission, factors, ownership, second_step, ticket
from authenticator.flows.core import Core
from authenticator.flows.linking import Decision
from authenticator.flows.logins import VisitLogins
from authenticator.flows.outcomes import Away, Begin, Outcome, Pending, Signed
from authenticator.flows.ticket import Ticket
from authenticator.identifiers import network_of
from authenticator.kinds.base import Ask, Proof, Provider, Redirect, Turn, Visit, checked
from authenticator.kinds.codes import RESEND
from authenticator.limits import Backoff, Limit
from authenticator.models import Client, Intent

AGAIN = frozenset({"invalid_code", "invalid_credentials", "validation_failed", "invalid_request"})  # refusals that leave tries
MISTYPED = frozenset({"validation_failed", "invalid_request"})  # refusals that say nothing of who it was
USER = "user:"  # with it begins what a provider guards where it knows the account
FURTHER_TRIES = 8  # an hour and address, besides the first of each code: with 12 codes an hour that makes 20 (ASVS 5.0 6.6.3)


def begin(core: Core, wish: Begin) -> Outcome:
    """The first step. An answer that fits the provider's first Ask is resumed at once."""
    draft, binding = ticket.new_ticket(core, wish)
    visit = _visit(core, draft, wish.client, wish.signed, wish)
    if wish.factor:
        turn = factors.may_set_up(core, wish.signed, wish.provider).start(visit)
        return _settle(core, draft, binding, turn, wish.client, visit, wish.signed)
    provider = provider_named(core, wish.provider, wish.intent)
    turn = provider.start(visit)
    if not isinstance(turn, Ask) or not _answers(turn, wish.answer):
        if isinstance(turn, Redirect):
            core.spend(_address_limit(core, draft.intent, wish.client))
        return _settle(core, draft, binding, turn, wish.client, visit, wish.signed)
    answer = checked(turn.fields, wish.answer or {})
    provider.vet(visit, answer)
    draft = _counted(core, provider, draft, visit, answer)
    turn = _refusals_told(core, provider, replace(draft, keep=turn.keep), visit, answer)
    return _settle(core, draft, binding, turn, wish.client, visit, wish.signed)


def resume(core: Core, held: Ticket, binding: str, answer: Mapping[str, Any], client: Client, signed: Signed | None) -> Outcome:
    """The next step of a ticket that was taken. A refusal that leaves tries puts the ticket back."""
    if held.door == "api" and not held.session:  # a program may send its token along; who signs in is not yet anybody
        signed = None
    visit = _visit(core, held, client, signed)
    try:
        if held.stage == "factor" and (name := second_step.wanted(held, answer)):
            return _other_step(core, held, binding, visit, name)
        turn, held = _next(core, held, visit, answer, signed)
        return _settle(core, held, binding, turn, client, visit, signed)
    except AuthError as error:
        error.return_to = held.return_to
        if _may_repeat(held, error):
            tries = held.tries - (error.code != "rate_limited")
            ticket.issue(core, replace(held, tries=tries), binding)
        raise


def _answers(turn: Ask, answer: Mapping[str, Any] | None) -> bool:
    """Whether this is meant as an answer: nothing at all is none to a question that only a script can answer."""
    return answer is not None and bool(answer or any(item.type != "hidden" for item in turn.fields))


def _may_repeat(held: Ticket, error: AuthError) -> bool:
    if held.ask is None:
        return False
    return error.code == "rate_limited" or (error.code in AGAIN and held.tries > 1 and not held.ask.once)


def _next(core: Core, held: Ticket, visit: Visit, answer: Mapping[str, Any], signed: Signed | None) -> tuple[Turn, Ticket]:
    wants_new = bool(held.ask and held.ask.resend and answer.get(RESEND))
    if held.stage == "setup":
        factor = factors.may_set_up(core, signed, held.provider)
        return factor.resume(visit, held.keep, {RESEND: "1"} if wants_new else _filled_in(held, answer)), held
    provider = provider_named(core, held.provider, held.intent)
    if held.stage == "prove":
        return _next_of_proving(core, held, visit, answer, wants_new)
    if held.stage == "factor":
        return _next_of_second_step(core, held, visit, answer, wants_new)
    if wants_new:
        return provider.resume(visit, held.keep, {RESEND: "1"}), held
    if held.ask is None:
        return _refusals_told(core, provider, held, visit, _callback(answer, visit)), held
    values = _filled_in(held, answer)
    provider.vet(visit, values)
    held = _counted(core, provider, held, visit, values, first=False)
    return _refusals_told(core, provider, held, visit, values), held


def _filled_in(held: Ticket, answer: Mapping[str, Any]) -> dict[str, str]:
    return checked(held.ask.fields if held.ask else (), answer)


def _next_of_second_step(core: Core, held: Ticket, visit: Visit, answer: Mapping[str, Any], wants_new: bool) -> tuple[Turn, Ticket]:
    factor = core.registry.factors.get(held.factor)
    if factor is None or visit.user is None:
        raise AuthError("challenge_expired")
    if wants_new:
        return factor.resume(visit, held.keep, {RESEND: "1"}), held
    values = _filled_in(held, answer)
    held = replace(held, trust=bool(values.pop(second_step.TRUST.name, "")))
    core.spend(*second_step.counters(visit.user))
    try:
        return factor.resume(visit, held.keep, values), held
    except AuthError as error:
        core.history.record("second_step_failed", user_id=visit.user.id, client=visit.client, factor=held.factor, code=error.code)
        raise


def _next_of_proving(core: Core, held: Ticket, visit: Visit, answer: Mapping[str, Any], wants_new: bool) -> tuple[Turn, Ticket]:
    keep = held.keep
    if wants_new:
        ask, letter = ownership.ask_for_code(
            core, keep["email"], ticket=held.id, taken=keep["taken"], linked=held.door == "web", locale=visit.client.locale
        )
        return ask, replace(held, errands=(letter,))
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
        turn = second_step.ask_again(held.ask, turn) if held.stage == "factor" else turn
        waiting = replace(held, ask=turn, keep=turn.keep)
        return Pending(ticket.issue(core, _living(core, waiting) if turn.resend else waiting, binding))
    return _admit(core, held, binding, turn, client, visit, signed)


def _admit(core: Core, held: Ticket, binding: str, proof: Proof, client: Client, visit: Visit, signed: Signed | None) -> Outcome:
    if held.stage == "factor":
        return admission.after_factor(core, held, proof, client, visit.user, signed)
    if held.stage == "setup":
        return factors.set_up(core, held, proof, client, signed)
    found = admission.decide(core, held, proof, signed, visit.logins)
    if found.decision is Decision.PROVE:
        held = _renamed(held)
        ask, letter = ownership.ask_for_code(
            core,
            proof.identity.email,
            ticket=held.id,
            taken=found.taken,
            linked=held.door == "web",
            counted=held.counted,
            locale=client.locale,
        )
        tries = core.settings.code_tries
        waiting = replace(held, stage="prove", proof=proof, ask=ask, keep=ask.keep, tries=tries, errands=(letter,))
        return Pending(ticket.issue(core, _living(core, waiting), binding))
    outcome = admission.carry_out(core, held, proof, found, client, signed)
    if isinstance(outcome, admission.SecondStep):
        waiting = replace(_renamed(held), proof=proof, tries=core.settings.code_tries)
        return Pending(ticket.issue(core, _living(core, second_step.ask(core, waiting, outcome.user, visit)), binding))
    return outcome


def _other_step(core: Core, held: Ticket, binding: str, visit: Visit, name: str) -> Outcome:
    """Another second step is asked for instead; the tries stay those that are left."""
    if visit.user is None:
        raise AuthError("challenge_expired")
    return Pending(ticket.issue(core, second_step.ask(core, held, visit.user, visit, name), binding))


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


def _counted(core: Core, provider: Provider, held: Ticket, visit: Visit, answer: Mapping[str, str], *, first: bool = True) -> Ticket:
    """The ticket, after the attempt was counted in one trip: for the address, and for the account it aims at or, at sign-up, the messages to it.

    It remembers the keys counted beside the address, which a sign-in forgives when it succeeds. A sign-in is written down as failed
    in the same trip, until it succeeds. A sign-up counts as one, however many answers it takes.
    """
    intent = visit.intent
    here = _address_limit(core, intent if first else Intent.SIGN_IN, visit.client)
    subject = provider.guarded(visit, answer)
    if not subject:
        core.spend(here)
        return held
    aimed = ownership.message_limit(core, subject) if intent is Intent.SIGN_UP else Backoff(f"account:{provider.name}:{subject}")
    counted = tuple(dict.fromkeys((*held.counted, aimed.key)))
    if intent is not Intent.SIGN_IN:
        core.spend(here, aimed)
        return replace(held, counted=counted)
    failed = _failed(core, provider, visit, at=held.event, user_id=subject.removeprefix(USER) if subject.startswith(USER) else None)
    try:
        core.spend(here, aimed, event=failed)
    except AuthError:
        core.history.tell(failed)
        raise
    return replace(held, counted=counted, event=failed.id)


def _failed(core: Core, provider: Provider, visit: Visit, *, at: str = "", user_id: str | None = None, **detail: str) -> Event:
    return core.history.event("sign_in_failed", at=at, user_id=user_id, client=visit.client, provider=provider.name, **detail)


def _address_limit(core: Core, intent: Intent, client: Client) -> Limit:
    settings = core.settings
    factor = ownership.local_factor(core, client)
    if intent is Intent.SIGN_UP:
        return Limit(f"sign-up:{network_of(client.address)}", settings.sign_ups_per_hour * factor, 3600)
    return Limit(f"sign-in:{network_of(client.address)}", settings.sign_ins_per_minute * factor, 60)


def _refusals_told(core: Core, provider: Provider, held: Ticket, visit: Visit, answer: Mapping[str, str]) -> Turn:
    """The provider's next turn. Its refusal is told once, and written down unless that was done when the attempt was counted."""
    try:
        return provider.resume(visit, held.keep, answer)
    except AuthError as error:
        user_id = visit.user.id if visit.user else None
        failed = _failed(core, provider, visit, at=held.event, user_id=user_id, code=error.code)
        if not held.event and error.code not in MISTYPED and visit.intent is not Intent.SIGN_UP:
            core.store.append_event(failed)
        core.history.tell(failed)
        raise


def _callback(answer: Mapping[str, Any], visit: Visit) -> dict[str, str]:
    """The parameters with which a provider sends the browser back: text only, each bounded, and the state that went out."""
    if answer.get("state") != visit.state or any(not isinstance(value, str) or len(value) > 4096 for value in answer.values()):
        raise AuthError("invalid_request")
    return dict(answer)
