"""The SMTP sender against a real SMTP server, which is up, down, slow or choosy."""

from __future__ import annotations

import email
import email.policy
import logging
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from authenticator_smtp import Smtp, SmtpOptions, timed
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask

from authenticator.clock import Clock, SetClock
from authenticator.hashing import NullHasher
from authenticator.kit import Kit, Message
from authenticator.plugin import Undeliverable
from authenticator.testing.client import Browser
from authenticator.testing.servers import free_port
from authenticator.web_client import WebClient

MAIL = Message(
    "email", "ada@example.com", "123456 is your code – hello", "Your code is 123456.\n", html="<p>Your code is <b>123456</b>.</p>"
)


class Inbox:
    """What the server was given; `refusal` is what it says to each recipient instead."""

    def __init__(self) -> None:
        self.envelopes: list[Any] = []
        self.refusal = ""

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.envelopes.append(envelope)
        return "250 OK"

    def mails(self) -> list[Any]:
        return [email.message_from_bytes(envelope.content, policy=email.policy.default) for envelope in self.envelopes]


@contextmanager
def serving(inbox: Inbox, port: int = 0, **more: Any) -> Iterator[int]:
    controller = Controller(inbox, hostname="127.0.0.1", port=port or free_port(), ready_timeout=60, **more)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, int]]:
    inbox = Inbox()
    with serving(inbox) as port:
        yield inbox, port


def _sender(port: int, **options: Any) -> Smtp:
    kit = Kit(
        "Garden",
        "http://localhost",
        Clock(),
        logging.getLogger("test"),
        WebClient(),
        NullHasher(),
        lambda _m: None,
        lambda *_c: None,
        lambda _k: None,
    )
    given = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "accounts@example.com", **options}
    return Smtp(SmtpOptions(**given), kit)


def test_a_message_arrives_as_it_was_written_with_its_dressed_version(inbox: tuple[Inbox, int]) -> None:
    received, port = inbox
    _sender(port).send(MAIL)
    (envelope,), (mail,) = received.envelopes, received.mails()
    assert (envelope.mail_from, envelope.rcpt_tos) == ("accounts@example.com", ["ada@example.com"])
    assert mail["Subject"] == MAIL.subject
    assert mail["From"] == "Garden <accounts@example.com>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert mail.get_body(("plain",)).get_content().splitlines() == MAIL.text.splitlines()
    assert mail.get_body(("html",)).get_content().strip() == MAIL.html


def test_a_message_that_is_tried_twice_can_be_known_again(inbox: tuple[Inbox, int]) -> None:
    received, port = inbox
    for message in (MAIL, MAIL, replace(MAIL, id="7"), replace(MAIL, id="7")):
        _sender(port).send(message)
    ids = [mail["Message-ID"] for mail in received.mails()]
    assert len(set(ids[:2])) == 2
    assert ids[2:] == ["<message.7@example.com>"] * 2


# What a stranger put in


@pytest.mark.parametrize("to", ["ada@example.com\r\nBcc: eve@example.com", "ada@example.com, eve@example.com", "", "ada"])
def test_nobody_adds_a_recipient(inbox: tuple[Inbox, int], to: str) -> None:
    received, port = inbox
    with pytest.raises(Undeliverable, match="can't be written"):
        _sender(port).send(replace(MAIL, to=to))
    assert received.envelopes == []


def test_nobody_adds_a_header_through_the_subject(inbox: tuple[Inbox, int]) -> None:
    received, port = inbox
    with pytest.raises(Undeliverable, match="can't be written"):
        _sender(port).send(replace(MAIL, subject="Hi\r\nBcc: eve@example.com"))
    assert received.envelopes == []


# A server with its own mind


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("550 5.1.1 nobody of that name, ada@example.com", Undeliverable),
        ("550 5.7.1 relaying denied", Exception),
        ("450 4.2.0 greylisted, come again", Exception),
    ],
)
def test_only_a_mailbox_that_does_not_exist_is_given_up(inbox: tuple[Inbox, int], answer: str, error: type[Exception]) -> None:
    received, port = inbox
    received.refusal = answer
    with pytest.raises(error) as caught:
        _sender(port).send(MAIL)
    assert isinstance(caught.value, Undeliverable) == (error is Undeliverable)
    assert error is Exception or "ada" not in str(caught.value)


def test_a_server_that_never_answers_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timed, "TOTAL", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(OSError, match=r"closed|out of time|timed out"):
        _sender(silent.getsockname()[1]).send(MAIL)


