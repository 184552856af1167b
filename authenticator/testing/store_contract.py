"""The promises of the storage port as a test suite: subclass StoreContract, give it a `store`, and run it."""

from __future__ import annotations

from authenticator.testing.stores.applications import ApplicationPromises
from authenticator.testing.stores.attempts import AttemptPromises
from authenticator.testing.stores.avatars import AvatarPromises
from authenticator.testing.stores.bulk import BulkPromises
from authenticator.testing.stores.erasure import ErasurePromises
from authenticator.testing.stores.errands import ErrandPromises
from authenticator.testing.stores.given import GivenPromises
from authenticator.testing.stores.history import HistoryPromises
from authenticator.testing.stores.login_keys import LoginKeyPromises
from authenticator.testing.stores.rest import RestPromises
from authenticator.testing.stores.samples import CANARIES, GRACE, NOW, a_key, a_session, a_user, later, race
from authenticator.testing.stores.sessions import SessionPromises
from authenticator.testing.stores.users import UserPromises

__all__ = ["CANARIES", "GRACE", "NOW", "StoreContract", "a_key", "a_session", "a_user", "later", "race"]


class StoreContract(
    UserPromises,
    BulkPromises,
    ErasurePromises,
    LoginKeyPromises,
    SessionPromises,
    GivenPromises,
    ApplicationPromises,
    AttemptPromises,
    ErrandPromises,
    HistoryPromises,
    AvatarPromises,
    RestPromises,
):
    """Override the fixture `store` with an empty, prepared store; `dump` with its raw bytes if they can be had."""
