"""Calls to the service: https only but on this machine, no redirects, bounded in time and size."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote_plus, urlsplit

import requests
import urllib3

from authenticator_client.errors import Unavailable

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 10.0
LONGEST: Final = 1 << 20
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Answer(NamedTuple):
    """The status and the JSON object of an answer."""

    status: int
    body: dict[str, Any]


def proper(url: object) -> str:
    """The URL itself if it is https, or http to this machine; ValueError otherwise."""
    if not isinstance(url, str) or any(sign <= " " or sign == "\\" for sign in url):
        raise ValueError("this is no URL")
    parts = urlsplit(url)
    if not parts.hostname or parts.username is not None or parts.fragment:
        raise ValueError(f"{url} is no URL of a service")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ValueError(f"{url} must begin with https:// (http:// only for this machine)")
    return url


def basic(client_id: str, secret: str) -> tuple[str, str]:
    """The credentials of a client as RFC 6749 §2.3.1 wants them in the header."""
    return quote_plus(client_id), quote_plus(secret)


def get(url: str, *, token: str = "") -> Answer:
    """Fetch a JSON object."""
    return _ask("GET", url, headers={"Authorization": f"Bearer {token}"} if token else {}, auth=_as_it_is)


def post(url: str, fields: Mapping[str, str], auth: tuple[str, str] | None = None) -> Answer:
    """Send a form, get a JSON object."""
    return _ask("POST", url, data=dict(fields), auth=auth or _as_it_is)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Instead of requests' own look into ~/.netrc, which would put a password in the place of the token."""
    return request


def _ask(method: str, url: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> Answer:
    wanted = {"Accept": "application/json", **(headers or {})}
    end = time.monotonic() + READ_SECONDS
    try:
        with requests.request(
            method, url, headers=wanted, timeout=(CONNECT_SECONDS, READ_SECONDS), allow_redirects=False, stream=True, **more
        ) as answer:
            held = b""
            while piece := answer.raw.read1(1 << 16, decode_content=True):  # what is there: a drip must not outlast the clock
                held += piece
                if len(held) > LONGEST or time.monotonic() > end:
                    raise Unavailable(f"{_place(url)} answers too much, or too slowly")
            status = answer.status_code
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise Unavailable(f"{_place(url)} does not answer: {type(error).__name__}") from None
    return Answer(status, _object(held))


def _object(held: bytes) -> dict[str, Any]:
    try:
        found = json.loads(held) if held else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _place(url: str) -> str:
    """Where a call went, without what was in its query."""
    return url.partition("?")[0]
