"""Whether Facebook keeps what every provider must."""

from authenticator.testing.contract import ProviderContract
from authenticator_facebook import Facebook


class TestFacebook(ProviderContract):
    provider = Facebook
    pkce = False  # only its OpenID variant has it
