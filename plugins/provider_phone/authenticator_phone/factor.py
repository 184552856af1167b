"""The second step by text message: better than none, and weaker than all others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from authenticator.kinds import codes
from authenticator.plugin import Ask, AuthError, Factor, Intent, Proof, Turn, User, Visit


class Sms(Factor):
    """A code to a number that was proved before. What is kept is that number: no request can name another one."""

    name, label = "sms", "Text message"
    icon = (Path(__file__).parent / "message.svg").read_text()
    weak = True

    def available(self, user: User) -> bool:
        return codes.proved(user, "sms") is not None

    def start(self, visit: Visit) -> Turn:
        return self._ask(visit, self._number(visit))

    def resume(self, visit: Visit, keep: Mapping[str, Any], answer: Mapping[str, str]) -> Turn:
        if visit.user is None:
            raise AuthError("challenge_expired")
        if codes.RESEND in answer:
            return self._ask(visit, keep["to"])
        codes.check(self.kit, visit, keep, answer)
        secret = keep["to"] if visit.intent is Intent.LINK else None
        return Proof(visit.user.id, amr=("sms",), secret=secret, label=codes.hint(keep["to"]))

    def _ask(self, visit: Visit, number: str) -> Ask:
        ask = codes.asked("sms", number, codes.send(self.kit, visit, "sms", number))
        return replace(ask, text=codes.hint(number))  # who has only the first factor must not learn the number

    def _number(self, visit: Visit) -> str:
        if visit.intent is Intent.LINK:
            contact = codes.proved(visit.user, "sms")
            number = contact.value if contact else ""
        else:
            login = visit.logins.find(visit.user.id) if visit.user else None
            number = login.secret or "" if login else ""
        if not number:
            raise AuthError("invalid_request", "Add a phone number and confirm it first.")
        return number
