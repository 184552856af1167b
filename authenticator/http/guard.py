"""Who is asking, by session cookie or bearer token, for our own views and for a host's."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from flask import current_app, g, request

from authenticator.crypto import digest
from authenticator.errors import AuthError
from authenticator.flows.outcomes import Signed
from authenticator.flows.scopes import covers
from authenticator.http.bearer import Claims
from authenticator.http.client import Clients
from authenticator.http.cookies import Cookies
from authenticator.http.tokens import tokens
from authenticator.identifiers import LOCAL_HOSTS
from authenticator.models import Client
from authenticator.service import Service
from authenticator.service.tokens import TOKEN_PREFIX

OWN_ONLY = "sign-in"  # a scope that nobody is ever given
TOO_NARROW = "This token may not be used for that. Make one with the scope that this needs, or sign in yourself."


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
        g.auth_client = clients.of(request, digest(secret) if secret else "")
    found: Client = g.auth_client
    return found


def base_url() -> str:
    """Where the browser reached us: the public URL, and in development also this machine's other names at the same port."""
    settings = service().settings
    if settings.development and request.host != (public := urlsplit(settings.public_url)).netloc:
        reached = urlsplit(f"//{request.host}")
        if reached.hostname in LOCAL_HOSTS and public.hostname in LOCAL_HOSTS and reached.port == public.port:
            return f"{public.scheme}://{reached.netloc}{public.path}"
    return settings.public_url


def bearer_token() -> str:
    """The bearer token of this request (RFC 6750 §2.1), or nothing."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def bearer() -> Claims:
    """What this request's bearer token says and may be used for; AuthError `invalid_token` and its kin.

    A signed token asks no database; a personal access token is looked up once a request.
    """
    token = bearer_token()
    if not token:
        raise AuthError("invalid_token", "Send an access token: Authorization: Bearer ….")
    if not token.startswith(TOKEN_PREFIX):
        return tokens().check(token)
    signed = _holder(token)
    session = signed.session
    return Claims(signed.user.id, session.id, int(session.expires_at.timestamp()), {}, frozenset(session.scopes), "")


def _holder(token: str) -> Signed:
    if "auth_holder" not in g:
        g.auth_holder = service().signed_by_token(token, client())
    found: Signed | None = g.auth_holder
    if found is None:
        raise AuthError("invalid_token")
    return found


def require_scope(wanted: str) -> None:
    """AuthError `forbidden` unless this request's token may be used for that; `OWN_ONLY` is for people at our own pages and programs.

    A session cookie, and an access token of a sign-in through the API, may do whatever their person may.
    """
    scopes = bearer().scopes if bearer_token() else None
    if scopes is not None and not covers(scopes, wanted):
        g.auth_scope = "" if wanted == OWN_ONLY else wanted  # told in the answer
        raise AuthError("forbidden", TOO_NARROW)


def by_cookie() -> Signed | None:
    """Who holds this request's session cookie; looked up once a request."""
    if "auth_signed" not in g:
        g.auth_signed = service().signed_by_cookie(cookies().session(request))
    found: Signed | None = g.auth_signed
    return found


def current() -> Signed | None:
    """Who is asking: the bearer token counts if there is one, even a bad one, else the cookie.

    The session of a token that is bounded has the scopes of that very token.
    """
    if not request.headers.get("Authorization"):
        return by_cookie()
    if "auth_bearer" not in g:
        g.auth_bearer = _behind(bearer())
    found: Signed | None = g.auth_bearer
    return found


def _behind(claims: Claims) -> Signed | None:
    signed = g.get("auth_holder") or service().signed_by_session(claims.session)
    if signed is None or claims.scopes is None:
        return signed if signed is None or signed.session.kind == "sign_in" else None
    if signed.session.kind == "grant" and signed.session.application != claims.client:
        return None
    return Signed(signed.user, replace(signed.session, scopes=tuple(sorted(claims.scopes))))


def require() -> Signed:
    """The same, or AuthError `invalid_token`."""
    found = current()
    if found is None:
        raise AuthError("invalid_token", "Sign in first.")
    return found


def require_bearer() -> Signed:
    """Who holds this request's bearer token: what changes something through the API takes nothing less."""
    found = _behind(bearer())
    if found is None:
        raise AuthError("token_revoked")
    return found
