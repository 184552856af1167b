"""What applications sign with their own keys: that they are themselves (RFC 7523), and that a key is theirs (DPoP, RFC 9449)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import jwt
from authlib.oauth2.base import OAuth2Error
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from authenticator.applications import Application
from authenticator.clock import LEEWAY
from authenticator.crypto import digest, s256
from authenticator.flows.client_keys import keys_fault, keys_of
from authenticator.flows.core import Core
from authenticator.identifiers import network_of
from authenticator.limits import Limit
from authenticator.models import Client

ALGORITHMS: Final[Mapping[str, Any]] = {"RS256": RSAKey, "PS256": RSAKey, "ES256": ECKey, "EdDSA": OKPKey}
LONGEST: Final = 8192
LONGEST_LIFE: Final = 300  # seconds of an assertion (RFC 7523 §3)
PROOF_LIFE: Final = 60  # seconds around the `iat` of a DPoP proof
WRONG: Final = 20  # secrets, in ten minutes
TYPES: Final = ("JWT", "client-authentication+jwt", None)
_UNTIMED: Final[Any] = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}
_UNREAD: Final[Any] = {"verify_signature": False, **_UNTIMED}
_BAD: Final = (jwt.PyJWTError, JoseError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)


class InvalidProofError(OAuth2Error):  # type: ignore[misc]
    """RFC 9449 §5."""

    error = "invalid_dpop_proof"
    description = "The DPoP proof is missing, malformed, too old, used before, or of another key."


def refused(core: Core, client_id: str, client: Client) -> None:
    """Count an application that did not show itself; AuthError `rate_limited` after too many. Names that are none count as one."""
    known = client_id if client_id and core.store.application(client_id) else ""
    core.spend(Limit(f"client:{known}:{network_of(client.address)}", WRONG, 600))


def named(text: str) -> str:
    """Whom an assertion claims to be of, which proves nothing yet."""
    if len(text) > LONGEST:
        return ""
    try:
        found = jwt.decode(text, options=_UNREAD).get("sub")
    except _BAD:
        return ""
    return found if isinstance(found, str) else ""


def holds(core: Core, application: Application, text: str, here: frozenset[str]) -> bool:
    """Whether the application signed this for us, a short while ago, and for the first time anywhere (RFC 7523 §3)."""
    claims = _signed(core, application, text)
    if claims is None or not _aimed(claims.get("aud"), here):
        return False
    now, expires, jti = core.clock.now().timestamp(), _time(claims, "exp"), _id(claims)
    begins = [_time(claims, name) for name in ("iat", "nbf") if name in claims]
    if claims.get("iss") != application.id or claims.get("sub") != application.id:
        return False
    if not now - LEEWAY <= expires <= now + LONGEST_LIFE + LEEWAY or any(not 0 <= begin <= now + LEEWAY for begin in begins):
        return False
    return bool(jti) and _first(core, f"assertion:{digest(application.id)}:{digest(jti)}", LONGEST_LIFE + 3 * LEEWAY)


def proof(core: Core, text: str, method: str, url: str, token: str = "") -> str:
    """The thumbprint of the key that signed this DPoP proof for this very request; InvalidProofError (RFC 9449 §4.3).

    With `token` the proof must name that access token.
    """
    try:
        header = jwt.get_unverified_header(text) if len(text) <= LONGEST else {}
        algorithm, jwk = str(header.get("alg")), header.get("jwk")
        if header.get("typ") != "dpop+jwt" or algorithm not in ALGORITHMS or not isinstance(jwk, dict) or "crit" in header:
            raise InvalidProofError()
        if keys_fault({"keys": [jwk]}):
            raise InvalidProofError()
        key = ALGORITHMS[algorithm].import_key(jwk)
        claims = jwt.decode(text, key.public_key, algorithms=[algorithm], options=_UNTIMED)
        named = _usual(str(claims.get("htu")))
    except _BAD:
        raise InvalidProofError() from None
    jti = _id(claims)
    if not jti or abs(core.clock.now().timestamp() - _time(claims, "iat")) > PROOF_LIFE:
        raise InvalidProofError()
    if claims.get("htm") != method or named != _usual(url):
        raise InvalidProofError()
    if token and claims.get("ath") != s256(token):
        raise InvalidProofError()
    thumbprint = str(key.thumbprint())
    if not _first(core, f"dpop:{thumbprint}:{digest(jti)}", 2 * PROOF_LIFE + LEEWAY):
        raise InvalidProofError()
    return thumbprint


def _signed(core: Core, application: Application, text: str) -> dict[str, Any] | None:
    try:
        header = jwt.get_unverified_header(text) if len(text) <= LONGEST else {}
    except _BAD:
        return None
    algorithm, kid = str(header.get("alg")), header.get("kid", "")
    wished = application.metadata.get("token_endpoint_auth_signing_alg") or algorithm
    if algorithm not in ALGORITHMS or algorithm != wished or header.get("typ") not in TYPES or "crit" in header or not isinstance(kid, str):
        return None
    for key in _fitting(keys_of(core, application, kid).keys, algorithm, kid):
        try:
            claims: dict[str, Any] = jwt.decode(text, key.public_key, algorithms=[algorithm], options=_UNTIMED)
        except _BAD:
            continue
        return claims
    return None


def _fitting(keys: list[Any], algorithm: str, kid: str) -> list[Any]:
    """The keys of this kind: the one that is named, else all."""
    kind = ALGORITHMS[algorithm]
    of_kind = [key for key in keys if isinstance(key, kind) and key.as_dict().get("alg", algorithm) == algorithm]
    return [key for key in of_kind if not kid or key.as_dict().get("kid") in (kid, None)]


def _aimed(audience: Any, here: frozenset[str]) -> bool:
    wanted = [audience] if isinstance(audience, str) else audience
    return isinstance(wanted, list) and bool(wanted) and all(isinstance(one, str) and one in here for one in wanted)


def _usual(uri: str) -> tuple[str, str | None, int | None, str]:
    """An address without query and fragment, the same however it is written (RFC 9449 §4.3, RFC 3986 §6.2); ValueError for none."""
    parts = urlsplit(uri)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme), parts.path


def _id(claims: Mapping[str, Any]) -> str:
    """What tells this statement from all others; nothing where it is no plain text."""
    jti = claims.get("jti")
    return jti if isinstance(jti, str) and len(jti) <= 256 and jti.isprintable() else ""


def _time(claims: Mapping[str, Any], name: str) -> float:
    """A time in seconds of the epoch; -1 for what is none."""
    value = claims.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e11 else -1.0


def _first(core: Core, key: str, seconds: int) -> bool:
    """Whether this was never seen before, by any process: one conditional write."""
    return core.store.count_attempts([Limit(key, 1, seconds)], core.clock.now()) == 0
