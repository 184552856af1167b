"""Signed request objects: the parameters of an authorization request in a JWT of the application (RFC 9101)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError

from authenticator.applications import Application
from authenticator.clock import LEEWAY
from authenticator.flows.client_keys import keys_of
from authenticator.flows.core import Core
from authenticator.web_client import BadAnswer, json_object

ALGORITHMS: Final = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
TYPES: Final = frozenset({"", "jwt", "oauth-authz-req+jwt", "application/oauth-authz-req+jwt"})
LONGEST: Final = 16_384
NEVER: Final = frozenset({"request", "request_uri"})
ABOUT: Final = frozenset({"iss", "aud", "exp", "iat", "nbf", "jti", "sub"})  # of the JWT itself, and no parameter
Fault = Callable[[str], Exception]


def opened(core: Core, application: Application, given: Mapping[str, Sequence[str]], fault: Fault) -> dict[str, list[str]]:
    """The parameters inside of `request`; those beside it count for nothing, and must not differ (RFC 9101 §5 and §6).

    `fault` makes the error `invalid_request_object`.
    """
    said = _verified(core, application, given["request"][0], fault)
    _check_times(core, said, fault)
    audience = said.get("aud", core.settings.public_url)
    if core.settings.public_url not in (audience if isinstance(audience, list) else [audience]):
        raise fault("The request object is for another service (aud).")
    if said.get("iss", application.id) != application.id or said.get("client_id", application.id) != application.id:
        raise fault("The request object is of another application (iss, client_id).")
    if said.get("sub") == application.id:  # an assertion of the application about itself is no request (RFC 9101 §10.8)
        raise fault("This is a client assertion, not a request object (sub).")
    if NEVER & said.keys():
        raise fault("A request object holds no request and no request_uri.")
    inside = {name: _texts(value, fault) for name, value in said.items() if name not in ABOUT}
    for name, values in given.items():
        if name in inside and name not in NEVER and list(values) != inside[name]:
            raise fault("A parameter beside the request object differs from the one inside.")
    return {**inside, "client_id": [application.id]}


def _verified(core: Core, application: Application, token: str, fault: Fault) -> dict[str, Any]:
    if len(token) > LONGEST or token.count(".") != 2 or not token.isascii():
        raise fault("The request object is no signed JWT, or too long; encrypted ones are not read.")
    header = _header(token, fault)
    algorithm = header.get("alg")
    wanted = (application.request_object_algorithm,) if application.request_object_algorithm else ALGORITHMS
    if algorithm not in wanted or algorithm not in ALGORITHMS or str(header.get("typ", "")).lower() not in TYPES:
        raise fault("The request object is not signed with an algorithm that is registered for this application, or its typ is another.")
    kid = header["kid"] if isinstance(header.get("kid"), str) else ""
    for key in keys_of(core, application, kid).keys:
        if kid and key.kid != kid:
            continue
        try:
            return json_object(jws.deserialize_compact(token, key, algorithms=[algorithm]).payload)
        except (JoseError, BadAnswer, ValueError):
            continue
    raise fault("The request object is not signed by a key of this application, or holds no JSON object.")


def _header(token: str, fault: Fault) -> dict[str, Any]:
    head = token.partition(".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict) or "crit" in header:  # nothing is known here that would have to be understood (RFC 7515 §4.1.11)
        raise fault("The request object is no JWT.")
    return header


def _check_times(core: Core, said: Mapping[str, Any], fault: Fault) -> None:
    now = core.clock.now().timestamp()
    times = {name: said[name] for name in ("exp", "nbf", "iat") if said.get(name) is not None}
    fine = all(isinstance(at, int | float) and not isinstance(at, bool) for at in times.values())
    if not fine or times.get("exp", now) <= now - LEEWAY or max(times.get("nbf", 0), times.get("iat", 0)) > now + LEEWAY:
        raise fault("The request object is too old, or from the future (exp, nbf, iat).")


def _texts(value: Any, fault: Fault) -> list[str]:
    """A parameter as it would stand in a query."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, int) and not isinstance(value, bool):
        return [str(value)]
    if isinstance(value, dict):
        return [json.dumps(value)]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return list(value)
    raise fault("A parameter in the request object is neither text, number, object nor list of texts.")
