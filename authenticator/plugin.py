"""Everything that a plug-in imports, from one place."""

from authenticator.errors import AuthError
from authenticator.hooks import hookimpl
from authenticator.kinds.base import (
    Ask,
    Factor,
    Field,
    Identity,
    PluginOptions,
    Proof,
    Provider,
    Redirect,
    SecretProvider,
    Turn,
    Visit,
    checked,
)
from authenticator.kinds.codes import CodeProvider
from authenticator.kinds.oauth import OAuthOptions, OAuthProvider, Untrusted
from authenticator.kinds.oidc import OIDCProvider
from authenticator.kinds.people import Person
from authenticator.kinds.sender import Sender, Undeliverable
from authenticator.kit import Kit, Message
from authenticator.limits import Backoff, Limit
from authenticator.models import Client, Intent, Login, LoginKey, User
from authenticator.words import Words

__all__ = [
    "Ask",
    "AuthError",
    "Backoff",
    "Client",
    "CodeProvider",
    "Factor",
    "Field",
    "Identity",
    "Intent",
    "Kit",
    "Limit",
    "Login",
    "LoginKey",
    "Message",
    "OAuthOptions",
    "OAuthProvider",
    "OIDCProvider",
    "Person",
    "PluginOptions",
    "Proof",
    "Provider",
    "Redirect",
    "SecretProvider",
    "Sender",
    "Turn",
    "Undeliverable",
    "Untrusted",
    "User",
    "Visit",
    "Words",
    "checked",
    "hookimpl",
]
