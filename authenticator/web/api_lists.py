"""Lists that come in pages, as the API gives them: `after` and `limit` in the address, a `Link` to the next (RFC 8288)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from flask import Response, request

from authenticator.errors import AuthError
from authenticator.http import guard
from authenticator.models import Page
from authenticator.web.api_endpoints import Query
from authenticator.web.api_shapes import answer

T = TypeVar("T")
USUAL: Final = 50
MOST: Final = 200  # ASVS 5.0 15.2.2
PAGE: Final = (
    Query("after", "The cursor of the page before; the `Link` header has it."),
    Query("limit", "How many.", {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL}),
)


def cursor() -> str | None:
    """The `after` of this request."""
    return request.args.get("after") or None


def page_size() -> int:
    """The `limit` of this request; AuthError `invalid_request` unless it is a number from 1 to the most."""
    text = request.args.get("limit", str(USUAL))
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= MOST):
        raise AuthError("invalid_request", errors={"limit": (f"Give a number from 1 to {MOST}.",)})
    return int(text)


def listed(page: Page[T], shape: Callable[[T], dict[str, Any]]) -> Response:
    """The answer with a page of a list."""
    response = answer([shape(item) for item in page.items])
    if page.next:
        wanted = urlencode({**request.args, "after": page.next, "limit": page_size()})
        response.headers["Link"] = f'<{guard.service().settings.public_url}{request.path}?{wanted}>; rel="next"'
    return response
