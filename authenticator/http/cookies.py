"""The cookies: the session, the browser that a conversation is bound to, the step it is at, and the one that sub-domains see."""

from __future__ import annotations

from flask import Request, Response

from authenticator.crypto import digest, keyed_token, random_token, same
from authenticator.settings import Settings

SESSION, BROWSER, STEP = "auth_session", "auth_browser", "auth_step"
DOOR = "auth_door"
BROWSER_LIFE = 30 * 86_400
STEP_LIFE = 900


class Cookies:
    """Reads and sets our cookies: `__Host-`, Secure, HttpOnly, SameSite=Lax, Path=/ (ASVS 5.0 3.3).

    On plain http, which only development and a host's own machine use, the prefix and Secure would keep
    browsers from storing them at all. With `domain`, a sign-in also sets a cookie that its sub-domains see; `door_key` makes it.
    """

    def __init__(self, settings: Settings, *, domain: str = "", door_key: bytes = b"") -> None:
        self._secure = settings.secure
        self._prefix = "__Host-" if settings.secure else ""
        self._session_life = settings.session_days * 86_400
        self._domain = domain
        self._door_key = door_key
        self.session_name = self._prefix + SESSION
        self.door_name = ("__Secure-" if settings.secure else "") + DOOR if domain else ""

    def session(self, request: Request) -> str:
        return request.cookies.get(self.session_name, "")

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
        self.set_door(response, value)

    def set_door(self, response: Response, session: str) -> None:
        """The cookie for sub-domains that belongs to the session of this cookie; nothing without a domain."""
        if self._domain and session:
            value, life = self._door_value(digest(session)), self._session_life
            flags = {"secure": self._secure, "httponly": True, "samesite": "Lax"}
            response.set_cookie(self.door_name, value, max_age=life, path="/", domain=self._domain, **flags)  # type: ignore[arg-type]

    def behind_door(self, value: str) -> str:
        """The digest of the session's cookie that a cookie for sub-domains stands for, or nothing if it was not made here.

        Nobody finds the session's cookie by its digest, so who sees this cookie cannot be the person on our own pages.
        """
        found = value.partition(".")[0]
        return found if self._domain and value.isascii() and same(value, self._door_value(found)) else ""

    def set_browser(self, response: Response, value: str) -> None:
        self._set(response, BROWSER, value, BROWSER_LIFE)

    def set_step(self, response: Response, value: str) -> None:
        self._set(response, STEP, value, STEP_LIFE)

    def drop(self, response: Response, *names: str) -> None:
        """Tell the browser to forget these cookies; with the session goes what sub-domains see of it."""
        for name in names:
            response.delete_cookie(self._prefix + name, path="/", secure=self._secure, httponly=True, samesite="Lax")
        if SESSION in names and self._domain:
            response.delete_cookie(self.door_name, path="/", domain=self._domain, secure=self._secure, httponly=True, samesite="Lax")

    def _door_value(self, session_digest: str) -> str:
        return f"{session_digest}.{keyed_token(self._door_key, session_digest)}"

    def _set(self, response: Response, name: str, value: str, life: int) -> None:
        response.set_cookie(self._prefix + name, value, max_age=life, path="/", secure=self._secure, httponly=True, samesite="Lax")
