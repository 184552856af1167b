"""What is asked at the door and what it answers, as parts of HTTP: the question's parameters, headers, bodies, the way back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode

from authenticator.applications import OWN
from authenticator.errors import CODES, AuthError
from authenticator.flows import scopes
from authenticator.kinds.codes import proved
from authenticator.models import User

Pairs = list[tuple[str, str]]
IDENTITY: Final = ("X-Auth-User", "X-Auth-Email", "X-Auth-Name", "X-Auth-Permissions", "X-Auth-Token")
NOBODY: Final = tuple((name, "") for name in IDENTITY)
KEPT_NOWHERE: Final = (("Cache-Control", "no-store"), ("Vary", "Cookie, Authorization"))
GOOD: Final = (*KEPT_NOWHERE, ("Content-Length", "0"))
# a proxy may hand these answers on to a browser
_FOR_BROWSERS: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
)
_REASONS: Final = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 503: "Service Unavailable"}
_FLAGS: Final = ("optional", "redirect", "token")
_TEXTS: Final = ("permission", "application", "resource")
_PLAIN: Final = " !#$&'()*+/:;=?@[]^`{|}"  # what stays as it is, besides letters, digits and _.-~
_LONGEST_QUERY: Final = 1024


@dataclass(frozen=True, slots=True)
class Ask:
    """What a proxy wants to know, beyond who it is."""

    permission: str = ""
    application: str = OWN
    resource: str = ""
    optional: bool = False
    redirect: bool = False
    token: bool = True

    @property
    def plain(self) -> bool:
        return not self.permission and self.application == OWN


@lru_cache(512)
def asked(query: str) -> Ask:
    """The question in a query; AuthError `invalid_request` for one that could be misread: a slip of the pen must open nothing."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), errors="strict", max_num_fields=10)
    except ValueError:
        raise AuthError("invalid_request") from None
    found = dict(pairs)
    if len(query) > _LONGEST_QUERY:
        raise AuthError("invalid_request", f"The question may have {_LONGEST_QUERY} characters.")
    if len(found) != len(pairs):
        raise AuthError("invalid_request", "Each parameter may be given once.")
    for name, value in pairs:
        if name in _FLAGS and value not in ("0", "1"):
            raise AuthError("invalid_request", f"Write {name}=1 or leave it out.")
        if name in _TEXTS and not value:
            raise AuthError("invalid_request", f"The parameter {name} is empty.")
        if name not in _FLAGS and name not in _TEXTS:
            raise AuthError("invalid_request", f"There are the parameters {', '.join((*_TEXTS, *_FLAGS))}.")
    if "resource" in found and "permission" not in found:
        raise AuthError("invalid_request", "A resource says where a permission is needed; name the permission too.")
    texts = {name: found[name] for name in _TEXTS if name in found}
    return Ask(**texts, **{name: found[name] == "1" for name in _FLAGS if name in found})  # type: ignore[arg-type]


def of_person(user: User, bounds: frozenset[str] | None, permissions: list[str]) -> Pairs:
    """The identity headers of a person but for the token, as far as the scopes go by which she is known; None for no bounds.

    Values are ASCII: what is not, and what `_PLAIN` leaves out, is percent-encoded UTF-8 (RFC 3986 §2.1).
    """

    def may(scope: str) -> bool:
        return bounds is None or scope in bounds or scopes.covers(bounds, scopes.READ_ACCOUNT)

    email = proved(user, "email")
    held = permissions if bounds is None else [name for name in permissions if name in bounds]
    return [
        ("X-Auth-User", user.id),
        ("X-Auth-Email", encoded(email.value) if email and may("email") else ""),
        ("X-Auth-Name", encoded(user.name.shown) if may("profile") else ""),
        ("X-Auth-Permissions", " ".join(held)),
    ]


def encoded(text: str) -> str:
    """Text as a header's value that has one reading."""
    return quote(" ".join(text.split()), safe=_PLAIN)


def cookie(header: str, mark: str) -> str:
    """The value of the first cookie that begins with `mark`, which is its name and an equals sign."""
    for part in header.split(";"):
        part = part.strip(" \t")  # and no other blanks: with those before it, a name is one that browsers let sub-domains set
        if part.startswith(mark):
            return part[len(mark) :].strip('"')
    return ""


def original(environ: Mapping[str, Any]) -> str:
    """The URL that was asked for at the proxy, as the proxy tells it; empty if it does not."""
    scheme, host = environ.get("HTTP_X_FORWARDED_PROTO", ""), environ.get("HTTP_X_FORWARDED_HOST", "")
    path = environ.get("HTTP_X_FORWARDED_URI", "")
    if scheme in ("http", "https") and host and path.startswith("/"):
        return f"{scheme}://{host}{path}"
    return str(environ.get("HTTP_X_ORIGINAL_URL", ""))


def sign_in(public_url: str, back: str) -> str:
    """Where to send a browser to sign in; `back` is where it wanted to go."""
    return f"{public_url}/sign-in?{urlencode({'return_to': back})}" if back else f"{public_url}/sign-in"


def is_page(environ: Mapping[str, Any], trusted: bool) -> bool:
    """Whether a browser wants a page, which it can come back to."""
    method = environ.get("HTTP_X_FORWARDED_METHOD") if trusted else None
    wanted = "text/html" in environ.get("HTTP_ACCEPT", "") and environ.get("HTTP_SEC_FETCH_MODE", "navigate") == "navigate"
    return wanted and (method or environ["REQUEST_METHOD"]) in ("GET", "HEAD")


def redirect(target: str) -> tuple[str, Pairs, bytes]:
    """The way to the sign-in page, for proxies that hand our answer on to the browser."""
    headers = [*NOBODY, *KEPT_NOWHERE, *_FOR_BROWSERS, ("Location", target), ("X-Auth-Sign-In", target), ("Content-Length", "0")]
    return "303 See Other", headers, b""


def refusal(error: AuthError, *, sign_in: str = "", shown: bool = False) -> tuple[str, Pairs, bytes]:
    """The answer to a refusal; `shown` is whether an Authorization came with it (RFC 6750 §3)."""
    headers: Pairs = [*NOBODY, *KEPT_NOWHERE, *_FOR_BROWSERS]
    if error.status == 401:
        headers += [("WWW-Authenticate", 'Bearer error="invalid_token"' if shown else "Bearer"), ("X-Auth-Sign-In", sign_in)]
    if error.retry_after:
        headers.append(("Retry-After", str(error.retry_after)))
    status = error.status if error.status in _REASONS else 400 if error.status < 500 else 500
    return _problem(status, _REASONS.get(status, "Internal Server Error"), headers, error.code, error.detail)


def _problem(status: int, reason: str, headers: Pairs, code: str, detail: str) -> tuple[str, Pairs, bytes]:
    """An RFC 9457 problem document."""
    facts = {"type": "about:blank", "title": reason, "status": status, "detail": detail, "code": code}
    body = json.dumps(facts).encode()
    more = [("Content-Type", "application/problem+json"), ("Content-Length", str(len(body)))]
    return f"{status} {reason}", [*headers, *more], body


FAULT: Final = _problem(500, "Internal Server Error", [*NOBODY, *KEPT_NOWHERE], "internal_error", CODES["store_unavailable"][1])
