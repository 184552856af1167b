"""The three cookies: the session, the browser that a conversation is bound to, and the step it is at."""

from __future__ import annotations

from flask import Request, Response

from authenticator.crypto import random_token
from authenticator.settings import Settings

SESSION, BROWSER, STEP = "auth_session", "auth_browser", "auth_step"
BROWSER_LIFE = 30 * 86_400
STEP_LIFE = 900


class Cookies:
    """Reads and sets our cookies: `__Host-`, Secure, HttpOnly, SameSite=Lax, Path=/ (SECURITY.md 46).

    On plain http, which only development and a host's own machine use, the prefix and Secure would keep
    browsers from storing them at all.
    """

    def __init__(self, settings: Settings) -> None:
        self._secure = settings.secure
        self._prefix = "__Host-" if settings.secure else ""
        self._session_life = settings.session_days * 86_400

    def session(self, request: Request) -> str:
        return request.cookies.get(self._prefix + SESSION, "")

    def browser(self, request: Request) -> str:
        """The browser's binding secret, or nothing if it has none of the right form."""
        value = request.cookies.get(self._prefix + BROWSER, "")
        return value if len(value) == 43 and value.isascii() else ""

    def new_browser(self) -> str:
        return random_token()

    def step(self, request: Request) -> str:
        return request.cookies.get(self._prefix + STEP, "")[:64]

    def set_session(self, response: Response, value: str) -> None:
        self._set(response, SESSION, value, self._session_life)

    def set_browser(self, response: Response, value: str) -> None:
        self._set(response, BROWSER, value, BROWSER_LIFE)

    def set_step(self, response: Response, value: str) -> None:
        self._set(response, STEP, value, STEP_LIFE)

    def drop(self, response: Response, *names: str) -> None:
        """Tell the browser to forget these cookies."""
        for name in names:
            response.delete_cookie(self._prefix + name, path="/", secure=self._secure, httponly=True, samesite="Lax")

    def _set(self, response: Response, name: str, value: str, life: int) -> None:
        response.set_cookie(self._prefix + name, value, max_age=life, path="/", secure=self._secure, httponly=True, samesite="Lax")
