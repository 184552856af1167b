"""What no request may be: too large, in two readings, or with a token in its address; checked before any view runs."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, Final

from flask import Flask, Request, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import MethodNotAllowed

from authenticator.errors import AuthError

LONGEST_BODY: Final = 64 * 1024
LONGEST_UPLOAD: Final = 5 * 1024 * 1024 + 16 * 1024  # a picture, and what a form puts around it
UPLOADS: Final = frozenset({"api.add_avatar", "avatars.upload"})  # endpoints
LONGEST_HEADERS: Final = 16 * 1024
DEEPEST: Final = 20
MOST_PARTS: Final = 20
METHODS: Final = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
_UTF8: Final = frozenset({"utf-8", "utf8"})


def install(app: Flask) -> None:
    """Check each request to this app (ASVS 5.0 14.2.1 and 15.2.2)."""
    app.before_request(check)


def check() -> None:
    """AuthError `headers_too_large`, `body_too_large`, `unsupported_media_type` or `invalid_request`; 405 for TRACE and its like."""
    asked: Request = request._get_current_object()  # type: ignore[attr-defined]  # its stand-in looks it up at every dot
    environ = asked.environ
    if sum(len(name) + len(value) for name, value in environ.items() if name.startswith("HTTP_")) > LONGEST_HEADERS:
        raise AuthError("headers_too_large")
    if asked.method not in METHODS:
        raise MethodNotAllowed(METHODS)
    if "\0" in asked.path:
        raise AuthError("invalid_request")
    if not _is_utf8(asked.query_string):
        asked.query_string, environ["QUERY_STRING"] = b"", ""  # whoever tells of the refusal could not read it either
        raise AuthError("invalid_request", "Letters beyond ASCII stand in an address as UTF-8, percent-encoded.")
    if asked.query_string and "access_token" in asked.args:
        raise AuthError("invalid_request", "An access token belongs in the Authorization header, never in an address.")
    if _has_body(asked):
        _check_body(asked)


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _has_body(asked: Request) -> bool:
    """Whether a body comes with the request, as far as its headers tell."""
    length = asked.environ.get("CONTENT_LENGTH")
    return bool(length and length != "0") or "HTTP_TRANSFER_ENCODING" in asked.environ


def _check_body(asked: Request) -> None:
    length = asked.environ.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdigit()):
        raise AuthError("invalid_request")
    longest = LONGEST_UPLOAD if asked.endpoint in UPLOADS else LONGEST_BODY
    if len(length) > 9 or int(length) > longest:
        raise AuthError("body_too_large")
    asked.max_content_length = longest + 1
    asked.max_form_parts = MOST_PARTS
    if "HTTP_TRANSFER_ENCODING" in asked.environ and len(asked.get_data()) > longest:
        # Werkzeug would stop at the limit and hand out the beginning of a chunked body as the whole
        raise AuthError("body_too_large")
    if asked.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise AuthError("unsupported_media_type", "Send the body without Content-Encoding.")
    if asked.path.startswith("/api/") and asked.endpoint in UPLOADS:
        _require_picture(asked)
    elif asked.path.startswith("/api/"):
        _require_json(asked)
    elif asked.mimetype in _FORMS:
        _count_parts(asked)


def _require_json(asked: Request) -> None:
    charset = asked.mimetype_params.get("charset", "utf-8").lower()
    if asked.mimetype != "application/json" or charset not in _UTF8:
        raise AuthError("unsupported_media_type")


def _require_picture(asked: Request) -> None:
    """What it calls itself is all that is asked here; what it is shows when it is read."""
    if asked.mimetype != "multipart/form-data" and not asked.mimetype.startswith("image/"):
        raise AuthError("unsupported_media_type", "Send a picture, or a form with the picture as `file`.")


def _count_parts(asked: Request) -> None:
    parts = sum(len(values) for _, values in asked.form.lists()) + sum(len(files) for _, files in asked.files.lists())
    if parts > MOST_PARTS:
        raise AuthError("body_too_large", f"A form may have {MOST_PARTS} parts.")


def strict_json(body: bytes) -> dict[str, Any]:
    """The JSON object in a body that can be read in one way only; AuthError `invalid_request` otherwise.

    UTF-8 without a byte order mark, no name twice, no NaN or number beyond a double, no half of a surrogate
    pair, nested 20 deep at most (RFC 8259 §4 to §8, RFC 7493).
    """
    try:
        value = _DECODER.decode(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise AuthError("invalid_request", "The body is not JSON, or could be read in two ways.") from None
    if not isinstance(value, dict):
        raise AuthError("invalid_request", "The body must be a JSON object.")
    if body.count(b"{") + body.count(b"[") > DEEPEST or b"\\u" in body:
        _walk(value)
    return value


def _walk(top: dict[str, Any]) -> None:
    level: list[Any] = [top]
    for _ in range(DEEPEST):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, str):
                _whole(value)
            elif isinstance(value, dict):
                inner += value.keys()
                inner += value.values()
            elif isinstance(value, list):
                inner += value
        level = inner
    if any(isinstance(value, dict | list) for value in level):
        raise AuthError("invalid_request", f"The body is nested more than {DEEPEST} deep.")
    for value in level:
        if isinstance(value, str):
            _whole(value)


def _whole(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise AuthError("invalid_request", "The body is not valid Unicode.") from None


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number beyond a double")
    return number


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_once, parse_float=_finite, parse_constant=_no_constant)


def one(values: MultiDict[str, str], name: str) -> str:
    """A parameter's only value, or nothing; AuthError `invalid_request` if it comes twice."""
    found = values.getlist(name)
    if len(set(found)) > 1:
        raise AuthError("invalid_request")
    return found[0] if found else ""
