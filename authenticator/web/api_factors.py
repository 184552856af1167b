"""Second steps, further ways in and fresh proof through the API, for a program in which somebody is signed in."""

from __future__ import annotations

from flask import Response

from authenticator.flows.outcomes import Begin
from authenticator.http import guard
from authenticator.models import Intent
from authenticator.web import api_sign_in, schemas
from authenticator.web import schemas_factors as shapes
from authenticator.web.api_endpoints import Endpoint
from authenticator.web.api_shapes import answer, moment, nothing

PROOF = ("step_up_required",)


def factors() -> Response:
    """List one's second steps, what could be set up besides, and how many recovery codes are left."""
    found = guard.service().factors(guard.require().user)
    held = [
        {
            "id": one.id,
            "name": one.name,
            "label": one.label,
            "weak": one.weak,
            "created_at": moment(one.created_at) if one.created_at else None,
        }
        for one in found.held
    ]
    available = [{"name": one.name, "label": one.label, "weak": one.weak} for one in found.available]
    facts = {"factors": held, "available": available, "recovery_codes_left": found.recovery_left, "trusted_browsers": found.trusted}
    return answer(facts)


def add_factor(name: str) -> Response:
    """Set up a second step.

    The challenge says what to do; answer it at `POST /api/v1/sign-in/continue` with the same access token. The first second step
    comes with recovery codes, which are shown this once. Asks for a sign-in not older than a few minutes.
    """
    wish = Begin(name, Intent.LINK, guard.client(), "api", signed=guard.require_bearer(), base_url=guard.base_url(), factor=True)
    return api_sign_in.told(guard.service().begin(wish))


def remove_factor(name: str) -> Response:
    """Take a second step away.

    With the last one go the recovery codes. Asks for a sign-in not older than a few minutes.
    """
    guard.service().remove_factor(guard.require_bearer(), name, guard.client())
    return nothing()


def new_recovery_codes() -> Response:
    """Make a new set of recovery codes, in place of the old ones.

    Asks for a sign-in not older than a few minutes.
    """
    codes = guard.service().new_recovery_codes(guard.require_bearer(), guard.client())
    return answer({"recovery_codes": list(codes)}, 201)


def forget_browsers() -> Response:
    """Ask for the second step in every browser again."""
    return answer({"forgotten": guard.service().forget_browsers(guard.require_bearer(), guard.client())})


def confirm(provider: str, body: schemas.Fields) -> Response:
    """Prove once more that it is you, for what asks for a recent sign-in.

    Takes a way into the very account, and its second step where there is one. At the end come an access token of the same session
    and no refresh token: the one from before stays.
    """
    return api_sign_in.told(api_sign_in.begin(provider, Intent.CONFIRM, body.root, guard.require_bearer()))


def add_identity(provider: str, body: schemas.Fields) -> Response:
    """Add a way into one's account.

    Asks for a sign-in not older than a few minutes. A challenge is answered at `POST /api/v1/sign-in/continue` with the same access token.
    """
    signed = guard.require_bearer()
    guard.service().require_fresh(signed)
    return api_sign_in.told(api_sign_in.begin(provider, Intent.LINK, body.root, signed))


_BEGINS = (*PROOF, "unknown_provider", "validation_failed", "conflict", "forbidden", "rate_limited", "provider_unavailable", "busy")

ENDPOINTS = (
    Endpoint("GET", "/me/factors", factors, "Second step", {200: shapes.Factors}, access="session"),
    Endpoint(
        "POST",
        "/me/factors/recovery",
        new_recovery_codes,
        "Second step",
        {201: shapes.RecoveryCodes},
        (*PROOF, "conflict"),
        access="bearer",
        scope=guard.OWN_ONLY,
    ),
    Endpoint(
        "POST", "/me/factors/{name}", add_factor, "Second step", {200: schemas.SignInResult}, _BEGINS, access="bearer", scope=guard.OWN_ONLY
    ),
    Endpoint(
        "DELETE",
        "/me/factors/{name}",
        remove_factor,
        "Second step",
        {204: None},
        (*PROOF, "not_found", "last_second_step", "conflict"),
        access="bearer",
        scope=guard.OWN_ONLY,
    ),
    Endpoint(
        "DELETE",
        "/me/devices",
        forget_browsers,
        "Second step",
        {200: shapes.Forgotten},
        ("conflict",),
        access="bearer",
        scope=guard.OWN_ONLY,
    ),
    Endpoint(
        "POST",
        "/me/confirm/{provider}",
        confirm,
        "Second step",
        {200: schemas.SignInResult},
        (*_BEGINS, "invalid_credentials"),
        schemas.Fields,
        body_required=False,
        access="bearer",
        scope=guard.OWN_ONLY,
        example={"password": "correct horse battery staple"},
    ),
    Endpoint(
        "POST",
        "/me/identities/{provider}",
        add_identity,
        "Account",
        {200: schemas.SignInResult},
        (*_BEGINS, "invalid_credentials", "identity_taken", "email_taken"),
        schemas.Fields,
        body_required=False,
        access="bearer",
        scope=guard.OWN_ONLY,
        example={},
    ),
)
