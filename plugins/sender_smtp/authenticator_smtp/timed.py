"""SMTP conversations that end in time: the core gives a message that long, then somebody else may try to send it."""

from __future__ import annotations

import smtplib
import ssl
import time
from typing import Any

CONNECT = 10.0  # seconds for the connection
TOTAL = 35.0  # seconds for the whole conversation, most of which may be the wait after the mail (RFC 5321 §4.5.3.2.6)


class TimedSmtp(smtplib.SMTP):
    """Waits for no answer longer than what is left of the whole."""

    def __init__(self, host: str, port: int, **more: Any) -> None:
        self._end = time.monotonic() + TOTAL
        super().__init__(host, port, timeout=CONNECT, **more)

    def getreply(self) -> tuple[int, bytes]:
        left = self._end - time.monotonic()
        if left <= 0:
            self.close()
            raise smtplib.SMTPServerDisconnected("out of time")
        if self.sock is not None:
            self.sock.settimeout(left)
        return super().getreply()


class TimedSmtpOverTls(TimedSmtp, smtplib.SMTP_SSL):
    """The same over TLS from the first byte on."""

    def __init__(self, host: str, port: int, *, context: ssl.SSLContext) -> None:
        super().__init__(host, port, context=context)
