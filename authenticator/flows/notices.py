"""Notices to the owner of an account about what happened to it."""

from __future__ import annotations

from typing import Any

from authenticator.flows.core import Core
from authenticator.models import User


def notify(core: Core, user: User, subject: str, text: str, link: str = "", **values: str) -> None:
    """Tell the owner what happened. Subject and text are message ids; `values` fill in their `%(name)s`."""
    send(core, user, "notice", subject=subject, text=text, link=link, values=values)


def send(core: Core, user: User, letter: str, **facts: Any) -> None:
    """This letter to every proved e-mail address of the user; who has none gets it as a short text on her phone instead."""
    proved = [contact for contact in user.contacts if contact.proved_at]
    mails = [contact for contact in proved if contact.kind == "email"]
    phones = [contact for contact in proved if contact.kind == "phone" and core.messages.carries("sms")]
    core.messages.send(
        *(
            core.letters.write(letter, "email" if contact.kind == "email" else "sms", contact.value, user.locale, **facts)
            for contact in mails or phones
        )
    )
