"""Sign-in by phone with a code in a text message, and the same as the weakest second step."""

from __future__ import annotations

from authenticator.plugin import Factor, Provider, hookimpl
from authenticator_phone.factor import Sms
from authenticator_phone.provider import Phone, PhoneOptions

__all__ = ["Phone", "PhoneOptions", "Sms"]


@hookimpl
def auth_providers() -> list[type[Provider]]:
    """The way in."""
    return [Phone]


@hookimpl
def auth_factors() -> list[type[Factor]]:
    """The second step."""
    return [Sms]
