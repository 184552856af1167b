"""Attacks with addresses that applications name: inside, by a detour, or without end.

Rows SF-01 and SF-02 of the attack list. A listener inside the network must stay silent all the while.
"""

from __future__ import annotations

import ipaddress
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from authenticator.errors import AuthError, ConfigurationError
from authenticator.reach import Reach, is_public
from authenticator.web_client import BadAnswer, Unreachable, WebClient, WebFailure

PUBLIC = "93.184.215.14"
INNER = [  # {port} is where the listener inside listens
    "http://127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://2130706433/",
    "https://017700000001/",
    "https://0x7f000001/",
    "https://0x7f.0x0.0x0.0x1/",
    "https://0177.0.0.1/",
    "https://127.0.0.01/",
    "https://127.0.0.1./",
    "https://[::1]/",
    "https://[::1]:{port}/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b:1::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:7f00:1::]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://[2001:db8::1]/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/",
    "https://100.100.100.200/",
    "https://168.63.129.16/",
    "https://192.0.0.1/",
    "https://192.0.0.192/opc/v1/instance/",
    "https://192.0.2.1/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://localhost/",
    "https://localhost:{port}/",
    "https://LOCALHOST/",
    "https://sub.localhost/",
    "https://metadata.google.internal/",
    "https://printer.local/",
    "https://user@127.0.0.1/",
    "https://public.example@127.0.0.1/",
    "https://public.example:443@127.0.0.1/",
    "https://public.example\\@127.0.0.1/",
    "https://public.example#@127.0.0.1/",
    "https://public.example:22/",
    "https://public.example:{port}/",
    "https://public.example:0/",
    "https://public.example:99999/",
    "http://public.example/",
    "http://public.example:443/",
    "ftp://public.example/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_x",
    "dict://127.0.0.1:{port}/",
    "ldap://127.0.0.1/",
    "unix:/var/run/docker.sock",
    "//127.0.0.1/",
    "https:127.0.0.1",
    "https:///127.0.0.1/",
    "https:\\\\127.0.0.1/",
    " https://127.0.0.1/",
    "https://127.0.0.1\n/",
    "https://①②⑦.⓪.⓪.①/",
    "https://127。0。0。1/",
    "https:///",
    "https://?x",
    "",
]
NAMES = {  # what a resolver in the attacker's hands says
    "loopback.trap.example": ["127.0.0.1"],
    "six.trap.example": ["::1"],
    "mapped.trap.example": ["::ffff:127.0.0.1"],
    "both.trap.example": [PUBLIC, "127.0.0.1"],
    "cloud.trap.example": ["169.254.169.254"],
    "private.trap.example": ["10.1.2.3"],
    "zero.trap.example": ["0.0.0.0"],
    "none.trap.example": [],
}
WANTED = {"client_name": "Trap", "redirect_uris": ["https://trap.example/cb"]}
FIELDS = {
    "jwks_uri": {"token_endpoint_auth_method": "private_key_jwt"},
    "backchannel_logout_uri": {},
    "sector_identifier_uri": {},
    "logo_uri": {},
}


