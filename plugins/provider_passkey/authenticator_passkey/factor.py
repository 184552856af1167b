"""A passkey as a second step, after a password or a code: to hold the device is enough then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from authenticator.plugin import AuthError, Factor, Intent, Kit, Proof, Turn, Visit
from authenticator_passkey.answers import read
from authenticator_passkey.ceremony import GET, Ceremonies
from authenticator_passkey.options import PasskeyOptions
from authenticator_passkey.provider import ICON, sign


class PasskeyFactor(Factor):
    """One of the person's passkeys; they are the same ones that can also sign her in alone."""

    name, label = "passkey", "Passkey"
    icon = ICON
    Options = PasskeyOptions

    def __init__(self, options: PasskeyOptions, kit: Kit) -> None:
        super().__init__(options, kit)
        self._ceremonies = Ceremonies(options, kit)

    def start(self, visit: Visit) -> Turn:
        if visit.intent is Intent.LINK and not (visit.user and visit.logins.of(visit.user)):
            raise AuthError("invalid_request", "Add a passkey to your account first. Then it can be your second step.")
        return self._ceremonies.get(visit, "Use your passkey", user=visit.user, verified=False)

    def resume(self, visit: Visit, keep: Mapping[str, Any], answer: Mapping[str, str]) -> Turn:
        given = read(answer["credential"], "authenticatorData", "signature")
        asked = self._ceremonies.asked(GET, visit, keep, user=visit.user)
        if visit.user is None:
            raise AuthError("challenge_expired")
        sign(visit, given, asked, self.kit, visit.user)
        return Proof(visit.user.id, amr=("hwk",))