def test_what_the_server_says_after_it_has_the_mail_does_not_have_it_sent_again() -> None:
    """A server that answers QUIT with an error has taken the mail all the same."""
    said: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as rude:
        thread = threading.Thread(target=_rude, args=(rude, said))
        thread.start()
        _sender(rude.getsockname()[1]).send(MAIL)
        thread.join(30)
    assert said[-1].strip().upper() == b"QUIT"


def _rude(listening: socket.socket, said: list[bytes]) -> None:
    line, _ = listening.accept()
    with line, line.makefile("rwb") as file:
        answer, in_mail = b"220 hello", False
        while not said or (said[-1] and said[-1].strip().upper() != b"QUIT"):
            if not in_mail or answer:
                file.write(answer + b"\r\n")
                file.flush()
            said.append(file.readline())
            if in_mail and said[-1] == b".\r\n":
                answer, in_mail = b"250 taken", False
            elif in_mail:
                answer = b""
            else:
                in_mail = said[-1].upper().startswith(b"DATA")
                answer = b"354 go on" if in_mail else b"250 fine"
        file.write(b"500 no\r\n")
        file.flush()


# Encryption and passwords


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1 that signs itself."""
    from ipaddress import ip_address

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(private + built.public_bytes(encoding))
    return file


def _tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def _let_ada_in(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
    return AuthResult(success=given.login == b"ada" and given.password == b"secret", handled=False)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # the server does not count TLS from the first byte
@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_mail_is_handed_over_encrypted_and_with_a_password(certificate: Path, security: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    inbox = Inbox()
    more: dict[str, Any] = {"ssl_context": _tls(certificate), "auth_require_tls": False} if security == "tls" else {}
    more |= {"tls_context": _tls(certificate), "require_starttls": True} if security == "starttls" else {}
    with serving(inbox, authenticator=_let_ada_in, auth_required=True, **more) as port:
        _sender(port, security=security, username="ada", password="secret").send(MAIL)
        with pytest.raises(Exception, match="535"):
            _sender(port, security=security, username="ada", password="wrong").send(MAIL)
    assert len(inbox.envelopes) == 1


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_server_that_can_t_prove_who_it_is_gets_nothing(certificate: Path, security: str) -> None:
    inbox = Inbox()
    more: dict[str, Any] = {"ssl_context": _tls(certificate)} if security == "tls" else {"tls_context": _tls(certificate)}
    with serving(inbox, **more) as port, pytest.raises(ssl.SSLCertVerificationError):
        _sender(port, security=security).send(MAIL)
    assert inbox.envelopes == []


def test_mail_never_falls_back_to_an_open_line(inbox: tuple[Inbox, int]) -> None:
    received, port = inbox
    with pytest.raises(Exception, match="STARTTLS"):
        _sender(port, security="starttls").send(MAIL)
    assert received.envelopes == []


# With the whole service


class TestWithTheService:
    """A person signs up while the mail server is down."""

    @pytest.fixture
    def port(self) -> int:
        return free_port()

    @pytest.fixture
    def auth_settings(self, port: int) -> dict[str, Any]:
        return {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": port, "SMTP_SECURITY": "none", "SMTP_SENDER": "accounts@example.com"}

    def test_a_code_is_delivered_once_when_the_server_is_back(
        self, client: Browser, auth_app: Flask, clock: SetClock, port: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        core, inbox = auth_app.extensions["authenticator"].core, Inbox()
        fields = {"email": "ada@example.com", "password": "five quiet green teapots", "given_name": "Ada", "family_name": "Lovelace"}
        with caplog.at_level(logging.DEBUG):
            asked = client.api("POST", "sign-up/password", fields)
            assert asked.status == 202
            for seconds in (1, 6):
                core.messages.flush(30)
                clock.advance(seconds=seconds)
                assert core.errands.sweep() == 1
            core.messages.flush(30)
            with serving(inbox, port):
                clock.advance(seconds=26)
                assert core.errands.sweep() == 1
                core.messages.flush(30)
                (mail,) = inbox.mails()
                code = mail["Subject"].split()[0]
                assert client.api("POST", "sign-in/continue", {"challenge": asked["challenge"]["id"], "code": code}).status == 200
                clock.advance(days=1)
                assert core.errands.sweep() == 0
        told = [record.getMessage() for record in caplog.records if record.name.startswith("authenticator")]
        assert any("smtp could not carry" in line for line in told)
        assert not [line for line in told if "ada@example.com" in line or code in line]
