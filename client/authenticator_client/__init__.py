"""Sign-in with Authenticator for Python apps: an offline verifier of its tokens, and the whole way through its sign-in page."""

from authenticator_client.denylist import Introspection
from authenticator_client.errors import ClientError, Refused, Unavailable
from authenticator_client.issuer import Issuer
from authenticator_client.person import Person
from authenticator_client.sign_in import SignIn
from authenticator_client.store import MemoryStore, SQLiteStore, Store
from authenticator_client.verifier import Verified, Verifier

__all__ = [
    "ClientError",
    "Introspection",
    "Issuer",
    "MemoryStore",
    "Person",
    "Refused",
    "SQLiteStore",
    "SignIn",
    "Store",
    "Unavailable",
    "Verified",
    "Verifier",
]
