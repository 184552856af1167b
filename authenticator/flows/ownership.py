"""Proving that an e-mail address is one's own by a mailed code, and what follows for a new account from what is proved."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from authenticator import kit
from authenticator.flows.core import Core
from authenticator.identifiers import canonical_email, canonical_phone, country_of_phone, is_loopback, shown_phone
from authenticator.kinds import codes
from authenticator.kinds.base import Ask, Identity
from authenticator.kit import Message
from authenticator.limits import Limit
from authenticator.models import Client, Contact, Errand, LoginKey, NewKey

LOCAL_FACTOR = 100  # how much more often this machine may knock in development


def local_factor(core: Core, client: Client) -> int:
    """How much more often this client may knock than others."""
    return LOCAL_FACTOR if core.settings.development and is_loopback(client.address) else 1


def message_limits(core: Core, target: str, client: Client) -> tuple[Limit, Limit]:
    """How many messages may go to one address or number, and be asked for from one client address (OWASP Forgot Password Cheat Sheet)."""
    aimed, here = kit.message_limits(target, client)
    return replace(aimed, allowed=core.settings.messages_per_target), replace(here, allowed=here.allowed * local_factor(core, client))


def message_limit(core: Core, target: str) -> Limit:
    """How many messages may go to one address or number."""
    return message_limits(core, target, Client())[0]


def ask_for_code(
    core: Core, email: str, *, ticket: str, taken: bool, linked: bool, counted: Collection[str] = (), locale: str = ""
) -> tuple[Ask, Errand]:
    """Ask for a mailed code, and the message as an errand, to be kept together with the ticket.

    Where the address has an account, its owner is told instead, and no code will fit.
    Known and unknown addresses cost the same and look the same (ASVS 5.0 6.3.8). `linked` adds a link for the browser
    that waits. `counted` are the limits that this attempt was already held against. `locale` is the language of the message.
    """
    email = canonical_email(email)  # two spellings of one account's address must not be two mailboxes
    limit = message_limit(core, email)
    if limit.key not in counted:
        core.spend(limit)
    code = codes.new_code(linked=linked)
    until = core.clock.now() + timedelta(seconds=core.settings.code_seconds)
    message = _notice(core, email, locale) if taken else _code_message(core, email, code, locale)
    kept = {"code": "", "link": ""} if taken else code.kept(ticket)
    ask = codes.asked("email", email, {**kept, "until": until.isoformat(), "email": email, "taken": taken})
    return ask, core.messages.errand_of(message)


def check_code(core: Core, keep: Mapping[str, Any], answer: Mapping[str, str], *, ticket: str) -> None:
    """AuthError `invalid_code` unless the answer is the code, or the token of its link, in time."""
    if not codes.fits(keep, answer.get("code", ""), ticket=ticket, now=core.clock.now()):
        raise codes.wrong()


def email_key(email: str) -> LoginKey:
    """The claim to a proven address."""
    return LoginKey("email", canonical_email(email))


def proved_contacts(core: Core, identity: Identity) -> tuple[Contact, ...]:
    """The address and the number that are shown to be hers, each the primary one of its kind."""
    now, found = core.clock.now(), []
    if identity.email and identity.email_proven:
        found.append(Contact(core.ids.new(), "email", canonical_email(identity.email), identity.email, proved_at=now, primary=True))
    if identity.phone and identity.phone_proven:
        number = canonical_phone(identity.phone)
        found.append(Contact(core.ids.new(), "phone", number, shown_phone(number), proved_at=now, primary=True))
    return tuple(found)


def claims_to(core: Core, contacts: Sequence[Contact], *, but: LoginKey) -> list[NewKey]:
    """The claims to these contacts, without one that is held already. Each is a way in where a provider of that very name signs people in."""
    claims = [(LoginKey(contact.kind, contact.value), contact.shown) for contact in contacts]
    return [NewKey(key, shown, way_in=key.provider in core.registry.providers) for key, shown in claims if key != but]


def country_of(contacts: Sequence[Contact]) -> str:
    """The country of the first phone number; empty where there is none."""
    return next((country_of_phone(contact.value) for contact in contacts if contact.kind == "phone"), "")


def _code_message(core: Core, email: str, code: codes.Code, locale: str) -> Message:
    link, seconds = code.link(core.settings.public_url), core.settings.code_seconds
    return core.letters.write("code", "email", email, locale, code=code.digits, link=link, seconds=seconds)


def _notice(core: Core, email: str, locale: str) -> Message:
    return core.letters.write("already_member", "email", email, locale, link=f"{core.settings.public_url}/sign-in")
