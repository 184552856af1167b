"""Notices to the owner of an account about what happened to it."""

from __future__ import annotations

from typing import Any, Final

from authenticator.flows.core import Core
from authenticator.limits import Limit
from authenticator.models import Contact, User

AN_HOUR: Final = 5  # letters to one person about the same thing


def notify(core: Core, user: User, subject: str, text: str, link: str = "", **values: str) -> None:
    """Tell the owner what happened. Subject and text are message ids; `values` fill in their `%(name)s`."""
    send(core, user, "notice", about=subject, subject=subject, text=text, link=link, values=values)


def send(core: Core, user: User, letter: str, *, about: str = "", **facts: Any) -> None:
    """This letter to all that reaches the user: as mail, or as a short text on her phone.

    `about` is what it tells of, if that stands in her history too: the same is not told without end, since texts cost, and whoever
    provokes one may earn by it (toll fraud). One kind never keeps another from being told.
    """
    if about and core.store.count_attempts([Limit(f"notice:{about}:{user.id}", AN_HOUR, 3600)], core.clock.now()):
        return
    letters = (core.letters.write(letter, contact.channel, contact.value, user.locale, **facts) for contact in reached(core, user))
    core.messages.send(*letters)


def reached(core: Core, user: User) -> list[Contact]:
    """Where a user is written to: all her proved addresses, or her numbers if there are none that something carries mail to.

    If nothing carries anything, the letters wait until something does.
    """
    proved = [contact for contact in user.contacts if contact.proved_at]
    carried = [contact for contact in proved if core.messages.carries(contact.channel)] or proved
    return [contact for contact in carried if contact.kind == "email"] or carried
