"""One token for another (RFC 8693): an application that was called with a person's token calls further on her behalf."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from authlib.oauth2.rfc6749.errors import InvalidRequestError

from authenticator.applications import Application
from authenticator.flows import access, granting, inspecting
from authenticator.flows.access import Issued
from authenticator.flows.core import Core
from authenticator.flows.granting import Given, InvalidTargetError
from authenticator.flows.keyring import KeyRing
from authenticator.limits import Limit
from authenticator.models import Client, Session, User

ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 (a kind of token)
JWT: Final = "urn:ietf:params:oauth:token-type:jwt"
DEEPEST: Final = 4  # applications in a row that act for each other


def exchange(
    core: Core,
    keys: KeyRing,
    application: Application,
    subject_token: str,
    *,
    scope: str | None,
    targets: Sequence[str],
    jkt: str,
    client: Client,
) -> Given:
    """A token for the same person, for a resource registered with this application, never with more than the subject token had.

    The subject token must have been given to this application, or made for it. It ends with the sign-in that the first token came of, and not later
    than the subject token.
    """
    issued = access.believed(core, keys, subject_token)
    if issued is None or issued.jkt:  # whoever is handed a bound token can not have the key to it
        raise InvalidRequestError("The subject_token is not valid here.")
    if issued.client != application.id and not {application.id, *application.resources} & set(issued.audience):
        raise InvalidRequestError("The subject_token was not made for this client.")
    user, family = _person(core, issued)
    if not set(targets) <= {*application.resources, application.id}:
        raise InvalidTargetError()
    may = granting.registered(application, issued.scopes)
    granted = granting.narrower(may, scope)
    granting.require_held(core, user, granted)
    audience = tuple(dict.fromkeys(targets)) or granting.audience_of(application, ())
    acr = str(issued.claims.get("acr") or "")
    act = _acting(application, issued.claims)
    _note(core, application, family, client)
    return Given(application, granted, audience, user, family, acr=acr, jkt=jkt, act=act, until=int(issued.claims["exp"]))


def _person(core: Core, issued: Issued) -> tuple[User, Session]:
    """Whose token it is, and the sign-in behind it; without leeway, since no time is left to the token that would be made."""
    found = inspecting.behind(core, issued)
    if found is None or found[1] is None or issued.claims["exp"] <= core.clock.now().timestamp():
        raise InvalidRequestError("The subject_token is not valid any more.")
    return found[1]


def _note(core: Core, application: Application, family: Session, client: Client) -> None:
    """Write down that one more application acts for her: once in a sign-in, however often it does."""
    place = ("exchanged", family.id, application.id)
    if family.application == application.id or core.fleeting.peek(*place):
        return
    core.fleeting.keep(*place, value=True)
    now = core.clock.now()
    once = Limit(":".join(place), 1, int((family.expires_at - now).total_seconds()) + 1)
    if core.store.count_attempts([once], now) == 0:
        detail = {"application": application.id, "session": family.id, "through": family.application}
        core.history.record("application_used", user_id=family.user_id, client=client, **detail)


def _acting(application: Application, claims: Mapping[str, Any]) -> dict[str, Any]:
    """Who acts, and for whom she acts in turn (RFC 8693 §4.1)."""
    before, depth = claims.get("act"), 1
    inner = before
    while isinstance(inner, dict):
        inner, depth = inner.get("act"), depth + 1
    if depth > DEEPEST:
        raise InvalidRequestError("Too many applications act for one another.")
    return {"sub": application.id, **({"act": before} if isinstance(before, dict) else {})}
