"""Sends mail through an SMTP server."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import closing, suppress
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Literal

from pydantic import Field as Option
from pydantic import SecretStr

from authenticator.plugin import Message, PluginOptions, Sender, Undeliverable, hookimpl
from authenticator_smtp.timed import TimedSmtp, TimedSmtpOverTls


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
        try:
            mail = self._mail(message)
        except (ValueError, IndexError, MessageError):
            raise Undeliverable("it can't be written as a mail") from None
        tls = ssl.create_default_context()
        with closing(self._connected(tls)) as server:
            if options.security == "starttls":
                server.starttls(context=tls)
            if options.username:
                server.login(options.username, options.password.get_secret_value())
            _hand_over(server, mail)
            with suppress(smtplib.SMTPException, OSError):  # whatever it says now, it has the mail
                server.quit()

    def _connected(self, tls: ssl.SSLContext) -> TimedSmtp:
        host, port = self.options.host, self.options.port
        return TimedSmtpOverTls(host, port, context=tls) if self.options.security == "tls" else TimedSmtp(host, port)

    def _mail(self, message: Message) -> EmailMessage:
        """The mail; `EmailMessage` refuses line breaks in a header, so nobody adds a recipient through a name."""
        mail = EmailMessage()
        domain = self.options.sender.rpartition("@")[2]
        mail["From"] = Address(self.kit.service_name, addr_spec=self.options.sender)
        mail["To"] = Address(addr_spec=message.to)
        mail["Subject"] = message.subject
        mail["Date"] = formatdate()
        # the same for every try: a mail that arrived although the answer got lost is known again
        mail["Message-ID"] = f"<message.{message.id}@{domain}>" if message.id else make_msgid(domain=domain)
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        if message.html:
            mail.add_alternative(message.html, subtype="html")
        return mail


def _hand_over(server: smtplib.SMTP, mail: EmailMessage) -> None:
    """Raise if the server did not take it; Undeliverable if it says that there is no such mailbox (RFC 3463 §3.2)."""
    try:
        server.send_message(mail)
    except smtplib.SMTPRecipientsRefused as error:
        code, reason = next(iter(error.recipients.values()))
        if code >= 500 and reason.startswith(b"5.1."):
            raise Undeliverable(f"there is no such mailbox (status {code})") from None
        raise
    except smtplib.SMTPNotSupportedError:
        raise Undeliverable("the mail server does not know addresses of this kind") from None


@hookimpl
def auth_senders() -> list[type[Sender]]:
    """The one sender of this package."""
    return [Smtp]
