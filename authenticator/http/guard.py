"""Who is asking, by session cookie or bearer token, for our own views and for a host's."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from flask import current_app, g, request

from authenticator.crypto import digest
from authenticator.errors import AuthError
from authenticator.flows.outcomes import Signed
from authenticator.http.client import Clients
from authenticator.http.cookies import Cookies
from authenticator.http.tokens import Claims, tokens
from authenticator.models import Client
from authenticator.service import Service

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def service() -> Service:
    """The service that answers this request."""
    found: Service = current_app.extensions["authenticator"]
    return found


def cookies() -> Cookies:
    """Its cookies."""
    found: Cookies = current_app.extensions["authenticator_cookies"]
    return found


def client() -> Client:
    """Who is asking, as far as the network tells."""
    if "auth_client" not in g:
        clients: Clients = current_app.extensions["authenticator_clients"]
        secret = cookies().browser(request)
        g.auth_client = replace(clients.of(request), device=digest(secret) if secret else "")
    found: Client = g.auth_client
    return found


def base_url() -> str:
    """Where the browser reached us: the public URL, and in development also this machine's other names at the same port."""
    settings = service().settings
    if settings.development and request.host != (public := urlsplit(settings.public_url)).netloc:
        reached = urlsplit(f"//{request.host}")
        if reached.hostname in LOOPBACK and public.hostname in LOOPBACK and reached.port == public.port:
            return f"{public.scheme}://{reached.netloc}{public.path}"
    return settings.public_url


def bearer_token() -> str:
    """The bearer token of this request (RFC 6750 §2.1), or nothing."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def bearer() -> Claims:
    """The verified claims of this request's bearer token; AuthError `invalid_token` and its kin. Asks no database."""
    token = bearer_token()
    if not token:
        raise AuthError("invalid_token", "Send an access token: Authorization: Bearer ….")
    return tokens().check(token)


def by_cookie() -> Signed | None:
    """Who holds this request's session cookie; looked up once a request."""
    if "auth_signed" not in g:
        g.auth_signed = service().signed_by_cookie(cookies().session(request))
    found: Signed | None = g.auth_signed
    return found


def current() -> Signed | None:
    """Who is asking: the bearer token counts if there is one, even a bad one, else the cookie."""
    if not request.headers.get("Authorization"):
        return by_cookie()
    if "auth_bearer" not in g:
        g.auth_bearer = service().signed_by_session(bearer().session)
    found: Signed | None = g.auth_bearer
    return found


def require() -> Signed:
    """The same, or AuthError `invalid_token`."""
    found = current()
    if found is None:
        raise AuthError("invalid_token", "Sign in first.")
    return found


def require_bearer() -> Signed:
    """Who holds this request's bearer token: what changes something through the API takes nothing less."""
    found = service().signed_by_session(bearer().session)
    if found is None:
        raise AuthError("token_revoked")
    return found
