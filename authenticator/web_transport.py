"""How a call of the web client travels: requests, over connections that watch the clock."""

from __future__ import annotations

import io
import socket
import ssl
import time
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPResponse
from typing import Any

import certifi
import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from authenticator.reach import Reach
from authenticator.web_client import Answer, BadAnswer, Unreachable

CHUNK = 1 << 15
HEADERS = {"Accept": "application/json", "User-Agent": "flask-authenticator", "Accept-Encoding": "identity"}


class Transport:
    """Sends one request at a time from any thread; what is shared are the trusted CAs."""

    def send(
        self, method: str, url: str, *, connect: float, read: float, total: float, limit: int, reach: Reach | None = None, **what: Any
    ) -> Answer:
        """The answer, at most `limit` bytes of it, within `total` seconds; Unreachable or BadAnswer."""
        token = _patience.set(_Patience(time.monotonic() + total, connect, read, reach))
        try:
            return self._answer(requests.Request(method, url, **what), (connect, read), limit)
        except requests.exceptions.ContentDecodingError:
            raise BadAnswer("the answer could not be decompressed") from None
        except ValueError:  # an address or a header that cannot be sent
            raise BadAnswer("the call could not be written") from None
        except (requests.RequestException, HTTPError, OSError) as error:
            raise Unreachable(f"no answer ({type(error).__name__})") from None
        finally:
            _patience.reset(token)

    def _answer(self, request: requests.Request, timeout: tuple[float, float], limit: int) -> Answer:
        request.headers = HEADERS | dict(request.headers)
        request.headers["Connection"] = "close"  # an idle connection that a firewall dropped in silence would cost a sign-in
        ready = request.prepare()
        trust = self._trust if str(ready.url).startswith("https:") else None
        with _Adapter(trust) as adapter, adapter.send(ready, stream=True, timeout=timeout) as response:
            status = response.status_code
            if status >= 500 or status == 429:
                raise Unreachable(f"status {status}")
            if 300 <= status < 400:
                raise BadAnswer(f"a redirect (status {status})")
            return Answer(status, _body(response, limit))

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        """Read when it is first needed: the CAs take 40 ms, and an emulator or a neighbour on the same machine may speak plain HTTP."""
        context = ssl.create_default_context()  # the system's CAs and SSL_CERT_FILE, for a provider inside a company
        context.load_verify_locations(certifi.where())
        return context


def _body(response: requests.Response, limit: int) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(CHUNK):
        body += chunk  # counted after decompression, so a small bomb is a large answer
        if len(body) > limit:
            raise BadAnswer(f"more than {limit} bytes")
    return bytes(body)


@dataclass(frozen=True, slots=True)
class _Patience:
    """When a call must be over, how long each part of it may take until then, and where it may go."""

    end: float
    connect: float
    read: float
    reach: Reach | None = None

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


def _connected(host: str, port: int, *, secure: bool) -> socket.socket:
    """The first address of `host` that answers; many dead ones together get no more time than the call has.

    The name is looked up once: what was checked is what is connected to, whatever the name means a moment later.
    """
    patience, failure = _patience.get(), OSError("no address")
    found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    if patience.reach and not all(patience.reach.admits(str(one[4][0]), port, secure=secure) for one in found):
        raise BadAnswer("the name leads to an address that may not be called")
    for family, kind, protocol, _, address in found:
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
        return _connected(self.host, self.port, secure=False)


class _SecureConnection(HTTPSConnection):
    response_class = _TimedResponse

    def _new_conn(self) -> socket.socket:
        return _connected(self.host, self.port or 443, secure=True)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    """Sends one request, as requests' own adapter does, over connections that watch the clock."""

    def __init__(self, trust: ssl.SSLContext | None) -> None:
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
