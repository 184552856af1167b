"""What an application is given at the token endpoint, whichever way it came: the family of its tokens, and what bounds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidGrantError, InvalidScopeError, UnauthorizedClientError

from authenticator.applications import Application
from authenticator.crypto import derive_key, digest, keyed_token, random_token, same
from authenticator.errors import AuthError
from authenticator.events import Event
from authenticator.flows import consent, logout, permissions, scopes
from authenticator.flows.core import Core
from authenticator.flows.notices import notify
from authenticator.flows.sessions import GRACE, MARK
from authenticator.models import Client, Session, Status, User

LONGEST: Final = 256  # characters of a refresh token worth looking at


class InvalidTargetError(OAuth2Error):  # type: ignore[misc]
    """The resource is none that this application may have tokens for (RFC 8707 §2)."""

    error = "invalid_target"
    description = "The resource is not registered for this client, or was not agreed to."


@dataclass(frozen=True, slots=True)
class Given:
    """What a request for tokens came to; tokens are made of it.

    Without `user` the application speaks for itself. `family` is the session that all of it hangs on. `nonce` and `claims` come from
    the authorization request. `jkt` is the thumbprint of the DPoP key that the access token is bound to. `act` says on whose behalf
    somebody else acts (RFC 8693 §4.1), `until` is when the access token ends at the latest.
    """

    application: Application
    scopes: tuple[str, ...]
    audience: tuple[str, ...]
    user: User | None = None
    family: Session | None = None
    refresh_token: str = field(default="", repr=False)
    nonce: str = ""
    claims: Mapping[str, Any] = field(default_factory=dict)
    acr: str = ""
    jkt: str = ""
    act: Mapping[str, Any] | None = None
    until: int = 0


def open_family(
    core: Core,
    application: Application,
    family: Session,
    *,
    jkt: str = "",
    event: Event | None = None,
) -> str:
    """Store a new family, and say its first refresh token; empty where the application uses none.

    `InvalidGrantError` if what it hangs on has just ended.
    """
    token, binding = "", jkt if application.public else ""
    if "refresh_token" in application.grants:
        token = _token(core, application, family.id, random_token(), binding)
    terms = {**family.terms, **({"jkt": binding} if binding else {})}
    try:
        core.store.open_session(replace(family, refresh=digest(token) if token else None, terms=terms), event=event)
    except AuthError as error:
        if error.code != "conflict":
            raise
        raise InvalidGrantError("What this would hang on has ended.") from None
    _still_agreed(core, application, family)
    if event:
        core.history.tell(event)
    return token


def _still_agreed(core: Core, application: Application, family: Session) -> None:
    """Look once more, now that whoever takes her consent back or switches the application off finds the family: before, nobody could."""
    stored = core.store.application(application.id)
    reason = "" if stored is not None and stored.enabled else "application_disabled"
    if not consent.vouched_for(application) and core.store.grant(family.user_id, application.id) is None:
        reason = "consent_withdrawn"
    if reason:
        core.store.close_session(family.id, reason, core.clock.now())
        raise InvalidGrantError("What this would hang on has ended.")


def family_until(core: Core, application: Application, parent: Session | None, *, offline: bool) -> datetime:
    """When a family ends by itself: with its sign-in, unless it outlives that."""
    days = min(application.refresh_token_days or core.settings.refresh_token_days, 30)
    end = core.clock.now() + timedelta(days=days)
    return end if offline or parent is None else min(end, parent.expires_at)


def refresh(
    core: Core, application: Application, token: str, *, scope: str | None, resources: Sequence[str], jkt: str, client: Client
) -> Given:
    """Swap a refresh token for its successor; `InvalidGrantError` for one that is not this application's, spent, or ended.

    What is asked for may only be narrower than what was agreed (RFC 6749 §6). That, and whether it may be had now, is looked at before
    the token is spent: who is refused keeps it, and is no thief for coming again.
    """
    binding = _binding(core, application, token, jkt)
    family_id = token.partition(".")[0]
    _look_ahead(core, application, family_id, scope, resources)
    successor = _token(core, application, family_id, keyed_token(derive_key(core.secret, "refresh"), token), binding)
    rotation = core.store.rotate_refresh(family_id, digest(token), digest(successor), core.clock.now(), GRACE)
    family = rotation.session
    if rotation.outcome == "reused" and family:
        _told_of_reuse(core, application, family, client)
    if family is None or rotation.outcome not in ("rotated", "repeated"):
        raise InvalidGrantError("The refresh token is not valid any more.")
    user = core.store.user_by_id(family.user_id)
    if user is None or user.status is not Status.ACTIVE:
        raise InvalidGrantError("The refresh token is not valid any more.")
    granted, audience = _narrowed(application, family, scope, resources)
    require_held(core, user, granted)
    terms = family.terms
    return Given(
        application, granted, audience, user, family, successor, claims=terms.get("claims") or {}, acr=terms.get("acr", ""), jkt=jkt
    )


def for_itself(application: Application, *, scope: str | None, resources: Sequence[str], jkt: str) -> Given:
    """An application that speaks for itself (RFC 6749 §4.4): what it registered, and nothing of people."""
    if application.public:
        raise UnauthorizedClientError("A public client can not speak for itself.")
    may = tuple(name for name in application.scopes if name not in scopes.WORDS and name not in permissions.PERMISSIONS)
    return Given(application, narrower(may, scope), audience_of(application, resources, strangers=False), jkt=jkt)


def registered(application: Application, granted: Sequence[str]) -> tuple[str, ...]:
    """Those of the scopes for which the application is registered now: it may be for fewer than when they were agreed to."""
    return tuple(name for name in granted if name in application.scopes)


def narrower(granted: Sequence[str], wanted: str | None) -> tuple[str, ...]:
    """The wanted scopes, all of them among the granted; all granted ones without a wish."""
    if wanted is None:
        return tuple(granted)
    asked = tuple(dict.fromkeys(wanted.split()))
    if not set(asked) <= set(granted):
        raise InvalidScopeError()
    return asked


def audience_of(application: Application, resources: Sequence[str], *, strangers: bool = True) -> tuple[str, ...]:
    """Whom a token is for: the registered resources asked for, else the first registered one, else the application itself (RFC 8707 §2).

    Without `strangers` it is none of those that are open to them.
    """
    if not resources:
        return (*application.resources[:1],) or (application.id,)
    if not set(resources) <= {*application.resources, *(application.open_resources if strangers else ())}:
        raise InvalidTargetError()
    return tuple(dict.fromkeys(resources))


def audience_within(application: Application, agreed: Sequence[str], resources: Sequence[str]) -> tuple[str, ...]:
    """Whom a token is for, within what was agreed; where that was none in particular, it is none of those open to strangers."""
    if not agreed:
        return audience_of(application, resources, strangers=False)
    if not set(resources) <= set(agreed):
        raise InvalidTargetError()
    return audience_of(application, resources or agreed)


def holds(core: Core, user: User, wanted: Sequence[str]) -> bool:
    """Whether this person holds the permissions here for which some of these scopes stand."""
    powers = {name for name in wanted if name in permissions.PERMISSIONS}
    return not powers or powers <= permissions.held_here(core, user).permissions


def require_held(core: Core, user: User, granted: Sequence[str]) -> None:
    """`InvalidGrantError` if a scope stands for a permission here that this person does not hold any more."""
    if not holds(core, user, granted):
        raise InvalidGrantError("The person may not do this any more.")


def used(core: Core, application: Application, family: Session, client: Client) -> Event:
    """The event of an application that was let in."""
    return core.history.event("application_used", user_id=family.user_id, client=client, application=application.id, session=family.id)


def own_family(core: Core, application: Application, token: str) -> Session | None:
    """The family of a refresh token that was made for this application, current or not; None for any other text.

    A public client's may be bound to a key, which is not asked for where it only gives the token up.
    """
    family_id, _, secret = token.partition(".")
    family = core.store.session_by_id(family_id) if secret and len(token) <= LONGEST and token.isascii() else None
    if family is None or family.application != application.id:
        return None
    fits = same(token, _token(core, application, family_id, secret[:-MARK], str(family.terms.get("jkt") or "")))
    return family if fits else None


def _look_ahead(core: Core, application: Application, family_id: str, scope: str | None, resources: Sequence[str]) -> None:
    """The refusals that have nothing to do with the token itself."""
    family = core.store.session_by_id(family_id)
    if family is None or family.closed_at or family.application != application.id:
        return
    granted, _ = _narrowed(application, family, scope, resources)
    if not permissions.PERMISSIONS.keys().isdisjoint(granted) and (user := core.store.user_by_id(family.user_id)):
        require_held(core, user, granted)


def _narrowed(
    application: Application, family: Session, scope: str | None, resources: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Scopes and audience within what was agreed."""
    audience = audience_within(application, tuple(family.terms.get("resources") or ()), resources)
    return narrower(registered(application, family.scopes), scope), audience


