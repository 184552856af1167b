"""How passkeys are refused: what could not be read, what broke the rules, and what did not hold."""

from __future__ import annotations

from authenticator.plugin import AuthError


def malformed() -> AuthError:
    """For an answer that no browser gives."""
    return AuthError("invalid_request", "Your browser's answer could not be read. Start again.")


def unsuitable() -> AuthError:
    """For a new passkey that is not of the kind that was asked for."""
    return AuthError("invalid_request", "This device made a passkey of a kind that is not accepted here. Try another device.")


def refused() -> AuthError:
    """For everything that was checked and did not hold; it does not say what."""
    return AuthError("invalid_credentials", "That passkey was not accepted here. Try again, or choose another way.")
