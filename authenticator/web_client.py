"""The one HTTP client for calls to other services: short patience, small answers, no redirects, no cookies."""

from __future__ import annotations

import io
import json
import math
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import certifi
import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

ANSWER_BYTES = 1 << 20
JSON_DEPTH = 20
CHUNK = 1 << 15


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

    Each call ends within `total` seconds, whatever the other side does, but for the name look-up, which the
    system's resolver bounds. No proxy, no `.netrc`: the environment must not redirect a client secret.
    """

    def __init__(
        self, bases: Sequence[str] = (), *, connect: float = 3.0, read: float = 5.0, total: float = 10.0, limit: int = ANSWER_BYTES
    ) -> None:
        self._bases = tuple(base.rstrip("/") for base in bases if base)
        self._connect, self._read, self._total, self._limit = connect, read, total, limit

    def get(self, url: str, *, headers: Mapping[str, str] | None = None, params: Mapping[str, str] | None = None) -> Answer:
        """GET, with `params` added to the query."""
        return self._call(requests.Request("GET", url, headers=dict(headers or {}), params=dict(params or {})))

    def post(
        self, url: str, *, headers: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None, body: bytes | str | None = None
    ) -> Answer:
        """POST a form, or a body as it is."""
        return self._call(requests.Request("POST", url, headers=dict(headers or {}), data=body if form is None else dict(form)))

    def allows(self, url: str) -> bool:
        """Whether this client would call `url`: https with a host and without a user, or below one of the bases."""
        if any(url == base or url.startswith(f"{base}/") for base in self._bases):
            return True
        try:
            parts = urlsplit(url)
            return parts.scheme == "https" and bool(parts.hostname) and parts.username is None and parts.port in (None, *range(1, 65536))
        except ValueError:
            return False

    def _call(self, request: requests.Request) -> Answer:
        if not self.allows(request.url or ""):
            raise BadAnswer("the address is not an https one")
        token = _patience.set(_Patience(time.monotonic() + self._total, self._connect, self._read))
        try:
            return self._answer(request)
        except requests.exceptions.ContentDecodingError:
            raise BadAnswer("the answer could not be decompressed") from None
        except ValueError:  # an address or a header that cannot be sent
            raise BadAnswer("the call could not be written") from None
        except (requests.RequestException, HTTPError, OSError) as error:
            raise Unreachable(f"no answer ({type(error).__name__})") from None
        finally:
            _patience.reset(token)

    def _answer(self, request: requests.Request) -> Answer:
        request.headers = {"Accept": "application/json", "User-Agent": "flask-authenticator", "Accept-Encoding": "identity"} | dict(
            request.headers
        )
        request.headers["Connection"] = "close"  # an idle connection that a firewall dropped in silence would cost a sign-in
        with _Adapter(self._trust) as adapter:
            prepared = request.prepare()
            with adapter.send(prepared, stream=True, timeout=(self._connect, self._read)) as response:
                status = response.status_code
                if status >= 500 or status == 429:
                    raise Unreachable(f"status {status}")
                if 300 <= status < 400:
                    raise BadAnswer(f"a redirect (status {status})")
                return Answer(status, self._body(response))

    def _body(self, response: requests.Response) -> bytes:
        body = bytearray()
        for chunk in response.iter_content(CHUNK):
            body += chunk  # counted after decompression, so a small bomb is a large answer
            if len(body) > self._limit:
                raise BadAnswer(f"more than {self._limit} bytes")
        return bytes(body)

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        context = ssl.create_default_context()  # the system's CAs and SSL_CERT_FILE, for a provider inside a company
        context.load_verify_locations(certifi.where())
        return context


def json_object(body: bytes) -> dict[str, Any]:
    """One JSON object in UTF-8, without doubled names, NaN, infinities or lone surrogates, at most JSON_DEPTH deep; else BadAnswer."""
    try:
        found = json.loads(body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        raise BadAnswer("not valid JSON") from None
    if not isinstance(found, dict):
        raise BadAnswer("not a JSON object")
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


@dataclass(frozen=True, slots=True)
class _Patience:
    """When a call must be over, and how long each part of it may take until then."""

    end: float
    connect: float
    read: float

    def left(self, most: float) -> float:
        """Seconds that may still be waited, at most `most`; TimeoutError when there are none."""
        left = min(most, self.end - time.monotonic())
        if left <= 0:
            raise TimeoutError("out of time")
        return left


_patience: ContextVar[_Patience] = ContextVar("patience")


class _TimedSocketIO(io.RawIOBase):
    """Reads a socket with what is left of the call's time. A socket's own time-out begins anew with each byte of a drip."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock, self._raw = sock, sock.makefile("rb", buffering=0)
        self._patience = _patience.get()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._patience.left(self._patience.read))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedResponse(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_TimedSocketIO(sock))


def _connected(host: str, port: int) -> socket.socket:
    """The first address of `host` that answers; many dead ones together get no more time than the call has."""
    patience, failure = _patience.get(), OSError("no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(patience.left(patience.connect))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.connect(address)
            return sock
        except OSError as error:
            sock.close()
            failure = error
    raise failure


class _PlainConnection(HTTPConnection):
    response_class = _TimedResponse

    def _new_conn(self) -> socket.socket:
        return _connected(self.host, self.port)


class _SecureConnection(HTTPSConnection):
    response_class = _TimedResponse

    def _new_conn(self) -> socket.socket:
        return _connected(self.host, self.port or 443)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    """Sends one request, as requests' own adapter does, over connections that watch the clock."""

    def __init__(self, trust: ssl.SSLContext) -> None:
        self._trust = trust
        super().__init__()

    def __enter__(self) -> _Adapter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._trust, **pool)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Nothing to add: the context holds the CAs already, and reading them for each call would take 20 ms."""
