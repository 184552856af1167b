"""User names: optional, owned under one canonical form, shown as they were typed."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from typing import Literal

from authenticator.errors import AuthError
from authenticator.flows import claims, sessions
from authenticator.flows.changes import change as changed
from authenticator.flows.core import Core
from authenticator.flows.notices import notify
from authenticator.flows.outcomes import Signed
from authenticator.identifiers import canonical_username, network_of
from authenticator.limits import Limit
from authenticator.models import Client, LoginKey, User

# names of the service itself, of its mailboxes (RFC 2142), and of places on it
RESERVED = frozenset(
    re.findall(
        "[a-z]+",
        """abuse account accounts admin administration administrator anonymous api auth authenticator authority billing bot ceo contact
    daemon everybody everyone guest help helpdesk host hostmaster info information login logout mail mailerdaemon me moderator news
    nobody noc noreply null official operator owner password postmaster privacy register registration root sales security self
    service signin signout signup somebody staff status superuser support sys sysadmin sysop system team test undefined unknown user
    username users verify webmaster www you""",
    )
)
CHECKS_A_MINUTE = 20


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether a user name is free. `reason` says why not: it is no name, a reserved one, or somebody's."""

    username: str
    reason: Literal["", "invalid", "reserved", "taken"] = ""


def availability(core: Core, text: str, client: Client) -> Availability:
    """Whether somebody could have this name now; AuthError `rate_limited` after twenty questions a minute from one address."""
    core.spend(Limit(f"usernames:{network_of(client.address)}", CHECKS_A_MINUTE, 60))
    try:
        key = _key(text)
    except AuthError:
        return Availability(text, "invalid")
    if _reserved(core, key.subject):
        return Availability(text, "reserved")
    return Availability(text, "taken" if core.store.owners([key]) else "")


def change(core: Core, signed: Signed, text: str, client: Client) -> User:
    """Take a user name, another one, or none (an empty text): the user as she is now.

    Asks for fresh proof, because a name is something to sign in with. The old name is free once the new one is hers.
    AuthError `validation_failed`, `username_taken`, or `last_sign_in_method` if a password would be left without any name.
    """
    shown = unicodedata.normalize("NFC", text).strip()
    if shown == signed.user.username:
        return signed.user
    sessions.require_fresh(core, signed.session)
    new = _key(shown) if shown else None
    if new and _reserved(core, new.subject):
        raise AuthError("validation_failed", errors={"username": ("This name is reserved. Choose another one.",)})
    if new:
        claims.claim(core, signed.user, new, shown)
    return _settled(core, signed.user, new, shown, client)


def _settled(core: Core, user: User, new: LoginKey | None, shown: str, client: Client) -> User:
    """Write the claimed name down, and let go of the one that it takes the place of."""
    before = user

    def rename(found: User) -> User:
        nonlocal before
        before = found
        renamed = replace(found, username=shown)
        claims.require_name(core, renamed)
        return renamed

    try:
        after = changed(core, user, rename)
    except AuthError:
        if new and (not before.username or _key(before.username) != new):
            claims.release(core, user, new)  # nothing was written down, so the name is free again
        raise
    old = _key(before.username) if before.username else None
    if old and old != new:
        claims.release(core, after, old)
    core.history.record("username_changed", user_id=user.id, client=client)
    if before.username:
        notify(core, after, "Your user name was changed", "The user name of your account was changed or removed.")
    return after


def _key(text: str) -> LoginKey:
    return LoginKey("username", canonical_username(text))


def _reserved(core: Core, name: str) -> bool:
    bare = "".join(char for char in name if char.isalnum())
    return bare in RESERVED or bare == "".join(char for char in core.settings.service_name.casefold() if char.isalnum())
