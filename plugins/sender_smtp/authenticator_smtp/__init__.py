"""Sends mail through an SMTP server."""

from __future__ import annotations

import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Literal

from pydantic import Field as Option
from pydantic import SecretStr

from authenticator.plugin import Message, PluginOptions, Sender, hookimpl

PATIENCE = 10.0  # seconds for each step of the conversation with the server


class SmtpOptions(PluginOptions):
    """Settings of the SMTP sender."""

    host: str = Option(description="The mail server's name.")
    sender: str = Option(description="The address that mail comes from, `accounts@example.com`.")
    port: int = Option(587, ge=1, le=65_535, description="Its port: 587 for starttls, 465 for tls.")
    security: Literal["starttls", "tls", "none"] = Option(
        "starttls", description="How the connection is encrypted; `none` only for a catcher on this machine."
    )
    username: str = Option("", description="The user name, if the server wants one.")
    password: SecretStr = Option(SecretStr(""), description="The password that goes with it.")


class Smtp(Sender):
    """One connection a message: simple, and a restarted server is no matter."""

    name, label = "smtp", "SMTP"
    channels = frozenset({"email"})
    Options = SmtpOptions

    def send(self, message: Message) -> None:
        options: SmtpOptions = self.options
        mail = self._mail(message)
        tls = ssl.create_default_context()
        with (
            smtplib.SMTP_SSL(options.host, options.port, timeout=PATIENCE, context=tls)
            if options.security == "tls"
            else smtplib.SMTP(options.host, options.port, timeout=PATIENCE)
        ) as server:
            if options.security == "starttls":
                server.starttls(context=tls)
            if options.username:
                server.login(options.username, options.password.get_secret_value())
            server.send_message(mail)

    def _mail(self, message: Message) -> EmailMessage:
        """The mail; `EmailMessage` refuses line breaks in a header, so nobody adds a recipient through a name."""
        mail = EmailMessage()
        mail["From"] = Address(self.kit.service_name, addr_spec=self.options.sender)
        mail["To"] = Address(addr_spec=message.to)
        mail["Subject"] = message.subject
        mail["Date"] = formatdate()
        mail["Message-ID"] = make_msgid(domain=self.options.sender.rpartition("@")[2])
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        return mail


@hookimpl
def auth_senders() -> list[type[Sender]]:
    """The one sender of this package."""
    return [Smtp]
