"""Passkeys: a way to sign in with nothing else, and a second step."""

from __future__ import annotations

from authenticator.plugin import Factor, Provider, hookimpl
from authenticator_passkey.factor import PasskeyFactor
from authenticator_passkey.options import PasskeyOptions
from authenticator_passkey.provider import PasskeyProvider

__all__ = ["PasskeyFactor", "PasskeyOptions", "PasskeyProvider", "auth_factors", "auth_providers"]


@hookimpl
def auth_providers() -> list[type[Provider]]:
    """To sign in with a passkey alone."""
    return [PasskeyProvider]


@hookimpl
def auth_factors() -> list[type[Factor]]:
    """To show a passkey after another proof."""
    return [PasskeyFactor]
