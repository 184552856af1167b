"""Whether somebody may, as applications, administrators and she herself may ask it."""

from __future__ import annotations

from authenticator.applications import Application
from authenticator.errors import AuthError
from authenticator.flows import access, permissions, released, roles
from authenticator.flows.applications import check_secret, stored
from authenticator.flows.core import Core
from authenticator.flows.keyring import KeyRing
from authenticator.flows.outcomes import Signed
from authenticator.flows.permissions import Decision
from authenticator.limits import Limit
from authenticator.models import Client, User

WRONG_SECRETS = 60  # a minute and application
LONGEST_SECRET = 256


def by_secret(core: Core, client_id: str, secret: str) -> Application:
    """The application that shows its secret (RFC 6749 §2.3.1); AuthError `invalid_token`, or `rate_limited` after many wrong ones."""
    found = stored(core, client_id)
    if found and found.enabled and len(secret) <= LONGEST_SECRET and check_secret(core, found, secret):
        return found
    core.spend(Limit(f"client-secret:{found.id if found else ''}", WRONG_SECRETS, 60))  # names that are none fill no store
    raise AuthError("invalid_token", "This is no application here, or not its secret.")


def by_token(core: Core, keys: KeyRing, token: str) -> Application | None:
    """The application that this access token lets speak for itself (client credentials) to this service; None for any other token.

    One that was made for another audience, or is bound to a key, is worth nothing here.
    """
    issued = access.believed(core, keys, token)
    if issued is None or issued.session or issued.jkt or issued.claims["sub"] != issued.client:
        return None
    meant_for_us = {issued.client, core.settings.token_audience, core.settings.public_url} & set(issued.audience)
    if not meant_for_us or access.is_revoked(core, issued):
        return None
    found = stored(core, issued.client)
    return found if found and found.enabled else None


def answer_application(core: Core, application: Application, user_id: str, permission: str, resource: str) -> Decision:
    """What an application may know of its own permissions; of somebody it has nothing to do with it learns nothing, nor whether she is."""
    user = _known_as(core, application, user_id)
    strange = user is None or not roles.assigned(user, application.id)
    return permissions.decide(core, _nobody(core) if user is None or strange else user, application, permission, resource)


def answer_person(
    core: Core, signed: Signed, user_id: str, application_id: str, permission: str, resource: str, client: Client | None = None
) -> Decision:
    """What a person may know: all of herself, of others with `permissions:read` or in an application that is hers.

    AuthError `forbidden`, whoever is asked about; `not_found` for who is not there.
    """
    user: User | None = signed.user
    if user_id != signed.user.id:
        known = core.store.application(application_id)
        if known is None or not roles.owns(signed, known):
            permissions.require(core, signed, "permissions:read", client)
        user = core.store.user_by_id(user_id)
    if user is None:
        raise AuthError("not_found")
    return permissions.decide(core, user, roles.find(core, application_id), permission, resource)


def _known_as(core: Core, application: Application, subject: str) -> User | None:
    user_id = released.whose(core, subject, application)
    return core.store.user_by_id(user_id) if user_id else None


def _nobody(core: Core) -> User:
    now = core.clock.now()
    return User("", now, now)
