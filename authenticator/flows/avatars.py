"""A person's pictures: added, chosen, taken away, and served to whoever knows their address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from authenticator import pictures
from authenticator.crypto import random_token
from authenticator.errors import AuthError
from authenticator.flows.changes import change
from authenticator.flows.core import Core
from authenticator.limits import Limit
from authenticator.models import Avatar, Client, User
from authenticator.settings import Settings
from authenticator.words import Words

MOST: Final = 5
UPLOADS_AN_HOUR: Final = 20


def add(core: Core, user: User, content: bytes, client: Client) -> Avatar:
    """Keep a picture, encoded anew; the first one is chosen at once.

    AuthError `conflict` when there are five already, and what `pictures.portrait` refuses.
    """
    if not pictures.available():
        raise AuthError("not_found", "Pictures can't be added here.")
    core.spend(Limit(f"avatars:{user.id}", UPLOADS_AN_HOUR, 3600))
    full = AuthError("conflict", Words("You have %(number)s pictures already. Remove one first.", number=MOST))
    if len(core.store.avatars_of(user.id)) >= MOST:
        raise full
    small = pictures.portrait(content)
    avatar = Avatar(random_token(128), user.id, core.clock.now(), pictures.MEDIA_TYPE, small)
    if not core.store.add_avatar(avatar, MOST):
        raise full
    core.history.record("avatar_added", user_id=user.id, client=client)
    if not chosen_id(core.settings, user):
        choose(core, user, avatar.id)
    return avatar


def of(core: Core, user: User) -> Sequence[Avatar]:
    """A person's pictures, oldest first, without their content."""
    return core.store.avatars_of(user.id)


def choose(core: Core, user: User, avatar_id: str) -> User:
    """Show this picture from now on; an empty id shows none. AuthError `not_found` for one that is not hers."""
    if avatar_id and avatar_id not in {avatar.id for avatar in of(core, user)}:
        raise AuthError("not_found")
    picture = address(core.settings, avatar_id) if avatar_id else ""
    return change(core, user, lambda found: found if found.picture == picture else replace(found, picture=picture))


def remove(core: Core, user: User, avatar_id: str, client: Client) -> None:
    """Forget a picture; AuthError `not_found` for one that is not hers."""
    if not core.store.remove_avatar(user.id, avatar_id):
        raise AuthError("not_found")
    gone = address(core.settings, avatar_id)
    change(core, user, lambda found: replace(found, picture="") if found.picture == gone else found)
    core.history.record("avatar_removed", user_id=user.id, client=client)


def found(core: Core, avatar_id: str) -> Avatar | None:
    """The picture at this address, for anybody who knows it."""
    return core.store.avatar(avatar_id) if 0 < len(avatar_id) <= 64 else None


def address(settings: Settings, avatar_id: str) -> str:
    """Where a picture is served."""
    return f"{settings.public_url}/avatars/{avatar_id}"


def chosen_id(settings: Settings, user: User) -> str:
    """The id of the picture that is shown, if it is one of ours; a provider's picture is only an address, and never loaded by our pages."""
    start = address(settings, "")
    return user.picture.removeprefix(start) if user.picture.startswith(start) else ""
