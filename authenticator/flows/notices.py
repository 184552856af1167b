"""Notices to the owner of an account about what happened to it."""

from __future__ import annotations

from authenticator.flows.core import Core
from authenticator.kit import Message
from authenticator.models import User


def notify(core: Core, user: User, subject: str, text: str) -> None:
    """Tell every proved e-mail address of the user."""
    name = core.settings.service_name
    advice = f"If this was not you, sign in and look at your account: {core.settings.public_url}/account"
    for contact in user.contacts:
        if contact.kind == "email" and contact.proved_at:
            core.messages.send(Message("email", contact.value, f"{name}: {subject}", f"{text}\n\n{advice}"))
