"""Scopes that applications and tokens may be given, and what each means in words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

OPENID: Final = "openid"
OFFLINE: Final = "offline_access"
READ_ACCOUNT: Final = "account:read"
ACCOUNT: Final = "account"

# what is asked for at consent; the permissions of this service (`users:read`) are scopes too, for those who hold them
WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        OPENID: "Know that it is you",
        "profile": "See your name, user name, picture and language",
        "email": "See your e-mail address",
        "phone": "See your phone number",
        OFFLINE: "Keep this access while you are away",
        READ_ACCOUNT: "See everything in your account here, with sign-ins and history",
        ACCOUNT: "See and change your account here",
    }
)

# OpenID Connect Core §5.4: the claims that a scope stands for
CLAIMS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "profile": ("name", "given_name", "family_name", "preferred_username", "picture", "locale", "updated_at"),
        "email": ("email", "email_verified"),
        "phone": ("phone_number", "phone_number_verified"),
    }
)


def covers(scopes: tuple[str, ...] | frozenset[str], wanted: str) -> bool:
    """Whether these scopes include the wanted one; who may change an account may also see it."""
    return wanted in scopes or (wanted == READ_ACCOUNT and ACCOUNT in scopes)
