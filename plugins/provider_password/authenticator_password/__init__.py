"""Sign-in with a password and any name of its owner. At sign-up the core has the address proved by a mailed code before the account exists."""

from authenticator.plugin import Provider, hookimpl
from authenticator_password.fields import PasswordOptions
from authenticator_password.provider import Password

__all__ = ["Password", "PasswordOptions", "auth_providers"]


@hookimpl
def auth_providers() -> list[type[Provider]]:
    """The one provider of this package."""
    return [Password]
