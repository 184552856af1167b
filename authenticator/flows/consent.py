"""What a person lets an application have: asked once, remembered, asked again for more, taken back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from authenticator.applications import Application, Grant
from authenticator.errors import AuthError
from authenticator.flows import authorization_claims, logout
from authenticator.flows.authorization_target import is_loopback
from authenticator.flows.core import Core
from authenticator.flows.scopes import CLAIMS
from authenticator.models import Client, User

TRIES = 5


def consented(
    core: Core, user: User, application: Application, scopes: Iterable[str], claims: Iterable[str] = (), resources: Iterable[str] = ()
) -> bool:
    """Whether she has agreed to all of this before; where the operator answers for the application, always, and only as long as that is so."""
    if vouched_for(application):
        return True
    grant = core.store.grant(user.id, application.id)
    return grant is not None and not grant.unasked and _covers(grant, scopes, claims, asked_for(application, resources))


def asked_for(application: Application, resources: Iterable[str]) -> tuple[str, ...]:
    """Those of the audiences that need her consent: the operator opened them to strangers, and knows nothing of this one."""
    return tuple(one for one in dict.fromkeys(resources) if one in application.open_resources)


def vouched_for(application: Application) -> bool:
    """Whether the operator answers for the application, so that nobody is asked."""
    return application.trusted and application.registration == "operator"


def unproven(application: Application, redirect_uri: str) -> bool:
    """Whether anybody could pass for this application: it came by itself, has no secret, and is answered on the person's own machine.

    Its consent is asked for each time (RFC 6749 §10.2, RFC 8252 §8.6).
    """
    if not application.public or application.registration not in ("dynamic", "document"):
        return False
    return is_loopback(redirect_uri) or not redirect_uri.startswith("https:")


def agree(
    core: Core,
    user: User,
    application: Application,
    scopes: Iterable[str],
    claims: Iterable[str] = (),
    resources: Iterable[str] = (),
    *,
    client: Client,
    by: str = "",
) -> Grant:
    """Remember that she lets the application have these too; AuthError `conflict` if either of them is gone.

    `by` says who agreed, if it was not the person herself: that adds nothing to what she did, and what she does takes its place.
    """
    scopes, claims, resources = tuple(scopes), tuple(sorted(authorization_claims.personal(claims))), asked_for(application, resources)
    for _ in range(TRIES):
        before = core.store.grant(user.id, application.id)
        now = core.clock.now()
        grant = before or Grant(user.id, application.id, now, now, unasked=bool(by))
        if by and not grant.unasked:
            return grant
        if grant.unasked and not by:
            grant = replace(grant, scopes=(), claims=(), resources=(), unasked=False)
        elif before is not None and _covers(before, scopes, claims, resources):
            return before
        grant = replace(
            grant,
            updated_at=now,
            scopes=_united(grant.scopes, scopes),
            claims=_united(grant.claims, claims),
            resources=_united(grant.resources, resources),
        )
        if core.store.save_grant(grant):
            who = {"by": by} if by else {}
            words = " ".join((*scopes, *claims, *resources))
            core.history.record("consent_given", user_id=user.id, client=client, application=application.id, scopes=words, **who)
            return replace(grant, version=grant.version + 1)
    raise AuthError("conflict")


def withdraw(core: Core, user: User, application_id: str, client: Client) -> None:
    """Take back all that the application was let have; what it holds ends. AuthError `not_found` if that is nothing."""
    with logout.ending(core, logout.given_by(core, user.id, application_id=application_id)):
        taken = core.store.remove_grant(user.id, application_id, core.clock.now())
    if not taken:
        raise AuthError("not_found")
    core.history.record("consent_withdrawn", user_id=user.id, client=client, application=application_id)


def _covers(grant: Grant, scopes: Iterable[str], claims: Iterable[str], resources: Iterable[str]) -> bool:
    known = {*grant.claims, *(claim for scope in grant.scopes for claim in CLAIMS.get(scope, ()))}
    agreed = set(scopes) <= set(grant.scopes) and set(resources) <= set(grant.resources)
    return agreed and authorization_claims.personal(claims) <= known


def _united(before: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*before, *more)))
