"""The page of one's phone numbers, each with its country."""

from __future__ import annotations

from flask import Blueprint

from authenticator.identifiers import country_of_phone, shown_phone
from authenticator.models import Contact
from authenticator.web import contacts, devices

WORDS = {
    "title": "Phone numbers",
    "lead": "Where we reach you, and what you can sign in with. A number counts only once you have confirmed it.",
    "none": "You have no phone number here yet.",
    "add": "Add a number",
    "button": "Add number",
    "proof": "We sent a code to this number. Type it in here.",
    "added": "A code is on its way to the new number.",
    "sent": "A new code is on its way. The one before no longer works.",
    "proved": "The number is confirmed.",
    "primary": "This is your primary number now.",
    "removed": "The number was removed.",
}


def blueprint() -> Blueprint:
    """/account/phones."""
    return contacts.blueprint(contacts.Area("phones", "phone", WORDS, lambda contact: shown_phone(contact.value), country))


def country(contact: Contact) -> str:
    """The country of the number, in the reader's language."""
    return devices.country(country_of_phone(contact.value))
