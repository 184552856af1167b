"""The page of one's e-mail addresses."""

from __future__ import annotations

from flask import Blueprint

from authenticator.web import contacts

WORDS = {
    "title": "E-mail addresses",
    "lead": "Where we reach you, and what you can sign in with. An address counts only once you have confirmed it.",
    "none": "You have no e-mail address here yet.",
    "add": "Add an address",
    "button": "Add address",
    "proof": "We sent a code to this address. Type it in here, or open the link in the message.",
    "added": "A code is on its way to the new address.",
    "sent": "A new code is on its way. The one before no longer works.",
    "proved": "The address is confirmed.",
    "primary": "This is your primary address now.",
    "removed": "The address was removed.",
}


def blueprint() -> Blueprint:
    """/account/emails."""
    return contacts.blueprint(contacts.Area("emails", "email", WORDS, lambda one: one.shown, lambda _: ""))
