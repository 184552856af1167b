"""What goes to a person's addresses and numbers when one of them is added, proved or removed."""

from __future__ import annotations

from typing import Any

from authenticator.flows.core import Core
from authenticator.flows.notices import notify, reached
from authenticator.flows.onetime import OneTime
from authenticator.kit import Message
from authenticator.models import Contact, User

LINK_SECONDS = 86_400  # NIST SP 800-63B-4 §4.2.1.2


def ask_to_prove(core: Core, contact: Contact, locale: str, proof: OneTime) -> Message:
    """The code and the link for a new address. No name that anybody chose is in it: strangers could write to anybody through us."""
    if contact.kind == "phone":
        return _letter(core, contact, "contact_code", locale, code=proof.code)
    link, minutes = f"{core.settings.public_url}/verify-email?token={proof.link_token}", str(core.settings.code_seconds // 60)
    return _letter(core, contact, "contact_code", locale, seconds=LINK_SECONDS, code=proof.code, code_minutes=minutes, link=link)


def told_taken(core: Core, contact: Contact, locale: str, _proof: OneTime) -> Message:
    """For the owner of an address that somebody else wants to add; what would prove it is left out."""
    place = "emails" if contact.kind == "email" else "phones"
    return _letter(core, contact, "contact_taken", locale, link=f"{core.settings.public_url}/account/{place}")


def warn(core: Core, user: User, added: Contact, token: str) -> None:
    """Warn what she has proved before of what is being added, with the link that takes it back. Numbers only where there is no mail."""
    link = f"{core.settings.public_url}/cancel-change?token={token}"
    letters = (
        _letter(core, contact, "contact_added_warning", user.locale, added=added.value, link=link) for contact in reached(core, user)
    )
    core.messages.send(*letters)


def tell(core: Core, user: User, also: Contact | None, subject: str, text: str) -> None:
    """Tell the owner, and `also` the address that it is about, if that is not one of those told anyway."""
    notify(core, user, subject, text)
    told = {contact.id for contact in reached(core, user)}
    if also and also.proved_at and also.id not in told and core.messages.carries(also.channel):
        core.messages.send(_letter(core, also, "notice", user.locale, subject=subject, text=text, values={}))


def _letter(core: Core, contact: Contact, letter: str, locale: str, **facts: Any) -> Message:
    return core.letters.write(letter, contact.channel, contact.value, locale, **facts)
