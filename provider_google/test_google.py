"""Whether Google keeps what every OpenID provider must, and what is its own."""

from authenticator.testing.contract import ProviderContract
from authenticator_google import Google


class TestGoogle(ProviderContract):
    provider = Google
