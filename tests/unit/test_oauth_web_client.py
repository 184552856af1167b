"""Does the HTTP client stay patient, frugal and in place with servers that are not?"""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from authenticator.web_client import BadAnswer, Unreachable, WebClient, json_object
from tests.certificates import self_signed

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextmanager
def server(answer: Callable[[socket.socket], None], reads: bool = True) -> Iterator[tuple[str, list[bytes]]]:
    """A socket that reads each request and lets `answer` do what it wants."""
    listener, asked, stop = socket.create_server(("127.0.0.1", 0)), [], threading.Event()

    def one(connection: socket.socket) -> None:
        with connection:
            if reads:
                asked.append(connection.recv(65536))
            with suppress(OSError):  # the client had enough
                answer(connection)

    def serve() -> None:
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
    finally:
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def said(body: bytes, head: bytes = OK) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)


def dripping(first: bytes) -> Callable[[socket.socket], None]:
    def drip(connection: socket.socket) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(b"x")
            time.sleep(0.02)

    return drip


def test_an_object_comes_back() -> None:
    with server(said(b'{"a": 1}')) as (base, asked):
        assert WebClient([base]).get(f"{base}/x", params={"q": "a b"}).object() == {"a": 1}
    assert asked[0].startswith(b"GET /x?q=a+b HTTP/1.1\r\n")


def test_a_4xx_may_explain_itself() -> None:
    with server(said(b'{"error": "invalid_grant"}', b"HTTP/1.1 400 Bad Request\r\n")) as (base, _):
        answer = WebClient([base]).post(f"{base}/x", form={"code": "c"})
    assert (answer.status, answer.object()) == (400, {"error": "invalid_grant"})


@pytest.mark.parametrize("status", [b"500 Oops", b"503 Later", b"429 Too Many"])
def test_a_server_in_trouble_is_unreachable(status: bytes) -> None:
    with server(said(b"{}", b"HTTP/1.1 " + status + b"\r\n")) as (base, _), pytest.raises(Unreachable):
        WebClient([base]).get(base)


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\nX-Drip: ", OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\n", OK + b"\r\n"])
def test_a_server_that_drips_is_cut_off_in_its_head_and_in_its_body(first: bytes) -> None:
    with server(dripping(first)) as (base, _), pytest.raises(Unreachable):
        WebClient([base], read=0.3, total=0.6).get(base)


def test_a_silent_server_is_cut_off() -> None:
    with server(lambda connection: connection.settimeout(None) or connection.recv(1)) as (base, _), pytest.raises(Unreachable):  # type: ignore[arg-type,func-returns-value]
        WebClient([base], read=0.2).get(base)


def test_nobody_there_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        base = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(Unreachable):
        WebClient([base]).get(base)


def test_an_answer_that_breaks_off_is_unreachable() -> None:
    with server(lambda connection: connection.sendall(OK + b'Content-Length: 99\r\n\r\n{"a"')) as (base, _), pytest.raises(Unreachable):
        WebClient([base]).get(base)


def test_a_large_answer_is_dropped() -> None:
    with server(said(b" " * 5000)) as (base, _), pytest.raises(BadAnswer, match="more than 4096"):
        WebClient([base], limit=4096).get(base)


def test_a_gzip_bomb_is_counted_after_decompression() -> None:
    bomb = gzip.compress(b" " * (64 << 20))
    with server(said(bomb, OK + b"Content-Encoding: gzip\r\n")) as (base, _), pytest.raises(BadAnswer, match="more than 1048576"):
        WebClient([base]).get(base)


def test_broken_gzip_is_a_bad_answer() -> None:
    with server(said(b"no gzip", OK + b"Content-Encoding: gzip\r\n")) as (base, _), pytest.raises(BadAnswer):
        WebClient([base]).get(base)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with server(said(b"{}", b"HTTP/1.1 %d Go\r\nLocation: /elsewhere\r\n" % status)) as (base, asked):
        with pytest.raises(BadAnswer, match="redirect"):
            WebClient([base]).get(base)
        assert len(asked) == 1


def test_no_cookie_is_carried_to_the_next_call() -> None:
    with server(said(b"{}", OK + b"Set-Cookie: a=b\r\n")) as (base, asked):
        client = WebClient([base])
        client.get(base)
        client.get(base)
    assert b"cookie" not in asked[1].lower()


def test_the_environment_cannot_put_itself_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with server(said(b"{}")) as (base, _):
        assert WebClient([base]).get(base).object() == {}


@pytest.mark.parametrize(
    "url",
    ["http://example.com/", "ftp://example.com/", "file:///etc/passwd", "https://", "https://a@example.com/", "//example.com", "",
     "http://127.0.0.1:8001.evil.example/", "http://127.0.0.1:8001@evil.example/", "http://127.0.0.1:80010/", "https://example.com:99999/", "https://[::1"],
)  # fmt: skip
def test_only_https_and_the_emulator_are_called(url: str) -> None:
    with pytest.raises(BadAnswer):
        WebClient(["http://127.0.0.1:8001", ""]).get(url)


@pytest.mark.parametrize("url", [f"https://{'a' * 70}.example/", "https://exa mple/", "https://a..b/"])
def test_a_host_that_cannot_be_is_a_failure_of_ours(url: str) -> None:
    with pytest.raises((BadAnswer, Unreachable)):
        WebClient().get(url)


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b'"text"', b"<html>", b"{", b'{"a": NaN}', b'{"a": Infinity}', b'{"a": 1e999}', b'{"a": 1, "a": 2}',
     b'{"a": "\xff"}', b'\xef\xbb\xbf{"a": 1}', '{"a": 1}'.encode("utf-16"), b'{"a": "\\ud800"}', b'{"\\ud800": 1}',
     b'{"a": ' + b"[" * 20 + b"]" * 20 + b"}", b'{"a": ' + b"[" * 100_000, b'{"a": ' + b"1" * 5000 + b"}"],
)  # fmt: skip
def test_only_plain_json_objects_are_read(body: bytes) -> None:
    with pytest.raises(BadAnswer):
        json_object(body)


def test_json_of_usual_depth_is_read() -> None:
    assert json_object(b'{"a": ' + b"[" * 19 + b"]" * 19 + b', "b": "\\ud83d\\ude00"}')["b"] == "\U0001f600"


def test_who_is_trusted_is_not_read_for_a_call_that_asks_for_no_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    """All those certificates take longer than most calls."""
    monkeypatch.setattr(ssl, "create_default_context", lambda *_: pytest.fail("read in vain"))
    with server(said(b"{}")) as (base, _):
        assert WebClient([base]).get(f"{base}/x").object() == {}


@pytest.mark.parametrize(
    ("name", "trusted", "reached"),
    [("localhost", True, True), ("localhost", False, False), ("other.example", True, False)],
    ids=["trusted", "signed by a stranger", "another host's"],
)
def test_only_a_trusted_certificate_of_that_host_is_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, trusted: bool, reached: bool
) -> None:
    path = self_signed(tmp_path, name)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)

    def answer(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(65536)
            said(b'{"a": 1}')(secure)

    with server(answer, reads=False) as (base, _):
        url = f"https://localhost:{base.rpartition(':')[2]}/"
        if reached:
            assert WebClient().get(url).object() == {"a": 1}
        else:
            with pytest.raises(Unreachable):
                WebClient().get(url)
