"""Whether X keeps what every provider must."""

from authenticator.testing.contract import ProviderContract
from authenticator_twitter import Twitter


class TestTwitter(ProviderContract):
    provider = Twitter
