"""Leaving: an account is deleted by its owner, can be kept for some days, and is then erased."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from authenticator.crypto import derive_key, keyed_digest
from authenticator.errors import AuthError
from authenticator.flows import accounts, onetime, sessions
from authenticator.flows.changes import change
from authenticator.flows.core import Core
from authenticator.flows.notices import notify, send
from authenticator.flows.outcomes import Signed
from authenticator.models import Client, Errand, Status, User

PURPOSE: Final = "undo"
AT_ONCE: Final = timedelta(minutes=1)  # a worker finishes what this process could not, if there is no time to think it over


def delete(core: Core, signed: Signed, client: Client) -> datetime:
    """Begin to delete the signed-in person's account: all her sessions end, and a letter tells how to keep it. Returns when it is erased.

    Asks for fresh proof. The errand that erases comes first, so that a crash between two steps can't leave an account half-deleted
    for ever; the errand of an account that is not leaving does nothing.
    """
    sessions.require_fresh(core, signed.session)
    user, days, now = signed.user, core.settings.deletion_days, core.clock.now()
    erase_at = now + timedelta(days=days)
    due_at = erase_at if days else now + AT_ONCE
    core.store.put_errands([Errand(core.ids.new(), "erasure", due_at, {"user_id": user.id})])
    user = change(core, user, lambda found: replace(found, erase_at=erase_at))
    accounts.change_status(core, user, Status.LEAVING, why="deleted by its owner", by=user.id, client=client)
    core.history.record("deletion_asked", user_id=user.id, client=client)
    if days:
        link = onetime.issue(core, PURPOSE, user.id, {"user_id": user.id}, days * 86_400).link_token
        send(core, user, "deletion_asked", day=erase_at.date(), link=f"{core.settings.public_url}/keep-account?token={link}")
    else:
        erase(core, user.id)
    return erase_at


def look(core: Core, token: str) -> User:
    """Whose account a link keeps, without spending it; AuthError `invalid_link`."""
    return _leaving(core, str(onetime.look(core, PURPOSE, token)["user_id"]))


def undo(core: Core, token: str, client: Client) -> User:
    """Keep the account after all, by the link of the letter; AuthError `invalid_link`. It opens no session.

    The link is spent when the account is kept: if something breaks before, it must not be the last one there was.
    """
    user = look(core, token)
    try:
        accounts.change_status(core, user, Status.ACTIVE, why="kept by its owner", by=user.id, client=client)
    except AuthError:
        _leaving(core, user.id)  # another click on the same link was faster
        raise
    user = change(core, replace(user, status=Status.ACTIVE, version=user.version + 1), lambda found: replace(found, erase_at=None))
    onetime.withdraw(core, PURPOSE, user.id)
    core.history.record("deletion_undone", user_id=user.id, client=client)
    notify(core, user, "Your account is kept", "Your account will not be deleted. You can sign in again.")
    return user


def erase(core: Core, user_id: str) -> bool:
    """Erase an account whose time has come; its events stay under a pseudonym. False if it is not, or no longer, leaving.

    Doing it again finishes what a crash has left, and tells the history once.
    """
    user = core.store.user_by_id(user_id)
    if user is not None and not _is_due(user, core.clock.now()):
        return False
    name = pseudonym(core, user_id)
    erased = core.store.erase_user(user_id, name, core.clock.now())
    if not erased and any(event.kind == "user_erased" for event in core.store.events_of(name).items):
        return True
    core.history.record("user_erased", user_id=name)
    if user is not None:
        send(core, user, "erased")
    return True


def carry_out(core: Core, errand: Errand) -> None:
    """Do the errand that `delete` has left."""
    erase(core, str(errand.payload["user_id"]))


def pseudonym(core: Core, user_id: str) -> str:
    """What stands for an erased person in the history: the same for all her events, and nobody's name."""
    return f"erased-{keyed_digest(derive_key(core.secret, 'pseudonym'), user_id)[:32]}"


def _is_due(user: User, now: datetime) -> bool:
    return user.status is Status.LEAVING and user.erase_at is not None and user.erase_at <= now


def _leaving(core: Core, user_id: str) -> User:
    user = core.store.user_by_id(user_id)
    if user is None or user.status is not Status.LEAVING:
        raise AuthError("invalid_link")
    return user
