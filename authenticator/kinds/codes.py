"""One-time codes sent to an address or number: made, kept as digests, asked for and checked, for plug-ins and the core alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

from authenticator.crypto import digest, random_code, random_token, same
from authenticator.errors import AuthError
from authenticator.kinds.base import Ask, Field, Proof, Provider, Turn, Visit
from authenticator.kit import Kit
from authenticator.limits import Limit
from authenticator.models import Contact, Intent, User

RESEND = "resend"
CODE = Field("code", "Code", "code", autocomplete="one-time-code", max_length=64)
TITLES = {"email": "Check your mail", "sms": "Check your phone"}
TRIES_AN_HOUR = 20  # of codes, for one address or number (ASVS 5.0 6.6.3)

Channel = Literal["email", "sms"]


@dataclass(frozen=True, slots=True)
class Code:
    """Digits to type and, for a browser, the token of a link that stands for them in that browser."""

    digits: str = field(repr=False)
    token: str = field(default="", repr=False)

    def kept(self, ticket: str) -> dict[str, str]:
        """What to keep instead: digests that fit this conversation alone, whose id the store does not have either."""
        return {"code": _bound(ticket, self.digits), "link": _bound(ticket, self.token)}

    def link(self, public_url: str) -> str:
        """The link to mail; empty without a token. To open it spends nothing."""
        return f"{public_url}/sign-in/verify?code={self.token}" if self.token else ""


def new_code(*, linked: bool) -> Code:
    """Six digits; `linked` for a conversation in a browser, which the message's link may go on with."""
    return Code(random_code(), random_token() if linked else "")


def fits(keep: Mapping[str, Any], given: str, *, ticket: str, now: datetime) -> bool:
    """Whether this is the code or the link's token, in time. Where nothing was kept, nothing fits."""
    mine = _bound(ticket, "".join(given.split()))
    right = [same(str(keep.get(name) or ""), mine) for name in ("code", "link")]
    return bool(given) and any(right) and now <= datetime.fromisoformat(keep["until"])


def asked(channel: Channel, to: str, keep: Mapping[str, Any]) -> Ask:
    """The wish for the code. `to` is shown in full: only to whoever typed it."""
    return Ask((CODE,), kind="code", title=TITLES[channel], text=to, options={"sent_to": hint(to)}, resend=True, keep=keep)


def wrong() -> AuthError:
    """The refusal of a code, whatever was wrong with it."""
    return AuthError("invalid_code", errors={"code": ("That code is not right, or no longer valid.",)})


def hint(to: str) -> str:
    """As much of an address or number as its owner needs to know it again."""
    local, at, domain = to.partition("@")
    return f"{local[:1]}…@{domain}" if at else f"{to[:3]}…{to[-2:]}"


def send(kit: Kit, visit: Visit, channel: Channel, to: str) -> dict[str, Any]:
    """Send a new code to a canonical address or number, which kills the one before; what to keep of it.

    AuthError `rate_limited` when too many messages went there, or were asked for from this client's address.
    """
    kit.spend(*kit.message_limits(to, visit.client))
    code = new_code(linked=channel == "email" and visit.door == "web")
    facts = {"code": code.digits, "link": code.link(kit.public_url)}
    kit.send(kit.write("code_sign_in", channel, to, visit.client.locale, seconds=kit.code_seconds, **facts))
    until = kit.clock.now() + timedelta(seconds=kit.code_seconds)
    return {**code.kept(visit.state), "until": until.isoformat(), "to": to}


def check(kit: Kit, visit: Visit, keep: Mapping[str, Any], answer: Mapping[str, str]) -> None:
    """AuthError `invalid_code` unless the answer is the code that was kept. Counted for its address or number before it is looked at."""
    kit.spend(Limit(f"code:{keep['to']}", TRIES_AN_HOUR, 3600))
    if not fits(keep, answer.get("code", ""), ticket=visit.state, now=kit.clock.now()):
        raise wrong()


def _bound(ticket: str, secret: str) -> str:
    return digest(f"{ticket}:{secret}") if secret else ""


class CodeProvider(Provider):
    """Whoever receives a code at an address or number is its owner, known here or not: asks for it, sends a code, checks that.

    Say the `channel` and the `fields` of the first question, and write the two verbs below.
    """

    channel: ClassVar[Channel]
    intents = frozenset({Intent.SIGN_IN, Intent.SIGN_UP, Intent.CONFIRM})

    def fields(self, visit: Visit) -> tuple[Field, ...]:
        """What to fill in first."""
        raise NotImplementedError(f"{type(self).__name__} needs fields(visit)")

    def addressed(self, visit: Visit, answer: Mapping[str, str]) -> Mapping[str, str]:
        """What to remember of the first answer: `to` is the canonical address or number. AuthError `validation_failed`."""
        raise NotImplementedError(f"{type(self).__name__} needs addressed(visit, answer)")

    def proof(self, visit: Visit, known: Mapping[str, Any]) -> Proof:
        """Who this is, now that `known["to"]` is proved."""
        raise NotImplementedError(f"{type(self).__name__} needs proof(visit, known)")

    def start(self, visit: Visit) -> Turn:
        if visit.intent is Intent.CONFIRM and visit.user:
            return Ask((), title="Confirm that it is you", text="Continue, and you will receive a code.")
        return Ask(self.fields(visit), title="Create your account" if visit.intent is Intent.SIGN_UP else "Sign in")

    def vet(self, visit: Visit, answer: Mapping[str, str]) -> None:
        if answer and CODE.name not in answer:
            self.addressed(visit, answer)

    def resume(self, visit: Visit, keep: Mapping[str, Any], answer: Mapping[str, str]) -> Turn:
        if RESEND in answer:
            return self._ask(visit, keep)
        if "until" in keep:
            check(self.kit, visit, keep, answer)
            return self.proof(visit, keep)
        return self._ask(visit, self._own(visit) if visit.intent is Intent.CONFIRM else self.addressed(visit, answer))

    def _ask(self, visit: Visit, known: Mapping[str, Any]) -> Ask:
        return asked(self.channel, known["to"], {**known, **send(self.kit, visit, self.channel, known["to"])})

    def _own(self, visit: Visit) -> Mapping[str, str]:
        contact = proved(visit.user, self.channel)
        if contact is None:
            raise AuthError("invalid_request", "Confirm in another way: none of your addresses can receive a code here.")
        return {"to": contact.value, "shown": contact.shown}


def proved(user: User | None, channel: Channel) -> Contact | None:
    """Where this person receives codes on a channel: the primary one of what is shown to be hers, or the first."""
    kind = "email" if channel == "email" else "phone"
    mine = [contact for contact in user.contacts if contact.kind == kind and contact.proved_at] if user else []
    return next((contact for contact in mine if contact.primary), mine[0] if mine else None)
