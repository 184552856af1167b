"""The headers of every answer: what a page may load, where its forms may lead, and that nobody keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from flask import Flask, Response, g, request

from authenticator.http.csrf import origin_of
from authenticator.settings import Settings

STATIC_ENDPOINTS = frozenset({"static", "look.static", "look.colours"})
FOREVER = "public, max-age=31536000, immutable"
A_WHILE = "public, max-age=300"
SCRIPTS = "; script-src 'self'"

_FIXED = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("X-Frame-Options", "DENY"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
_HSTS = ("Strict-Transport-Security", "max-age=63072000; includeSubDomains")


@dataclass
class Wishes:
    """What one page may do beyond the usual: the origins that its forms may lead to and its frames be of, a picture's, and our scripts."""

    forms: set[str] = field(default_factory=set)
    frames: set[str] = field(default_factory=set)
    image: str = ""
    scripts: bool = False


class Headers:
    """Adds what is missing to an answer. A view that sets one of these headers itself keeps its own."""

    def __init__(self, settings: Settings) -> None:
        self._fixed = tuple((name.lower(), name, value) for name, value in ((*_FIXED, _HSTS) if settings.secure else _FIXED))
        self._before, self._after = policy(settings.logo_url)
        self._usual = f"{self._before}{self._after}"

    def _policy(self) -> str:
        wishes: Wishes | None = g.get("page_wishes")
        if wishes is None:
            return self._usual
        framed = f"; frame-src {' '.join(sorted(wishes.frames))}" if wishes.frames else ""
        before = self._before.replace("img-src", f"img-src {wishes.image}", 1) if wishes.image else self._before
        return f"{before}{''.join(f' {origin}' for origin in sorted(wishes.forms))}{self._after}{SCRIPTS if wishes.scripts else ''}{framed}"

    def add(self, response: Response) -> Response:
        """The `after_request` hook (ASVS 5.0 3.4.1 to 3.4.8 and 14.3.2)."""
        headers = response.headers
        present = {name.lower() for name, _ in headers}
        for lower, name, value in self._fixed:
            if lower not in present:
                headers.add(name, value)
        if "content-security-policy" not in present:
            headers.add("Content-Security-Policy", self._policy())
        if request.endpoint in STATIC_ENDPOINTS:
            return _keep(response)
        if "cache-control" not in present:
            headers.add("Cache-Control", "no-store")
        if "vary" in present:
            response.vary.add("Cookie")
        else:
            headers.add("Vary", "Cookie")
        return response


def policy(logo_url: str) -> tuple[str, str]:
    """The Content-Security-Policy up to the origins that forms may lead to, and what follows them."""
    images = f"'self' data: {origin_of(logo_url)}" if urlsplit(logo_url).scheme == "https" else "'self' data:"
    before = f"default-src 'none'; style-src 'self'; img-src {images}; form-action 'self'"
    return before, "; frame-ancestors 'none'; base-uri 'none'; object-src 'none'"


def allow_form_to(url: str) -> None:
    """Let this page's forms end at the origin of `url`: browsers also hold a form's redirects against `form-action`."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):  # a program with a scheme of its own, which always has a dot in it (RFC 8252 §7.1)
        target = f"{parts.scheme}:" if "." in parts.scheme else ""
    elif ":" in (parts.hostname or ""):  # a policy can't name an address of IPv6, such as a program's http://[::1]:5000
        target = f"{parts.scheme}:"
    else:
        target = f"{parts.scheme}://{parts.netloc}" if parts.hostname else ""
    if target:
        _wishes().forms.add(target)


def allow_image(url: str) -> None:
    """Let this page show pictures of the origin of `url`, an https address."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname and not set(parts.netloc) & set(";, '\""):
        _wishes().image = f"https://{parts.netloc}"


def allow_frame(url: str) -> None:
    """Let this page hold a frame of the origin of `url`."""
    parts = urlsplit(url)
    if parts.scheme in ("http", "https") and parts.hostname and not set(parts.netloc) & set(";, '\""):
        _wishes().frames.add(f"{parts.scheme}://{parts.netloc}")


def allow_scripts() -> None:
    """Let this page run our own script files: passkeys need one, and answers that are posted to an application."""
    _wishes().scripts = True


def install(app: Flask, settings: Settings) -> None:
    """Put the headers on every answer of this app, errors included."""
    app.after_request(Headers(settings).add)


def _wishes() -> Wishes:
    if "page_wishes" not in g:
        g.page_wishes = Wishes()
    found: Wishes = g.page_wishes
    return found


def _keep(response: Response) -> Response:
    """A file whose URL carries its version never changes."""
    found = response.status_code in (200, 304)
    response.headers["Cache-Control"] = (FOREVER if request.args.get("v") else A_WHILE) if found else "no-store"
    return response
