"""Forms that only our own pages can send: a token bound to browser and session, and where the request says it comes from."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Request, Response, current_app, g, request
from markupsafe import Markup

from authenticator import crypto
from authenticator.errors import AuthError
from authenticator.http import guard
from authenticator.settings import Settings

FIELD = "csrf_token"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
EXTENSION = "authenticator_csrf"
COOKIES = "Your browser kept no cookie of this page. Allow cookies here, then load the page again and repeat."


class Csrf:
    """Makes and checks tokens. A token is `salt.mac`: the salt makes each page's differ, so that compression tells nothing."""

    def __init__(self, key: bytes, settings: Settings) -> None:
        self._key = key
        self._origin = origin_of(settings.public_url)
        self._development = settings.development

    def token(self, browser: str, session: str) -> str:
        """A token for this browser (its cookie's value) and session (likewise, or empty)."""
        salt = secrets.token_urlsafe(9)
        return f"{salt}.{self._mac(salt, browser, session)}"

    def holds(self, token: str, browser: str, session: str) -> bool:
        """Whether the token was made here for this browser and session. Without a browser cookie none is."""
        salt, _, mac = token.partition(".")
        return bool(browser and salt and mac) and token.isascii() and crypto.same(mac, self._mac(salt, browser, session))

    def from_here(self, asked: Request) -> bool:
        """Whether the browser says that one of our own pages sent this.

        Sec-Fetch-Site decides where it is sent, because under our Referrer-Policy a browser's Origin is `null`;
        otherwise Origin must be absent or ours (OWASP CSRF Prevention Cheat Sheet, ASVS 5.0 3.5.1).
        """
        site = asked.headers.get("Sec-Fetch-Site")
        if site is not None:
            return site == "same-origin"
        origin = asked.headers.get("Origin")
        return origin is None or origin == self._origin or (self._development and origin == origin_of(asked.host_url))

    def _mac(self, salt: str, browser: str, session: str) -> str:
        return crypto.keyed_token(self._key, "csrf", salt, browser, session)


def origin_of(url: str) -> str:
    """`https://host:port` of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def install(app: Flask, key: bytes, settings: Settings) -> None:
    """Let templates write `{{ csrf_field() }}` and `protect` do its work."""
    app.extensions[EXTENSION] = Csrf(key, settings)
    app.add_template_global(csrf_field, "csrf_field")
    app.after_request(_remember)


def protect(blueprint: Blueprint, *, exempt: frozenset[str] = frozenset()) -> None:
    """Check each changing request to the blueprint; `exempt` names endpoints that others post to."""
    blueprint.before_request(lambda: None if request.endpoint in exempt else check())


def csrf_field() -> Markup:
    """The hidden field that belongs into every form."""
    token = _csrf().token(browser(), guard.cookies().session(request))
    return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, token)


def browser() -> str:
    """The secret of this browser, a fresh one if it has none yet; the answer then sets it."""
    known = guard.cookies().browser(request)
    if known:
        return known
    if "auth_new_browser" not in g:
        g.auth_new_browser = guard.cookies().new_browser()
    return str(g.auth_new_browser)


def check() -> None:
    """AuthError `csrf_failed` unless this request reads only, or was sent by one of our own forms."""
    if request.method in SAFE:
        return
    csrf = _csrf()
    cookies = guard.cookies()
    if csrf.from_here(request) and not cookies.browser(request):
        raise AuthError("csrf_failed", COOKIES)
    if not csrf.from_here(request) or not csrf.holds(request.form.get(FIELD, ""), cookies.browser(request), cookies.session(request)):
        raise AuthError("csrf_failed")


def _remember(response: Response) -> Response:
    if "auth_new_browser" in g:
        guard.cookies().set_browser(response, g.auth_new_browser)
    return response


def _csrf() -> Csrf:
    csrf = current_app.extensions[EXTENSION]
    assert isinstance(csrf, Csrf)
    return csrf