def _binding(core: Core, application: Application, token: str, jkt: str) -> str:
    """The key that a refresh token is bound to, or nothing; `InvalidGrantError` for a token that was not made for this application."""
    family_id, _, secret = token.partition(".")
    if family_id and len(token) <= LONGEST and token.isascii():
        for binding in dict.fromkeys((jkt, "") if application.public else ("",)):
            if same(token, _token(core, application, family_id, secret[:-MARK], binding)):
                return binding
    raise InvalidGrantError("The refresh token is not valid.")


def _token(core: Core, application: Application, family_id: str, secret: str, binding: str) -> str:
    """A token whose end shows for whom it was made here: anybody else's is none, and ends nothing (RFC 9449 §5 for public clients)."""
    mark = keyed_token(derive_key(core.secret, "refresh mark"), family_id, application.id, binding, secret)[:MARK]
    return f"{family_id}.{secret}{mark}"


def _told_of_reuse(core: Core, application: Application, family: Session, client: Client) -> None:
    core.history.record("refresh_reused", user_id=family.user_id, client=client, session=family.id, application=application.id)
    with logout.ending(core, [family]):  # it has ended already: the application must not go on with what a thief may hold
        pass
    user = core.store.user_by_id(family.user_id)
    if user:
        text = "A key that an application holds for you was used twice, as a thief would do. What it could do has been ended: sign in there again."
        notify(core, user, "An application was signed out for safety", text)
