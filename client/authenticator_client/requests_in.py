"""What a framework's part asks about a request: its bearer token, whether a page of the app sent it, where to come back to, what to say."""

from __future__ import annotations

import logging
from typing import Final
from urllib.parse import quote

from authenticator_client.errors import Refused, Unavailable
from authenticator_client.verifier import Verified, Verifier

AWAY: Final = "The sign-in service can't be reached. Please try again."
LONGEST_RETURN: Final = 2000
_QUERY: Final = "%/:?@!$&'()*+,;=~"
_log = logging.getLogger("authenticator_client")


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
    status, word = (403, "insufficient_scope") if refused.code in ("insufficient_scope", "forbidden") else (401, "invalid_token")
    why = "".join(sign for sign in str(refused) if " " <= sign <= "~" and sign not in '"\\')
    return status, f'Bearer error="{word}", error_description="{why}"'


def came_from_here(origin: str | None, site: str | None, own: str) -> bool:
    """Whether a browser says, in the headers Origin and Sec-Fetch-Site, that a page of our `own` origin sent the request.

    One that says nothing is not believed.
    """
    if origin and origin != "null":
        return origin == own
    return site == "same-origin"


def safe_path(wanted: object) -> str:
    """A path of this app to go on to, whatever was asked for: never another site's URL, in any spelling that browsers follow."""
    if not isinstance(wanted, str) or len(wanted) > LONGEST_RETURN or not wanted.startswith("/") or wanted.startswith("//"):
        return "/"
    return "/" if any(sign <= " " or sign in "\\\x7f" for sign in wanted) else wanted


def own_path(path: str, query: bytes) -> str:
    """The path and the query of a request as a browser has to spell them; WSGI hands the path on without its percent signs."""
    return quote(path) + (f"?{quote(query, safe=_QUERY)}" if query else "")


def away(fault: Unavailable) -> str:
    """What to tell people; why it is so goes into the log, for the developer."""
    _log.warning("503: %s", fault)
    return AWAY
