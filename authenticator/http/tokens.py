"""Access tokens: issued and checked through Flask-JWT-Extended, with the published keys."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Flask, current_app, g
from flask_jwt_extended import JWTManager, create_access_token

from authenticator.flows.access import TYPE
from authenticator.flows.outcomes import Signed
from authenticator.flows.released import further
from authenticator.flows.sessions import acr_of
from authenticator.flows.signing import lower
from authenticator.http.bearer import OWN_CLIENT, Checks, Claims
from authenticator.service import Service

RESERVED = frozenset(
    {
        "iss",
        "aud",
        "sub",
        "sid",
        "jti",
        "iat",
        "nbf",
        "exp",
        "auth_time",
        "amr",
        "acr",
        "client_id",
        "scope",
        "type",
        "fresh",
        "csrf",
        "permissions",
        "roles",
    }
)


class Tokens:
    """Issues the access tokens of one service, and checks those of all."""

    def __init__(self, app: Flask, service: Service) -> None:
        self._service = service
        self.checks = Checks(service)
        settings = service.settings
        app.config.update(
            JWT_ALGORITHM="ES256",
            JWT_ENCODE_ISSUER=settings.public_url,
            JWT_ENCODE_AUDIENCE=settings.token_audience,
            JWT_ACCESS_TOKEN_EXPIRES=timedelta(seconds=settings.access_token_seconds),
            JWT_COOKIE_CSRF_PROTECT=False,
            JWT_PRIVATE_KEY="in the store",
            JWT_PUBLIC_KEY="in the store",
        )
        manager = JWTManager(app)
        manager.encode_key_loader(lambda _identity: g.access_token_key.private)

    def issue(self, signed: Signed, *, scope: str = "", seconds: int = 0) -> str:
        """An access token for a session (RFC 9068), with all its rights; with `scope`, bounded by that, and with `seconds` shorter-lived."""
        session = signed.session
        moment = self._service.core.clock.now()
        now = int(moment.timestamp())
        claims: dict[str, Any] = {
            "iat": now,
            "nbf": now,
            "exp": now + min(seconds or 10**6, self._service.settings.access_token_seconds),
            "sid": session.id,
            "auth_time": int(session.auth_time.timestamp()),
            "amr": list(session.amr),
            "acr": acr_of(session, moment),
            "client_id": OWN_CLIENT,
        }
        claims |= further(self._service.core, signed.user, self._service.settings.token_audience, (), RESERVED)
        claims |= {"scope": scope} if scope else self._held(signed)
        g.access_token_key = key = self._service.keys.current()  # once: another one may sign from the next moment on
        headers = {"typ": TYPE, "kid": key.kid}
        return lower(create_access_token(signed.user.id, additional_claims=claims, additional_headers=headers))

    def _held(self, signed: Signed) -> dict[str, list[str]]:
        """What this person may do here, if anything; a token with bounds does not tell."""
        if not signed.user.assignments:
            return {}
        held = self._service.held_here(signed.user)
        facts = {"permissions": sorted(held.permissions), "roles": sorted(held.roles)}
        return {name: found for name, found in facts.items() if found}

    def check(self, token: str) -> Claims:
        """The claims of a valid token whose session is open; AuthError `invalid_token`, `token_expired` or `token_revoked`."""
        return self.checks.check(token)


def tokens() -> Tokens:
    """The tokens of the service that answers this request."""
    found: Tokens = current_app.extensions["authenticator_tokens"]
    return found
