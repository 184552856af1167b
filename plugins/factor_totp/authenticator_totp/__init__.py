"""A second step by authenticator app: set up with a QR code, then a code of six digits at each sign-in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from authenticator.plugin import Ask, AuthError, Factor, Field, Intent, Proof, Turn, User, Visit, hookimpl
from authenticator_totp.codes import matching_step, new_secret, qr_code, setup_uri

CODE = Field("code", "Code", "code", autocomplete="one-time-code", max_length=12)
HOW = "Scan the picture with an authenticator app, or type the key into it. Then enter the code that the app shows."


class Totp(Factor):
    """Time-based one-time passwords (RFC 6238). What is kept is the key, and the last step that was used (§5.2)."""

    name, label = "totp", "Authenticator app"
    icon = (Path(__file__).parent / "icon.svg").read_text()

    def start(self, visit: Visit) -> Turn:
        if visit.intent is not Intent.LINK:
            return Ask((CODE,), kind="totp", title="Enter the code", text="Your authenticator app shows a code of six digits.")
        secret = new_secret()
        uri = setup_uri(secret, account=account_of(visit.user), issuer=self.kit.service_name)
        options = {"secret": secret, "uri": uri, "qr": qr_code(uri)}
        return Ask((CODE,), kind="totp_setup", title="Set up your authenticator app", text=HOW, options=options, keep={"secret": secret})

    def resume(self, visit: Visit, keep: Mapping[str, Any], answer: Mapping[str, str]) -> Turn:
        if visit.user is None:
            raise AuthError("challenge_expired")
        if visit.intent is Intent.LINK:
            return Proof(visit.user.id, amr=("otp",), secret=kept(keep["secret"], self._step(keep["secret"], answer["code"])))
        login = visit.logins.find(visit.user.id)
        if login is None or login.secret is None:
            raise wrong()
        known = json.loads(login.secret)
        step = self._step(known["secret"], answer["code"])
        if step <= known["step"] or not visit.logins.swap_secret(login, kept(known["secret"], step)):
            raise wrong()
        return Proof(visit.user.id, amr=("otp",))

    def _step(self, secret: str, code: str) -> int:
        step = matching_step(secret, code, self.kit.clock.now())
        if step is None:
            raise wrong()
        return step


def kept(secret: str, step: int) -> str:
    """What is stored: the key, and the newest step whose code was taken."""
    return json.dumps({"secret": secret, "step": step})


def account_of(user: User | None) -> str:
    """What the app calls the account."""
    contact = (user.contact("email") or user.contact("phone")) if user else None
    return contact.shown if contact else user.label if user else ""


def wrong() -> AuthError:
    """One answer for a wrong code and for one that was used."""
    return AuthError("invalid_code", errors={"code": ("That code is not right, or was used already. Wait for the next one.",)})


@hookimpl
def auth_factors() -> list[type[Factor]]:
    """The one factor of this package."""
    return [Totp]
