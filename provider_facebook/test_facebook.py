"""Whether Facebook keeps what every provider must."""

from authenticator_facebook import Facebook

from authenticator.testing.contract import ProviderContract


class TestFacebook(ProviderContract):
    provider = Facebook
    pkce = False  # only its OpenID variant has it
