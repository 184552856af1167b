"""The API's way in and out: providers, sign-up, sign-in, the next step, new tokens, sign-out."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response, request

from authenticator.errors import AuthError
from authenticator.flows.outcomes import Away, Begin, Outcome, Pending, Signed, SignedIn
from authenticator.http import guard
from authenticator.http.tokens import tokens
from authenticator.kinds.codes import RESEND
from authenticator.models import Intent
from authenticator.web import api_shapes, schemas
from authenticator.web.api_endpoints import Endpoint, Query
from authenticator.web.api_shapes import answer, nothing

HINTS = frozenset({"login_hint", "prompt"})
START = (
    "unknown_provider",
    "validation_failed",
    "invalid_credentials",
    "account_suspended",
    "link_required",
    "rate_limited",
    "provider_unavailable",
    "busy",
)


def providers() -> Response:
    """List the ways to sign in.

    Forms come first, each with the fields to send. Redirect providers send the browser away.
    """
    auth = guard.service()
    wish = request.args.get("intent", Intent.SIGN_IN)
    if wish not in (Intent.SIGN_IN, Intent.SIGN_UP):
        raise AuthError("invalid_request", errors={"intent": ("Give sign_in or sign_up.",)})
    return answer([api_shapes.provider(entry, auth.settings.public_url) for entry in auth.entries(Intent(wish))])


def sign_up(provider: str, body: schemas.Fields) -> Response:
    """Make a new account.

    Where an address must be proved first, the answer is 202 with a challenge, the same for known and unknown addresses.
    """
    return told(begin(provider, Intent.SIGN_UP, body.root), finished=201, waiting=202)


def sign_in(provider: str, body: schemas.Fields) -> Response:
    """Sign in.

    Either finished, or a challenge for one more step, or, for a redirect provider, the address to send the browser to.
    """
    return told(begin(provider, Intent.SIGN_IN, body.root))


def sign_in_continue(body: schemas.Continue) -> Response:
    """Answer a challenge.

    For a sign-in that waits for a code, and for a browser that came back from a redirect provider. A wrong code may be
    corrected a few times with the same challenge; anything else ends it. Where `options.others` names other second steps,
    `{"use": name}` instead of an answer asks for that one. What was begun with an access token goes on with one.
    """
    signed = guard.require_bearer() if guard.bearer_token() else None
    ticket, _, binding = body.challenge.partition(".")
    fields = dict(body.__pydantic_extra__ or {})
    if not ticket or not binding or fields.get("state", ticket) != ticket:
        raise AuthError("challenge_expired")
    if body.resend:
        fields[RESEND] = "1"
    return told(guard.service().resume(ticket, binding, fields, client=guard.client(), signed=signed))


def token_refresh(body: schemas.Refresh) -> Response:
    """Swap a refresh token for new tokens.

    The old refresh token is spent. The same one again within ten seconds (a lost answer) gets the same successor;
    later, it ends the session.
    """
    return answer(_tokens(guard.service().refresh(body.refresh_token, guard.client())))


def sign_out() -> Response:
    """End the session of the access token.

    Its refresh token and access tokens are refused everywhere within a second.
    """
    guard.service().sign_out(guard.require_bearer().session, guard.client())
    return nothing()


def begin(provider: str, intent: Intent, fields: Mapping[str, str], signed: Signed | None = None) -> Outcome:
    """Begin a conversation for a program; `signed` is who links or confirms."""
    auth = guard.service()
    found = auth.core.registry.providers.get(provider)
    if found is None:
        raise AuthError("unknown_provider")
    if found.kind == "form":
        return auth.begin(Begin(provider, intent, guard.client(), "api", answer=fields, signed=signed, base_url=guard.base_url()))
    unknown = {name: ("There is no such field here.",) for name in fields if name not in HINTS}
    if unknown:
        raise AuthError("validation_failed", errors=unknown)
    hint, prompt = fields.get("login_hint", ""), fields.get("prompt", "")
    wish = Begin(provider, intent, guard.client(), "api", login_hint=hint, prompt=prompt, signed=signed, base_url=guard.base_url())
    return auth.begin(wish)


def told(outcome: Outcome, *, finished: int = 200, waiting: int = 200) -> Response:
    """The sign-in result of an outcome."""
    if isinstance(outcome, SignedIn) and outcome.intent is Intent.LINK:
        codes = {"recovery_codes": list(outcome.recovery_codes)} if outcome.recovery_codes else {}
        return answer({"status": "linked", "linked": outcome.linked, **codes}, finished)
    if isinstance(outcome, SignedIn):
        return answer({"status": "complete", "user": api_shapes.user(outcome.user), **_tokens(outcome)}, finished)
    challenge = api_shapes.challenge(outcome.challenge)
    if isinstance(outcome, Away):
        return answer({"status": "redirect", "url": outcome.url, "challenge": challenge})
    assert isinstance(outcome, Pending)
    return answer({"status": "challenge", "challenge": challenge}, waiting)


def _tokens(outcome: SignedIn) -> dict[str, object]:
    auth = guard.service()
    access_token = tokens().issue(Signed(outcome.user, outcome.session))
    return api_shapes.tokens(outcome, access_token, access_seconds=auth.settings.access_token_seconds, now=auth.core.clock.now())


_INTENT = Query("intent", "Whose fields to list.", {"type": "string", "enum": ["sign_in", "sign_up"], "default": "sign_in"})
_CREDENTIALS = {"email": "ada@example.com", "password": "correct horse battery staple"}
_PERSON = {"given_name": "Ada", "family_name": "Lovelace", **_CREDENTIALS}

ENDPOINTS = (
    Endpoint("GET", "/providers", providers, "Sign in", {200: schemas.Providers}, query=(_INTENT,)),
    Endpoint(
        "POST",
        "/sign-up/{provider}",
        sign_up,
        "Sign in",
        {201: schemas.SignInResult, 202: schemas.SignInResult, 200: schemas.SignInResult},
        (*START, "sign_up_closed"),
        schemas.Fields,
        body_required=False,
        example=_PERSON,
    ),
    Endpoint(
        "POST",
        "/sign-in/{provider}",
        sign_in,
        "Sign in",
        {200: schemas.SignInResult},
        START,
        schemas.Fields,
        body_required=False,
        example=_CREDENTIALS,
    ),
    Endpoint(
        "POST",
        "/sign-in/continue",
        sign_in_continue,
        "Sign in",
        {200: schemas.SignInResult},
        (
            *START,
            "invalid_code",
            "challenge_expired",
            "provider_denied",
            "provider_failed",
            "sign_up_closed",
            "email_taken",
            "identity_taken",
        ),
        schemas.Continue,
        example={"challenge": "Zq1l…jX0.b7Kd…9sE", "code": "123456"},
    ),
    Endpoint(
        "POST",
        "/token/refresh",
        token_refresh,
        "Tokens",
        {200: schemas.TokenSet},
        ("validation_failed", "invalid_token", "refresh_reused", "rate_limited"),
        schemas.Refresh,
        example={"refresh_token": "hN2r…Qw.f3Jx…8uM"},
    ),
    Endpoint("POST", "/sign-out", sign_out, "Tokens", {204: None}, access="bearer"),
)
