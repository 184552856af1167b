"""Proving that an e-mail address is one's own, by a mailed code."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from authenticator.crypto import digest, random_code, same
from authenticator.errors import AuthError
from authenticator.flows.core import Core
from authenticator.identifiers import canonical_email
from authenticator.kinds.base import Ask, Field
from authenticator.kit import Message
from authenticator.models import Limit, LoginKey

CODE = Field("code", "Code", "code", autocomplete="one-time-code", max_length=12)


def message_limit(core: Core, target: str) -> Limit:
    """How many messages may go to one address or number (SECURITY.md 31)."""
    return Limit(f"message:{target}", core.settings.messages_per_target, 900)


def ask_for_code(core: Core, email: str, *, ticket: str, taken: bool, counted: Collection[str] = ()) -> Ask:
    """Mail a code and ask for it. Where the address has an account, its owner is told instead, and no code will fit.

    Known and unknown addresses cost the same and look the same (ASVS 5.0 6.3.8). `counted` are the limits that
    this attempt was already held against.
    """
    email = canonical_email(email)  # two spellings of one account's address must not be two mailboxes
    limit = message_limit(core, email)
    if limit.key not in counted:
        core.spend(limit)
    code = random_code()
    until = core.clock.now() + timedelta(seconds=core.settings.code_seconds)
    core.messages.send(_notice(core, email) if taken else _code_message(core, email, code))
    keep = {"code": "" if taken else digest(f"{ticket}:{code}"), "until": until.isoformat(), "email": email, "taken": taken}
    return Ask(
        (CODE,),
        kind="code",
        title="Check your mail",
        text=email,
        options={"sent_to": _hint(email)},
        resend=True,
        keep=keep,
    )


def check_code(core: Core, keep: Mapping[str, Any], answer: Mapping[str, str], *, ticket: str) -> None:
    """AuthError `invalid_code` unless the answer is the code, in time."""
    given = "".join(answer.get("code", "").split())
    right = same(str(keep["code"]), digest(f"{ticket}:{given}"))
    if not right or core.clock.now() > datetime.fromisoformat(keep["until"]):
        raise AuthError("invalid_code", errors={"code": ("That code is not right, or no longer valid.",)})


def email_key(email: str) -> LoginKey:
    """The claim to a proven address."""
    return LoginKey("email", canonical_email(email))


def _hint(email: str) -> str:
    local, _, domain = email.partition("@")
    return f"{local[:1]}…@{domain}"


def _code_message(core: Core, email: str, code: str) -> Message:
    name = core.settings.service_name
    minutes = core.settings.code_seconds // 60
    return Message(
        "email",
        email,
        f"{code} is your code for {name}",
        f"Your code for {name} is {code}. It is valid for {minutes} minutes.\n\nIf you did not ask for it, ignore this message: nothing happens without the code.",
        code=code,
    )


def _notice(core: Core, email: str) -> Message:
    name, url = core.settings.service_name, core.settings.public_url
    return Message(
        "email",
        email,
        f"You already have an account at {name}",
        f"Somebody, probably you, tried to make a new account at {name} with this address, which has one already.\n\n"
        f"Sign in the way you did before: {url}/sign-in\nOther ways to sign in can be added on your account page.\n\n"
        "If it was not you, there is nothing to do: nothing was changed.",
        link=f"{url}/sign-in",
    )
