"""What goes to a person's addresses and numbers when one of them is added, proved or removed."""

from __future__ import annotations

from typing import Any

from authenticator.flows.core import Core
from authenticator.flows.notices import notify
from authenticator.flows.onetime import OneTime
from authenticator.models import Client, Contact, User


def ask_to_prove(core: Core, user: User, contact: Contact, proof: OneTime, client: Client, *, taken: bool) -> None:
    """The code and the link to a new address; where it is somebody else's, its owner is told instead. No name that anybody chose is in it."""
    if taken:
        place = "emails" if contact.kind == "email" else "phones"
        _send(core, contact, "contact_taken", client.locale, link=f"{core.settings.public_url}/account/{place}")
        return
    link = f"{core.settings.public_url}/verify-email?token={proof.link_token}" if contact.kind == "email" else ""
    _send(core, contact, "contact_code", user.locale or client.locale, code=proof.code, link=link)


def warn(core: Core, user: User, added: Contact, token: str) -> None:
    """Warn what she has proved before of what is being added, with the link that takes it back. Numbers only where there is no mail."""
    link = f"{core.settings.public_url}/cancel-change?token={token}"
    for contact in _proved(user):
        _send(core, contact, "contact_added_warning", user.locale, added=added.value, link=link)


def tell(core: Core, user: User, also: Contact | None, subject: str, text: str) -> None:
    """Tell the owner, and `also` the address that it is about, if that is not one of those told anyway."""
    notify(core, user, subject, text)
    if also and also.proved_at and also.id not in {contact.id for contact in _proved(user)}:
        _send(core, also, "notice", user.locale, subject=subject, text=text, values={})


def _proved(user: User) -> list[Contact]:
    proved = [contact for contact in user.contacts if contact.proved_at]
    return [contact for contact in proved if contact.kind == "email"] or proved


def _send(core: Core, contact: Contact, letter: str, locale: str, **facts: Any) -> None:
    channel = "email" if contact.kind == "email" else "sms"
    if core.messages.carries(channel):
        core.messages.send(core.letters.write(letter, channel, contact.value, locale, **facts))
