"""Changes to a user, or to what she proves herself by, that somebody else may be making at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from authenticator.errors import AuthError
from authenticator.flows.core import Core
from authenticator.models import LoginKey, NewKey, User

TRIES = 5


def change(core: Core, user: User, edit: Callable[[User], User]) -> User:
    """Save what `edit` makes of the user; it is asked again with what is stored now if somebody was faster.

    An edit that returns its user unchanged saves nothing. AuthError `not_found` if the user is gone, `conflict` after five tries.
    """
    found: User | None = user
    for _ in range(TRIES):
        if found is None:
            raise AuthError("not_found")
        new = edit(found)
        if new is found:
            return found
        new = replace(new, updated_at=core.clock.now())
        if core.store.save_user(new):
            return replace(new, version=new.version + 1)
        found = core.store.user_by_id(user.id)
    raise AuthError("conflict")


def put_secret(core: Core, user: User, provider: str, secret: str, label: str = "") -> None:
    """Keep the one secret of a user that `provider` asks for beside another way in, in the place of what is there; AuthError `conflict`."""
    key = LoginKey(provider, user.id)
    core.store.add_login_key(user.id, NewKey(key, label, secret, way_in=False), core.clock.now())
    login = core.store.find_login(key)
    if login is None or (login.secret != secret and not core.store.swap_secret(login.key.id, login.secret, secret)):
        raise AuthError("conflict")