@pytest.fixture(scope="module")
def listener() -> Iterator[tuple[int, list[Any]]]:
    """A service inside, on IPv4 and IPv6; what it hears is written down."""
    heard: list[Any] = []
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]

    def listen() -> None:
        with suppress(OSError):
            while True:
                connection, address = server.accept()
                heard.append(address)
                connection.close()

    threading.Thread(target=listen, daemon=True).start()
    yield port, heard
    server.close()


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Answers for names as NAMES says, and leads whatever is public to nowhere; which names were asked for."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def look(host: str, port: int, *args: Any, **more: Any) -> Any:
        with suppress(ValueError):
            ipaddress.ip_address(host)
            return real(host, port, *args, **more)
        asked.append(host)
        if host not in NAMES:
            raise socket.gaierror("no such name")
        return [(socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in NAMES[host]]

    monkeypatch.setattr("authenticator.web_transport.socket.getaddrinfo", look)
    return asked


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Where sockets were told to connect to; none of them does."""
    tried: list[Any] = []

    def connect(self: socket.socket, address: Any) -> None:
        tried.append(address[0])
        raise ConnectionRefusedError("kept at home by the test")

    monkeypatch.setattr("authenticator.web_transport.socket.socket.connect", connect)
    return tried


@contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[tuple[str, list[bytes]]]:
    """A server on this machine, which a test has opened for calls."""
    gate, heard = socket.create_server(("127.0.0.1", 0)), []

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = gate.accept()
                with connection, suppress(OSError):
                    heard.append(connection.recv(65536))
                    answer(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{gate.getsockname()[1]}", heard
    gate.shutdown(socket.SHUT_RDWR)
    gate.close()
    thread.join(5)


def opened(**more: Any) -> WebClient:
    """The client with this machine opened, as a developer has it."""
    return WebClient(reach=Reach(inner=["127.0.0.0/8"]), **more)


@pytest.mark.parametrize("url", INNER)
def test_sf_01_no_inner_address_is_called(url: str, listener: tuple[int, list[Any]], resolver: list[str], connections: list[Any]) -> None:
    port, heard = listener
    client = WebClient(reach=Reach())
    assert not client.allows(url.format(port=port))
    with pytest.raises(BadAnswer):
        client.get(url.format(port=port))
    assert (resolver, connections, heard) == ([], [], [])


@pytest.mark.parametrize("name", NAMES)
def test_sf_01_no_name_leads_inside(name: str, listener: tuple[int, list[Any]], resolver: list[str], connections: list[Any]) -> None:
    port, heard = listener
    for reach, url in ((Reach(), f"https://{name}/"), (Reach(ports=[443, port]), f"https://{name}:{port}/")):
        with pytest.raises(WebFailure):
            WebClient(reach=reach).get(url)
    assert (connections, heard) == ([], []), "not one of its addresses is tried when one of them is inside"


@pytest.mark.parametrize("field", FIELDS)
def test_sf_01_an_inner_address_is_not_even_saved(manor: Any, field: str, listener: tuple[int, list[Any]]) -> None:
    port, heard = listener
    for url in INNER:
        if not url:
            continue
        with pytest.raises(AuthError) as refused:
            manor.service.register_application({**WANTED, **FIELDS[field], field: url.format(port=port)})
        assert set(refused.value.errors) == {field}, url
    assert heard == []


def test_sf_01_public_addresses_are_called(resolver: list[str], connections: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NAMES, "good.example", [PUBLIC])
    with pytest.raises(Unreachable):
        WebClient(reach=Reach()).get("https://good.example/keys")
    assert (resolver, connections) == (["good.example"], [PUBLIC])
    assert is_public(ipaddress.ip_address("2606:2800:21f:cb07:6820:80da:af6b:8b2c"))


def test_sf_01_development_reaches_this_machine_and_nothing_else_inside(house: Any, manor: Any) -> None:
    assert house.service.core.outside.allows("http://127.0.0.1:5000/keys")
    assert not house.service.core.outside.allows("http://10.0.0.1/keys")
    assert not manor.service.core.outside.allows("http://127.0.0.1:5000/keys")
    assert not manor.service.core.outside.allows("https://auth.example:8443/keys")


def test_sf_01_http_stays_inside_what_was_opened(resolver: list[str], connections: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NAMES, "good.example", [PUBLIC])
    for url in ("http://good.example/", "https://good.example:8443/", "http://private.trap.example/"):
        with pytest.raises(BadAnswer):
            opened().get(url)
    assert connections == []


def test_sf_02_a_name_that_changes_its_mind_is_asked_once(monkeypatch: pytest.MonkeyPatch, connections: list[Any]) -> None:
    answers = itertools.chain([PUBLIC], itertools.repeat("127.0.0.1"))

    def rebinding(host: str, port: int, *_: Any, **__: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr("authenticator.web_transport.socket.getaddrinfo", rebinding)
    client = WebClient(reach=Reach())
    with pytest.raises(Unreachable):
        client.get("https://rebind.example/keys")
    assert connections == [PUBLIC], "the connection goes to the address that was checked"
    with pytest.raises(BadAnswer):
        client.get("https://rebind.example/keys")
    assert connections == [PUBLIC]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_sf_02_redirects_are_not_followed(status: int, listener: tuple[int, list[Any]]) -> None:
    port, heard = listener
    head = b"HTTP/1.1 %d Moved\r\nLocation: http://127.0.0.1:%d/\r\nContent-Length: 0\r\n\r\n" % (status, port)
    with server(lambda connection: connection.sendall(head)) as (base, asked), pytest.raises(BadAnswer):
        opened().get(f"{base}/keys")
    assert (len(asked), heard) == (1, [])


def test_sf_02_a_dripping_server_gets_no_more_than_its_time() -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            connection.sendall(b"x")
            time.sleep(0.02)

    begun = time.monotonic()
    with server(drip) as (base, _), pytest.raises(Unreachable):
        opened(total=0.5).get(f"{base}/keys")
    assert time.monotonic() - begun < 5


def test_sf_02_a_large_answer_is_not_read_to_its_end() -> None:
    def flood(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b" " * 65536)

    with server(flood) as (base, _), pytest.raises(BadAnswer):
        opened().get(f"{base}/keys")


def test_sf_02_patience_and_size_are_bounded_as_promised(manor: Any) -> None:
    client = manor.service.core.outside
    assert (client._connect, client._total, client._limit) == (5.0, 10.0, 1 << 20)


def test_sf_02_what_was_answered_is_told_to_nobody(house: Any) -> None:
    body = b'["canary-of-an-inner-service"]'
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with server(lambda connection: connection.sendall(answer)) as (base, asked), pytest.raises(AuthError) as refused:
        house.service.register_application({**WANTED, "sector_identifier_uri": f"{base}/sector"})
    assert asked
    assert "canary" not in repr(refused.value) + str(refused.value.errors)


def test_the_opened_networks_must_be_networks(build: Callable[..., Any]) -> None:
    with pytest.raises(ConfigurationError):
        build(oidc_dangerous_inner_networks="everything")
