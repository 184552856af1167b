"""What comes in with a request, whatever the framework: bearer tokens, and whether a form was sent by a page of the app itself."""

from __future__ import annotations

from authenticator_client.errors import Refused
from authenticator_client.verifier import Verified, Verifier


def bearer(verifier: Verifier, header: str | None, permission: str = "", scope: str = "") -> Verified:
    """The token of an `Authorization` header, if it is good and holds what is asked for.

    Refused: `missing_token`, those of the verifier, `insufficient_scope`, `forbidden`.
    """
    kind, _, token = (header or "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise Refused("missing_token", "an access token is needed")
    found = verifier.check(token)
    if scope and scope not in found.scopes:
        raise Refused("insufficient_scope", f"the token lacks the scope {scope}")
    if permission and not found.may(permission):
        raise Refused("forbidden", f"the permission {permission} is needed")
    return found


def challenge(refused: Refused) -> tuple[int, str]:
    """The status and the `WWW-Authenticate` header for it (RFC 6750 §3)."""
    if refused.code == "missing_token":
        return 401, "Bearer"
    if refused.code in ("insufficient_scope", "forbidden"):
        return 403, 'Bearer error="insufficient_scope"'
    return 401, 'Bearer error="invalid_token"'


def came_from_here(origin: str | None, site: str | None, own: str) -> bool:
    """Whether a browser says, in the headers Origin and Sec-Fetch-Site, that a page of our `own` origin sent the request.

    One that says nothing is not believed.
    """
    if origin and origin != "null":
        return origin == own
    return site == "same-origin"
