"""What a person may type to say who she is: an e-mail address, a phone number or a user name."""

from __future__ import annotations

from contextlib import suppress

from authenticator.errors import AuthError
from authenticator.identifiers import canonical_email, canonical_phone, canonical_username
from authenticator.models import LoginKey

FIELD = "email"  # where it is typed


def alias_of(text: str, region: str = "") -> LoginKey:
    """The claim behind which her account lies: `email:ada@…`, `phone:+44…` or `username:ada`, by what the text looks like.

    `region` (ISO 3166) is where a national number is meant. AuthError `validation_failed` for what is none of the three.
    """
    if "@" in text:
        return LoginKey("email", canonical_email(text))
    with suppress(AuthError):
        if text[:1] == "+" or text[:1].isdecimal():
            return LoginKey("phone", canonical_phone(text, region))
    with suppress(AuthError):
        return LoginKey("username", canonical_username(text))
    raise AuthError(
        "validation_failed", errors={FIELD: ("Enter an e-mail address, a user name, or a phone number with its country code.",)}
    )
