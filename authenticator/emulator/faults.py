"""What can go wrong at a provider, by name: in one sign-in, or in all while the switch is on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from authenticator.kinds.people import Person

HOUR = 3600


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault for the picker: what it is called there, and whether only an OpenID provider can have it."""

    label: str
    oidc: bool = False


# The last five are answers of the token endpoint, or of another one: `html:profile`, `slow:keys`, `huge:discovery`.
FAULTS: Mapping[str, Fault] = MappingProxyType(
    {
        "none": Fault("Everything as it should be"),
        "denied": Fault("The person says no"),
        "unverified_email": Fault("The e-mail address is not verified"),
        "missing_email": Fault("There is no e-mail address"),
        "missing_subject": Fault("There is no subject"),
        "expired_token": Fault("The ID token has expired", oidc=True),
        "wrong_nonce": Fault("The nonce is another one", oidc=True),
        "wrong_audience": Fault("The ID token is for another client", oidc=True),
        "wrong_issuer": Fault("The ID token is another issuer's", oidc=True),
        "wrong_callback_issuer": Fault("The callback names another issuer", oidc=True),
        "rotated_key": Fault("The signing key was just changed", oidc=True),
        "foreign_key": Fault("The signing key is not the issuer's", oidc=True),
        "unsigned": Fault("The ID token is not signed", oidc=True),
        "missing_id_token": Fault("There is no ID token", oidc=True),
        "other_userinfo": Fault("The userinfo is about somebody else", oidc=True),
        "slow": Fault("No answer for a long time"),
        "server_error": Fault("An error inside the provider"),
        "html": Fault("A page instead of JSON"),
        "huge": Fault("An endless answer"),
        "redirect": Fault("A redirect to somewhere else"),
    }
)
BROKEN = frozenset({"slow", "server_error", "html", "huge", "redirect"})
PLACES = frozenset({"token", "profile", "keys", "discovery"})


def is_fault(text: object) -> bool:
    """Whether this names a fault, with or without the endpoint that has it."""
    name, _, place = str(text).partition(":")
    return name in FAULTS and (not place or (name in BROKEN and place in PLACES))


def breaks(fault: str, endpoint: str) -> str:
    """The broken answer that `endpoint` gives under this fault, or nothing."""
    name, _, place = fault.partition(":")
    return name if name in BROKEN and (place or "token") == endpoint else ""


def changed_person(person: Person, fault: str) -> Person:
    """How the provider knows the person under this fault."""
    if fault == "missing_email":
        return replace(person, email="", email_verified=False)
    return replace(person, email_verified=False) if fault == "unverified_email" else person


def changed_claims(claims: dict[str, Any], fault: str) -> dict[str, Any]:
    """The ID token's claims under this fault."""
    changes: dict[str, dict[str, Any]] = {
        "expired_token": {"iat": claims["iat"] - 2 * HOUR, "exp": claims["iat"] - HOUR},
        "wrong_nonce": {"nonce": "another-nonce"},
        "wrong_audience": {"aud": "another-client", "azp": "another-client"},
        "wrong_issuer": {"iss": "https://issuer.invalid"},
    }
    claims = claims | changes.get(fault, {})
    if fault == "missing_subject":
        claims.pop("sub", None)
    return claims
