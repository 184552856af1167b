"""What an application may have the person's browser ask for at the end (OpenID Connect RP-Initiated Logout 1.0), and what that ends."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from jwt import PyJWS
from jwt.exceptions import PyJWTError

from authenticator.applications import Application
from authenticator.crypto import same
from authenticator.flows import applications, released
from authenticator.flows.core import Core
from authenticator.flows.keyring import ALGORITHMS, KeyRing
from authenticator.flows.outcomes import Signed
from authenticator.models import Session

LONGEST_HINT: Final = 8192  # characters
_JWS: Final = PyJWS(algorithms=list(ALGORITHMS))


@dataclass(frozen=True, slots=True)
class Farewell:
    """A request to sign out, understood. `onward` is where the browser may go afterwards, or nothing.

    `sure` says that the application has shown an ID token of this very sign-in: then the person need not be asked (§2).
    """

    application: Application | None = None
    redirect_uri: str = ""
    state: str = ""
    sure: bool = False

    @property
    def onward(self) -> str:
        if not self.redirect_uri or not self.state:
            return self.redirect_uri
        mark = "&" if "?" in self.redirect_uri else "?"
        return f"{self.redirect_uri}{mark}{urlencode({'state': self.state})}"


def understood(core: Core, keys: KeyRing, asked: Mapping[str, str], signed: Signed | None) -> Farewell:
    """What a request wants, as far as it may: an address that is not registered exactly so is dropped, and so is all of a forged hint.

    `asked` holds id_token_hint, client_id, post_logout_redirect_uri and state; each may be missing or empty.
    """
    hint = asked.get("id_token_hint", "")
    claims = _claims(core, keys, hint) if hint else {}
    client_id = asked.get("client_id") or str(claims.get("aud", ""))
    if (hint and not claims) or (claims and claims["aud"] != client_id):
        return Farewell()
    application = applications.find(core, client_id) if client_id else None
    if application is None or not application.enabled:
        return Farewell()
    wish = asked.get("post_logout_redirect_uri", "")
    known = wish if wish in application.post_logout_redirect_uris else ""
    mine = signed is not None and same(str(claims.get("sid", "")), released.sid_for(core, signed.session.id, application))
    return Farewell(application, known, asked.get("state", "") if known else "", mine)


def frames(core: Core, families: Iterable[Session]) -> list[str]:
    """The addresses at which applications end their own sessions in this browser (OpenID Connect Front-Channel Logout 1.0 §3)."""
    wanted = {(released.signed_in(family), family.application) for family in families}
    found = []
    for signed_in, name in sorted(wanted):
        application = core.store.application(name)
        if application is None or not application.frontchannel_logout_uri.startswith(("https://", "http://")):
            continue
        told = {"iss": core.settings.public_url, "sid": released.sid_for(core, signed_in, application)}
        uri = application.frontchannel_logout_uri
        mark = "&" if "?" in uri else "?"
        found.append(f"{uri}{mark}{urlencode(told)}" if application.frontchannel_session else uri)
    return found


def _claims(core: Core, keys: KeyRing, hint: str) -> Mapping[str, Any]:
    """The claims of an ID token that was made here, however long ago (RP-Initiated Logout §2); nothing for anything else."""
    if len(hint) > LONGEST_HINT or not hint.isascii():
        return {}
    try:
        key = keys.ever(str(_JWS.get_unverified_header(hint).get("kid", "")))
        if key is None:
            return {}
        read = _JWS.decode_complete(hint, key.public, algorithms=[key.algorithm])
        claims = json.loads(read["payload"])
    except (PyJWTError, ValueError, RecursionError):
        return {}
    ours = read["header"].get("typ") == "JWT" and isinstance(claims, dict) and claims.get("iss") == core.settings.public_url
    return claims if ours and isinstance(claims.get("aud"), str) and claims["aud"] else {}
