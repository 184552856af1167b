"""Second steps of an account: set up, listed, taken away, and the recovery codes that come with the first one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from authenticator.applications import OWN
from authenticator.errors import AuthError
from authenticator.flows import devices, recovery_codes, sessions
from authenticator.flows.changes import change, put_secret
from authenticator.flows.core import Core
from authenticator.flows.notices import notify
from authenticator.flows.outcomes import Signed, SignedIn
from authenticator.flows.second_step import label_of
from authenticator.flows.ticket import Ticket
from authenticator.kinds.base import Factor, Proof
from authenticator.models import Client, LoginKey, User
from authenticator.words import Words

STILL_ONE = "%(factor)s is no longer asked for when you sign in."
NONE_LEFT = "%(factor)s is no longer asked for when you sign in. Your account now has no second step."

BY_OPERATOR = "An administrator removed the second steps of your account and ended all sign-ins. Set one up anew after you have signed in."


@dataclass(frozen=True, slots=True)
class HeldFactor:
    """A second step that somebody has set up."""

    id: str
    name: str
    label: str
    weak: bool
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class Overview:
    """What a person has, what she could set up besides, and what is left of her recovery codes. `must_keep` forbids to remove the last one."""

    held: tuple[HeldFactor, ...]
    available: tuple[Factor, ...]
    recovery_left: int
    trusted: int
    must_keep: bool


def overview(core: Core, user: User) -> Overview:
    """The second steps of an account, in the order in which they were set up."""
    keys = {key.provider: key for key in reversed(core.store.keys_of(user.id))}
    factors = core.registry.factors
    held = tuple(
        HeldFactor(
            keys[name].id if name in keys else name,
            name,
            label_of(core, name),
            name in factors and factors[name].weak,
            keys[name].created_at if name in keys else None,
        )
        for name in user.factors
    )
    could = (factor for name, factor in factors.items() if name not in user.factors and factor.available(user))
    available = tuple(sorted(could, key=lambda factor: (factor.weak, factor.label)))
    left = recovery_codes.left(core, user) if recovery_codes.NAME in keys else 0
    return Overview(held, available, left, len(devices.trusted(core, user)), must_keep(core, user))


def must_keep(core: Core, user: User) -> bool:
    """Whether this person may not be without a second step: administrators in production (ASVS 5.0 6.3.3)."""
    return any(item.application == OWN for item in user.assignments) and not core.settings.development


def may_set_up(core: Core, signed: Signed | None, name: str) -> Factor:
    """The factor that this person wants to set up; AuthError says why she can't now."""
    factor = core.registry.factors.get(name)
    if factor is None:
        raise AuthError("unknown_provider", "There is no such second step here.")
    if signed is None:
        raise AuthError("invalid_token", "Sign in again, then repeat this.")
    sessions.require_fresh(core, signed.session)
    if name in signed.user.factors:
        raise AuthError("conflict", "You have set this up already. Remove it first to set it up anew.")
    if not factor.available(signed.user):
        raise AuthError("forbidden", "You can't set this up now.")
    return factor


def set_up(core: Core, held: Ticket, proof: Proof, client: Client, signed: Signed | None) -> SignedIn:
    """Keep what was proved, and ask for it from now on. The first one comes with recovery codes, shown this once."""
    name = held.provider
    may_set_up(core, signed, name)
    assert signed is not None
    if signed.session.id != held.session or proof.subject != signed.user.id:
        raise AuthError("invalid_token", "Sign in again, then repeat this.")
    if proof.secret is not None:
        # nothing asks for it before the user names the factor, so what a crash has left there may be replaced
        put_secret(core, signed.user, name, proof.secret, proof.label)
    user = change(core, signed.user, lambda found: _with(found, name))
    codes = recovery_codes.new_set(core, user) if user.factors == (name,) else ()
    core.history.record("factor_added", user_id=user.id, client=client, factor=name)
    notify(core, user, "A second step was set up", "%(factor)s is now asked for when you sign in.", factor=Words(label_of(core, name)))
    return SignedIn(user, signed.session, held.intent, return_to=held.return_to, linked=name, recovery_codes=codes)


def _with(user: User, name: str) -> User:
    if name in user.factors:
        raise AuthError("conflict", "You have set this up already. Remove it first to set it up anew.")
    return replace(user, factors=(*user.factors, name))


def remove(core: Core, signed: Signed, name: str, client: Client) -> None:
    """Ask for a second step no longer. AuthError `not_found`, or `last_second_step` for who must keep one.

    With the last one go the recovery codes and the trust in browsers.
    """
    sessions.require_fresh(core, signed.session)
    user = change(core, signed.user, lambda found: _without(core, found, name))
    core.store.remove_login_key(user.id, LoginKey(name, user.id))
    if not user.factors:
        recovery_codes.drop(core, user)
    core.history.record("factor_removed", user_id=user.id, client=client, factor=name)
    said = STILL_ONE if user.factors else NONE_LEFT
    notify(core, user, "A second step was removed", said, factor=Words(label_of(core, name)))


def _without(core: Core, user: User, name: str) -> User:
    if name not in user.factors:
        raise AuthError("not_found")
    left = tuple(one for one in user.factors if one != name)
    if not left and must_keep(core, user):
        raise AuthError("last_second_step")
    return replace(user if left else devices.untrusted(user), factors=left)


def take_away(core: Core, user: User, *, by: str, client: Client | None = None) -> None:
    """By the operator's word, for who has lost them all: her sessions end, and she is told. AuthError `conflict` if there are none.

    Whoever does this has made sure that it is she who asks (ASVS 5.0 6.4.4).
    """
    names = user.factors
    if not names:
        raise AuthError("conflict", "There is no second step to remove.")
    change(core, user, lambda found: replace(devices.untrusted(found), factors=tuple(one for one in found.factors if one not in names)))
    for name in names:
        core.store.remove_login_key(user.id, LoginKey(name, user.id))
        core.history.record("factor_removed", user_id=user.id, client=client, factor=name, by=by)
    recovery_codes.drop(core, user)
    sessions.end_all(core, user, "ended_by_operator", client or Client(), by=by)
    notify(core, user, "Your second steps were removed", BY_OPERATOR)


def new_recovery_codes(core: Core, signed: Signed, client: Client) -> tuple[str, ...]:
    """A new set of codes, shown this once; the old ones stop working."""
    sessions.require_fresh(core, signed.session)
    if not signed.user.factors:
        raise AuthError("conflict", "Set up a second step first. Recovery codes come with it.")
    codes = recovery_codes.new_set(core, signed.user)
    core.history.record("recovery_codes_made", user_id=signed.user.id, client=client)
    notify(core, signed.user, "New recovery codes", "New recovery codes were made. The old ones no longer work.")
    return codes


def recovery_code_used(core: Core, user: User, client: Client) -> None:
    """Tell the owner that one of her codes was used, and how many there still are."""
    left = recovery_codes.left(core, user)
    core.history.record("recovery_code_used", user_id=user.id, client=client, left=str(left))
    text = "Somebody signed in to your account with one of your recovery codes. %(left)s of them are left."
    notify(core, user, "A recovery code was used", text, left=str(left))
