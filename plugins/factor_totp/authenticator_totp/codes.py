"""Keys, codes and pictures of time-based one-time passwords."""

from __future__ import annotations

import hmac
import io
from datetime import datetime

SECONDS = 30
DIGITS = 6
AROUND = (0, -1, 1)  # steps that are taken, for clocks that differ and people who type (RFC 6238 §5.2)
LETTERS = 32  # of base 32: 160 bits (RFC 4226 §4)


def new_secret() -> str:
    """A random key of 160 bits, in base 32."""
    import pyotp  # only those who have a second step need it

    return pyotp.random_base32(LETTERS)


def setup_uri(secret: str, *, account: str, issuer: str) -> str:
    """The `otpauth://` address that apps read."""
    import pyotp

    return pyotp.TOTP(secret, digits=DIGITS, interval=SECONDS).provisioning_uri(name=account, issuer_name=issuer)


def qr_code(uri: str) -> str:
    """The address as a QR code: SVG without style or script, dark on white in every theme, as cameras want it."""
    import segno  # 20 ms, for those who set it up

    drawn = io.BytesIO()
    segno.make(uri, error="m", micro=False).save(
        drawn, kind="svg", xmldecl=False, omitsize=True, border=4, dark="#000", light="#fff", nl=False
    )
    return drawn.getvalue().decode()


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """The time step whose code this is, if it is one that may be taken now."""
    import pyotp

    given = "".join(code.split())
    if len(given) != DIGITS or not (given.isascii() and given.isdigit()):
        return None
    here, codes = int(now.timestamp()) // SECONDS, pyotp.HOTP(secret, digits=DIGITS)
    fitting = [here + around for around in AROUND if hmac.compare_digest(codes.at(here + around), given)]
    return max(fitting, default=None)
