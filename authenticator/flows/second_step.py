"""The second step: who must show it, which factor is asked for, and which others may be chosen instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from authenticator.errors import AuthError
from authenticator.flows import devices, recovery_codes
from authenticator.flows.core import Core
from authenticator.flows.logins import VisitLogins
from authenticator.flows.ticket import Ticket
from authenticator.kinds.base import Ask, Factor, Field, Proof, Visit
from authenticator.limits import Backoff, Limit
from authenticator.models import Client, Intent, User

USE = "use"
TRUST = Field(
    "trust",
    "Do not ask again in this browser for up to 30 days",
    "checkbox",
    required=False,
    help="Only where nobody else uses your browser.",
)
AN_HOUR = 20  # answers for one account (ASVS 5.0 6.6.3); a success does not win any back
# What one holds, or receives: two of these are still one kind of factor, and a mailed code is none at all (NIST SP 800-63B-4 §3.1.3.1)
HELD = frozenset({"otp", "sms", "tel", "hwk", "swk", "sc", "pop", "user", "email"})


def is_due(core: Core, held: Ticket, user: User, proof: Proof, client: Client) -> bool:
    """Whether this person must show a second factor after this proof. A trusted browser never stands for a fresh one."""
    if not (user.factors or _enrolled(core, user)) or "mfa" in proof.amr:
        return False
    return held.intent is Intent.CONFIRM or not devices.is_trusted(core, user, client, held.door)


def amr_of(first: Proof, second: Proof) -> tuple[str, ...]:
    """How both were shown, in the words of RFC 8176; `mfa` only if the first was of another kind than a code or key that one holds.

    Another service's word has no word of its own there, and is such another kind.
    """
    both = dict.fromkeys((*first.amr, *second.amr))
    return tuple(both | {"mfa": None}) if not first.amr or set(first.amr) - HELD else tuple(both)


def counters(user: User) -> tuple[Backoff, Limit]:
    """What an answer is held against, before it is looked at."""
    return Backoff(f"factor:{user.id}"), Limit(f"factor-hour:{user.id}", AN_HOUR, 3600)


def ask(core: Core, held: Ticket, user: User, visit: Visit, name: str = "") -> Ticket:
    """The ticket, waiting for this person's second step: the named one, or the first that can be asked for.

    AuthError `invalid_request` for one that she has not set up; `forbidden` where nothing that she set up is here.
    """
    able = _choices(core, user)
    if name and name not in [factor.name for factor in able]:
        raise AuthError("invalid_request", "This second step is not set up. Choose another one.")
    if not able:  # it was uninstalled, which must not make the account weaker
        raise AuthError("forbidden", "The second step of this account can't be asked for here any more. Ask the operator.")
    factor, turn = _started([one for one in able if not name or one.name == name], replace(visit, user=user, state=held.id), core)
    others = [{"name": one.name, "label": one.label} for one in able if one is not factor]
    offered = held.door == "web" and held.intent is not Intent.CONFIRM and core.settings.trusted_device_days > 0
    dressed = replace(turn, fields=(*turn.fields, TRUST) if offered else turn.fields, options={**turn.options, "others": others})
    return replace(held, stage="factor", factor=factor.name, ask=dressed, keep=turn.keep)


def ask_again(before: Ask | None, turn: Ask) -> Ask:
    """A further question of the same factor, with what stood beside the one before."""
    if before is None:
        return turn
    trust = tuple(field for field in before.fields if field == TRUST)
    return replace(turn, fields=(*turn.fields, *trust), options={**turn.options, "others": before.options.get("others", [])})


def wanted(held: Ticket, answer: Mapping[str, Any]) -> str:
    """The other second step that is chosen instead of an answer; empty for an answer."""
    chosen = answer.get(USE)
    known = held.ask is not None and any(field.name == USE for field in held.ask.fields)
    return chosen if isinstance(chosen, str) and not known else ""


def label_of(core: Core, name: str) -> str:
    """What people call a factor."""
    factor = core.registry.factors.get(name)
    return factor.label if factor else name


def _choices(core: Core, user: User) -> Sequence[Factor]:
    """What she may show, in the order of asking: the weak ones last, recovery codes at the very end."""
    able = _enrolled(core, user)
    recovery = core.registry.factors.get(recovery_codes.NAME)
    return [*able, recovery] if recovery and recovery_codes.left(core, user) else able


def _enrolled(core: Core, user: User) -> list[Factor]:
    order = {name: number for number, name in enumerate(user.factors)}
    able = [factor for factor in core.registry.factors.values() if factor.enrolled(user)]
    return sorted(able, key=lambda factor: (factor.weak, order.get(factor.name, len(order))))


def _started(able: Sequence[Factor], visit: Visit, core: Core) -> tuple[Factor, Ask]:
    """The first that can begin: one that has sent too many messages must not keep the others from being asked."""
    refused: AuthError | None = None
    for factor in able:
        try:
            turn = factor.start(replace(visit, logins=VisitLogins(core.store, factor.name)))
        except AuthError as error:
            refused = refused or error
            continue
        if not isinstance(turn, Ask):
            raise AuthError("invalid_request", "This second step can't begin like this.")
        return factor, turn
    raise refused or AuthError("forbidden")
