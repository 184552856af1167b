"""The public keys of an application: as it registered them, or from where it publishes them (RFC 7517)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, KeySet, OKPKey, RSAKey

from authenticator.applications import Application
from authenticator.errors import AuthError
from authenticator.flows.core import Core
from authenticator.web_client import BadAnswer, WebFailure
from authenticator.words import Words

MOST = 20  # keys of one application
KEEP = 600.0  # seconds
PAUSE = 60.0  # seconds between two fetches for a key that was not there
SECRET_PARTS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})  # RFC 7518 §6
RSA_BITS = range(2048, 8193)
EXPONENT_BITS = 32  # 65537 has 17; one as long as its modulus makes a check cost 20 ms instead of 0.1, and anybody may have us do it
FIELD = 2**255 - 19  # of Ed25519
EIGHTH = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
SMALL_ORDER = frozenset({0, 1, FIELD - 1, FIELD, FIELD + 1, EIGHTH, FIELD - EIGHTH})  # points for which anybody can sign (RFC 8032 §5.1.7)


def keys_of(core: Core, application: Application, kid: str = "") -> KeySet:
    """The application's usable keys. A `kid` that is not among published ones has them fetched again, at most once a minute.

    AuthError `provider_unavailable` if they can't be had and none are remembered.
    """
    if not application.jwks_uri:
        return _key_set(application.jwks or {})
    place = ("client keys", application.jwks_uri)
    known: KeySet | None = core.fleeting.peek(*place)
    if known is not None and core.fleeting.age(*place) < KEEP and (not kid or _has(known, kid)):
        return known
    if core.fleeting.age("client keys asked", application.jwks_uri) >= PAUSE:
        known = _fetched(core, application.jwks_uri, place) or known
    if known is None:
        raise AuthError("provider_unavailable", "The keys of this application can't be fetched right now.")
    return known


def keys_fault(jwks: Mapping[str, Any]) -> str:
    """What is wrong with a set of keys that an application registers; empty for a good one."""
    found = jwks.get("keys")
    if not isinstance(found, list) or not 0 < len(found) <= MOST or not all(isinstance(key, dict) for key in found):
        return Words("Give a JWK Set with 1 to %(number)s keys.", number=MOST)
    if any(SECRET_PARTS & key.keys() for key in found):
        return "Give public keys only, and keep the private ones to yourself."
    return "" if _key_set(jwks).keys else "Give RSA keys of 2048 bits or more, P-256, or Ed25519 keys."


def _fetched(core: Core, url: str, place: tuple[str, ...]) -> KeySet | None:
    core.fleeting.keep("client keys asked", url, value=True)
    try:
        answer = core.outside.get(url)
        if answer.status != 200:
            raise BadAnswer(f"status {answer.status}")
        return core.fleeting.keep(*place, value=_key_set(answer.object()))
    except WebFailure as failure:
        core.log.warning("the keys of an application could not be fetched: %s", failure)
        return None


def _key_set(jwks: Mapping[str, Any]) -> KeySet:
    found = jwks.get("keys")
    keys = [_key(one) for one in found[:MOST] if isinstance(one, dict)] if isinstance(found, list) else []
    return KeySet([key for key in keys if key is not None])


def _key(jwk: Mapping[str, Any]) -> Key | None:
    """A key that signatures may be checked with; None for one that is secret, short, slow, of another kind, or for encryption."""
    kinds: Mapping[Any, type[RSAKey] | type[ECKey] | type[OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
    kind = kinds.get(jwk.get("kty"))
    if kind is None or SECRET_PARTS & jwk.keys() or jwk.get("use", "sig") != "sig":
        return None
    if jwk.get("kty") != "RSA" and jwk.get("crv") not in ("P-256", "Ed25519"):
        return None
    try:
        unfit = (kind is RSAKey and not _fits(jwk["n"], jwk["e"])) or (kind is OKPKey and _height(jwk["x"]) in SMALL_ORDER)
        return None if unfit else kind.import_key(dict(jwk))
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def _fits(modulus: str, exponent: str) -> bool:
    return _bits(modulus) in RSA_BITS and _bits(exponent) <= EXPONENT_BITS


def _bits(number: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(f"{number}==")).bit_length()


def _height(point: str) -> int:
    """The y of a point of Ed25519 (RFC 8032 §5.1.2)."""
    return int.from_bytes(base64.urlsafe_b64decode(f"{point}=="), "little") % 2**255


def _has(keys: KeySet, kid: str) -> bool:
    return any(key.kid == kid for key in keys.keys)
