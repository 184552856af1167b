"""The one HTTP client for calls to other services: short patience, small answers, no redirects, no cookies."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from authenticator.reach import Reach

ANSWER_BYTES = 1 << 20
JSON_DEPTH = 20


class WebFailure(Exception):
    """A call that brought nothing usable. The text is for the log: it holds no secret and nothing that the other side wrote."""


class Unreachable(WebFailure):
    """Temporary: refused, too slow, broken off, 429 or 5xx."""


class BadAnswer(WebFailure):
    """There was an answer, and it was not what was asked for."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: any status below 300, or a 4xx other than 429, which may still explain itself."""

    status: int
    body: bytes = field(repr=False)

    def object(self) -> dict[str, Any]:
        """The body as one JSON object; BadAnswer if it is anything else."""
        return json_object(self.body)


class WebClient:
    """Calls over https, or to one of `bases` (the emulator). Safe to share between threads; calls share nothing but the trusted CAs.

    With a `reach` it calls what strangers name: only where that reaches, and the connection goes to the address that was checked.
    Each call ends within `total` seconds, whatever the other side does, but for the name look-up, which the
    system's resolver bounds. No proxy, no `.netrc`: the environment must not redirect a client secret.
    """

    def __init__(
        self,
        bases: Sequence[str] = (),
        *,
        connect: float = 3.0,
        read: float = 5.0,
        total: float = 10.0,
        limit: int = ANSWER_BYTES,
        reach: Reach | None = None,
    ) -> None:
        self._bases = tuple(base.rstrip("/") for base in bases if base)
        self._connect, self._read, self._total, self._limit = connect, read, total, limit
        self._reach = reach

    def get(self, url: str, *, headers: Mapping[str, str] | None = None, params: Mapping[str, str] | None = None) -> Answer:
        """GET, with `params` added to the query."""
        return self._call("GET", url, headers=dict(headers or {}), params=dict(params or {}))

    def post(
        self, url: str, *, headers: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None, body: bytes | str | None = None
    ) -> Answer:
        """POST a form, or a body as it is."""
        return self._call("POST", url, headers=dict(headers or {}), data=body if form is None else dict(form))

    def allows(self, url: str) -> bool:
        """Whether this client would call `url`: https with a host and without a user, or below one of the bases."""
        if any(url == base or url.startswith(f"{base}/") for base in self._bases):
            return True
        if self._reach is not None:
            return self._reach.allows(url)
        try:
            parts = urlsplit(url)
            return parts.scheme == "https" and bool(parts.hostname) and parts.username is None and parts.port in (None, *range(1, 65536))
        except ValueError:
            return False

    def _call(self, method: str, url: str, **what: Any) -> Answer:
        if not self.allows(url):
            raise BadAnswer("the address is not one that may be called" if self._reach else "the address is not an https one")
        patience = {"connect": self._connect, "read": self._read, "total": self._total}
        answer: Answer = self._transport.send(method, url, limit=self._limit, reach=self._reach, **patience, **what)
        return answer

    @cached_property
    def _transport(self) -> Any:
        """Loaded by the first call: requests takes a tenth of the start, and a password sign-in calls nobody."""
        return import_module("authenticator.web_transport").Transport()


def json_object(body: bytes) -> dict[str, Any]:
    """One JSON object in UTF-8, without doubled names, NaN, infinities or lone surrogates, at most JSON_DEPTH deep; else BadAnswer."""
    found = json_value(body)
    if not isinstance(found, dict):
        raise BadAnswer("not a JSON object")
    return found


def json_value(body: bytes) -> Any:
    """The same for any JSON."""
    try:
        found = json.loads(body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        raise BadAnswer("not valid JSON") from None
    _walk(found, JSON_DEPTH)
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice")  # two readers would see two different answers
    return found


def _refuse(_: str) -> Any:
    raise ValueError("not a number")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)


def _walk(value: Any, depth: int) -> None:
    if isinstance(value, dict | list):
        if depth == 0:
            raise BadAnswer(f"JSON deeper than {JSON_DEPTH}")
        for item in (*value, *value.values()) if isinstance(value, dict) else value:
            _walk(item, depth - 1)
    elif isinstance(value, str) and any("\ud800" <= char <= "\udfff" for char in value):
        raise BadAnswer("JSON with broken text")
