"""The `claims` parameter, and whom a request is for: OpenID Connect Core §5.5 and §3.1.2.1."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import jwt

from authenticator.applications import Application
from authenticator.flows.keyring import KeyRing
from authenticator.flows.scopes import CLAIMS
from authenticator.web_client import BadAnswer, json_object

MOST: Final = 50
SCOPE_OF: Final[Mapping[str, str]] = {claim: scope for scope, claims in CLAIMS.items() for claim in claims}
TECHNICAL: Final = frozenset({"sub", "acr", "amr", "auth_time"})
Fault = Callable[[str], Exception]


def read(text: str, application: Application, fault: Fault) -> dict[str, dict[str, Any]]:
    """The claims asked for by `userinfo` and `id_token`: only those that exist and whose scope the application may ask for."""
    if not text:
        return {}
    parsed = _object(text, fault)
    return {part: _wanted(parsed[part], application, fault) for part in ("userinfo", "id_token") if parsed.get(part) is not None}


def personal(names: Iterable[str]) -> frozenset[str]:
    """The claims that tell something of the person, and therefore need her consent."""
    return frozenset(name for name in names if name in SCOPE_OF)


def essential_acr(claims: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """The values of `acr` of which one must be shown; empty if none must. That it is told goes without saying."""
    wish = (claims.get("id_token") or {}).get("acr")
    return values(wish) if wish and wish.get("essential") is True else ()


def values(wish: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The values that a claim is wanted with, the best first; empty for any."""
    if not wish:
        return ()
    found = [wish["value"]] if "value" in wish else list(wish.get("values", ()))
    return tuple(str(value) for value in found)


def subjects(claims: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """Each `sub` that is asked for; none for anybody."""
    return frozenset(value for part in claims.values() for value in values(part.get("sub")))


def hinted(keys: KeyRing, token: str, application: Application, issuer: str, fault: Fault) -> str:
    """The `sub` of an ID token that was issued here to this application, however old it is."""
    unusable = "id_token_hint is not an ID token of this service for this application."
    try:
        header = jwt.get_unverified_header(token)
        key = keys.ever(header["kid"]) if header.get("typ", "JWT") == "JWT" and isinstance(header.get("kid"), str) else None
        if key is None or header.get("alg") != key.algorithm:
            raise fault(unusable)
        options: Any = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "require": ["iss", "sub", "aud"]}
        told = jwt.decode(token, key.public, [key.algorithm], options=options, audience=application.id, issuer=issuer)
    except (jwt.InvalidTokenError, KeyError, ValueError):
        raise fault(unusable) from None
    return str(told["sub"])


def _object(text: str, fault: Fault) -> dict[str, Any]:
    try:
        return json_object(text.encode())
    except BadAnswer:
        raise fault("claims is no JSON object that everybody reads alike.") from None


def _wanted(part: Any, application: Application, fault: Fault) -> dict[str, Any]:
    if not isinstance(part, dict) or len(part) > MOST:
        raise fault("Each member of claims is an object of at most fifty claims.")
    wanted = {}
    for name, wish in part.items():
        if not (wish is None or _is_wish(wish)):
            raise fault("A claim is asked for by null, or by an object with essential, value or values.")
        if name in TECHNICAL or SCOPE_OF.get(name) in application.scopes:
            wanted[name] = wish
    return wanted


def _is_wish(wish: Any) -> bool:
    if not isinstance(wish, dict) or not isinstance(wish.get("essential", False), bool):
        return False
    several = wish.get("values", [])
    plain = (str, int, float, bool)
    return isinstance(wish.get("value", ""), plain) and isinstance(several, list) and all(isinstance(one, plain) for one in several)
