"""Whether the provider contract holds for kinds of provider that no shipped plug-in is."""

from __future__ import annotations

from authenticator_google import Google
from authenticator_twitter import Twitter

from authenticator.testing.contract import ProviderContract
from authenticator.testing.oidc_contract import OIDCContract


class AskingGoogle(Google):
    """Asks the userinfo endpoint too."""

    use_userinfo = True


class PostingTwitter(Twitter):
    """Sends the client's secret in the body."""

    token_auth = "post"


class TestUserinfo(OIDCContract):
    provider = AskingGoogle


class TestSecretInTheBody(ProviderContract):
    provider = PostingTwitter
