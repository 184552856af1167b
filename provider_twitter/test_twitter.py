"""Whether X keeps what every provider must."""

from authenticator_twitter import Twitter

from authenticator.testing.contract import ProviderContract


class TestTwitter(ProviderContract):
    provider = Twitter
