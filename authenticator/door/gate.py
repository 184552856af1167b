"""The door for reverse proxies: /verify says who a request comes from, before any framework is asked."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import Flask, Request

from authenticator.applications import OWN
from authenticator.crypto import digest
from authenticator.door import answers
from authenticator.door.answers import Ask, Pairs
from authenticator.errors import AuthError
from authenticator.flows import scopes
from authenticator.flows.outcomes import Signed
from authenticator.http.bearer import OWN_CLIENT, Claims
from authenticator.http.client import Clients
from authenticator.http.cookies import Cookies
from authenticator.http.tokens import Tokens
from authenticator.models import Client, Status
from authenticator.service import Service
from authenticator.service.tokens import TOKEN_PREFIX

PATH: Final = "/verify"
KNOWN_SECONDS: Final = 0.5  # how long what was read of a person counts; whether her session has ended is asked each time
MOST_KNOWN: Final = 4096
TOKEN_SECONDS: Final = 120
TOKEN_KEPT: Final = 60.0
TOKEN_SCOPE: Final = "openid profile email"  # noqa: S105 (so that what applications are handed opens no door here)
LONGEST_COOKIE: Final = 256
Environ = dict[str, Any]
Answered = tuple[str, Pairs, bytes]
_log = logging.getLogger("authenticator.door")


@dataclass(frozen=True, slots=True)
class Known:
    """Who was found behind a cookie or token: until when that counts, what bounds it, and what is told of her.

    `own` is whether it stands for the sign-in itself, from a cookie, so that a token may be made of it.
    """

    until: float
    expires_at: float
    signed: Signed
    scopes: frozenset[str] | None
    client: str
    own: bool
    told: Pairs


class Door:
    """A WSGI callable in front of another: answers /verify, and hands everything else on."""

    def __init__(self, app: Flask, service: Service, inner: Callable[..., Iterable[bytes]]) -> None:
        self._app = app
        self._service = service
        self._inner = inner
        self._cookies: Cookies = app.extensions["authenticator_cookies"]
        self._clients: Clients = app.extensions["authenticator_clients"]
        self._tokens: Tokens = app.extensions["authenticator_tokens"]
        self._marks = tuple(f"{name}=" for name in (self._cookies.session_name, self._cookies.door_name) if name)
        self._lock = threading.Lock()
        self._known: dict[bytes, Known] = {}
        self._made: dict[tuple[object, ...], tuple[float, str]] = {}

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("PATH_INFO") != PATH:
            return self._inner(environ, start_response)
        status, headers, body = self._told(environ)
        start_response(status, headers)
        return (body,) if body and environ["REQUEST_METHOD"] != "HEAD" else ()

    def _told(self, environ: Environ) -> Answered:
        """The answer. Whatever goes wrong here is a 5xx, which every proxy takes for a no (ASVS 5.0 16.5.3)."""
        try:
            ask = answers.asked(environ.get("QUERY_STRING", ""))
            try:
                return self._granted(environ, ask)
            except AuthError as error:
                return self._refused(environ, ask, error)
        except AuthError as error:
            return answers.refusal(error)
        except Exception as error:
            _log.exception("a question at the door could not be answered", exc_info=error)
            return answers.FAULT

    def _granted(self, environ: Environ, ask: Ask) -> Answered:
        """200 for who may; AuthError for who may not."""
        known = self._who(environ)
        if known is None:
            if ask.optional and not ask.permission:
                return "200 OK", [*answers.NOBODY, *answers.GOOD], b""
            raise AuthError("invalid_token")
        token = self._token(environ, known) if ask.token else ""
        if ask.plain:
            return "200 OK", [*known.told, ("X-Auth-Token", token), *answers.GOOD], b""
        self._require(known, ask)
        told = {**dict(known.told), "X-Auth-Permissions": self._permissions(known, ask), "X-Auth-Token": token}
        return "200 OK", [*told.items(), *answers.GOOD], b""

    def _who(self, environ: Environ) -> Known | None:
        """Who asks: a bearer token counts if there is one, even a bad one; else the session's cookie, else the one of sub-domains."""
        scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme and scheme.lower() in ("bearer", "dpop"):
            return self._by_bearer(environ, token.strip() if scheme.lower() == "bearer" else "")
        if "HTTP_COOKIE" not in environ:
            return None
        for number, mark in enumerate(self._marks):
            value = answers.cookie(environ["HTTP_COOKIE"], mark)
            if value:
                found = self._by_cookie(value, of_domain=number == 1)
                if found:
                    return found
        return None

    def _by_cookie(self, value: str, *, of_domain: bool) -> Known | None:
        key = _key("door" if of_domain else "session", value)
        known = self._still(key)
        if known is None and len(value) <= LONGEST_COOKIE:
            held = self._cookies.behind_door(value) if of_domain else digest(value)
            signed = self._service.signed_behind(held) if held else None
            known = self._keep(key, signed, None, own=True)
        return self._open(known)

    def _by_bearer(self, environ: Environ, token: str) -> Known:
        if token.startswith(TOKEN_PREFIX):
            key = _key("personal", token)
            known = self._still(key) or self._keep(key, self._service.signed_by_token(token, self._client(environ)), None)
        else:
            claims = self._tokens.check(token)
            if claims.client == OWN_CLIENT and claims.scopes is not None:
                raise AuthError("invalid_token")  # made here for one application, which must not go on to the next with it
            key = _key("signed", f"{claims.session} {claims.client} {sorted(claims.scopes or ('*',))}")
            known = self._still(key) or self._keep(key, self._behind(claims), claims)
        found = self._open(known)
        if found is None:
            raise AuthError("invalid_token")
        return found

    def _behind(self, claims: Claims) -> Signed | None:
        """Whose a verified token is. An application's must be of a session that this application was given."""
        signed = self._service.signed_by_session(claims.session)
        of_kind = "sign_in" if claims.client == OWN_CLIENT else "grant"
        if signed is None or signed.session.kind != of_kind or (of_kind == "grant" and signed.session.application != claims.client):
            return None
        return signed

    def _still(self, key: bytes) -> Known | None:
        known = self._known.get(key)
        return known if known and known.until > time.monotonic() else None

    def _keep(self, key: bytes, signed: Signed | None, claims: Claims | None, *, own: bool = False) -> Known | None:
        if signed is None or signed.user.status is not Status.ACTIVE:
            return None
        bounds = claims.scopes if claims else frozenset(signed.session.scopes) if signed.session.kind == "token" else None
        if bounds is not None and not (scopes.OPENID in bounds or scopes.covers(bounds, scopes.READ_ACCOUNT)):
            raise AuthError("forbidden", "This token may not say whose it is: it needs the scope openid.")
        told = answers.of_person(signed.user, bounds, list(self._service.permissions_in(signed.user, OWN)))
        expires = signed.session.expires_at.timestamp()
        known = Known(time.monotonic() + KNOWN_SECONDS, expires, signed, bounds, claims.client if claims else "", own, told)
        with self._lock:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[key] = known
        return known

    def _open(self, known: Known | None) -> Known | None:
        """The same unless her session has ended anywhere in the last half second, or is over."""
        if known is None or known.expires_at <= self._service.core.clock.now().timestamp():
            return None
        self._service.require_open(known.signed.session.id)
        return known

    def _require(self, known: Known, ask: Ask) -> None:
        """AuthError `forbidden` unless she has the permission that is asked for, and what she shows may use it; `step_up_required` likewise."""
        if not ask.permission:
            return
        bounded = known.scopes is not None and ask.application == OWN and ask.permission not in known.scopes
        elsewhere = known.client not in ("", OWN_CLIENT, ask.application) and ask.application != OWN
        if bounded or elsewhere or not self._service.may_in(known.signed.user, ask.application, ask.permission, ask.resource):
            raise AuthError("forbidden")
        if ask.application == OWN:
            self._service.require_factors_for(known.signed, ask.permission)

    def _permissions(self, known: Known, ask: Ask) -> str:
        if ask.application == OWN:
            return dict(known.told)["X-Auth-Permissions"]
        if known.client not in ("", OWN_CLIENT, ask.application):
            return ""
        return " ".join(self._service.permissions_in(known.signed.user, ask.application))

    def _token(self, environ: Environ, known: Known) -> str:
        """A short access token for the application behind the proxy: it tells who she is, and opens nothing here.

        Who came with a token is not given another one, or a stolen one would live for ever.
        """
        if not known.own:
            token = environ["HTTP_AUTHORIZATION"].partition(" ")[2].strip()
            return "" if token.startswith(TOKEN_PREFIX) else token
        session, now = known.signed.session, time.monotonic()
        proof = (session.id, session.auth_time, session.mfa_at)  # which the token tells of
        made = self._made.get(proof)
        if made is None or made[0] <= now:
            with self._app.app_context():
                made = (now + TOKEN_KEPT, self._tokens.issue(known.signed, scope=TOKEN_SCOPE, seconds=TOKEN_SECONDS))
            if len(self._made) >= MOST_KNOWN:
                self._made.clear()
            self._made[proof] = made
        return made[1]

    def _refused(self, environ: Environ, ask: Ask, error: AuthError) -> Answered:
        """401 with where to sign in; 403; or what else it is."""
        if error.status != 401:
            return answers.refusal(error)
        if ask.optional and not ask.permission and not environ.get("HTTP_AUTHORIZATION"):
            return "200 OK", [*answers.NOBODY, *answers.GOOD], b""
        trusted = self._clients.trusts(environ.get("REMOTE_ADDR") or "")
        url = answers.original(environ) if trusted else ""
        target = answers.sign_in(self._service.settings.public_url, self._service.allowed_return(url) if url else "")
        if ask.redirect and answers.is_page(environ, trusted):
            return answers.redirect(target)
        return answers.refusal(error, sign_in=target, shown="HTTP_AUTHORIZATION" in environ)

    def _client(self, environ: Mapping[str, Any]) -> Client:
        return self._clients.of(Request(dict(environ)))


def _key(kind: str, value: str) -> bytes:
    """Under which it is known who holds this; a cookie is not known by what was found for a token of the same text."""
    return hashlib.sha256(f"{kind}:{value}".encode("utf-8", "replace")).digest()
