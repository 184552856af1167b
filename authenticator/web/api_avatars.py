"""One's own pictures through the API."""

from __future__ import annotations

from flask import Response, request

from authenticator.errors import AuthError
from authenticator.flows.avatars import address, chosen_id
from authenticator.http import guard
from authenticator.models import Avatar, User
from authenticator.web import schemas_account
from authenticator.web.api_endpoints import Endpoint
from authenticator.web.api_shapes import answer, moment, nothing

PICTURES = ("multipart/form-data", "image/png", "image/jpeg", "image/webp", "image/gif")


def avatars() -> Response:
    """List one's own pictures."""
    user = guard.require().user
    return answer([_shape(avatar, user) for avatar in guard.service().avatars(user)])


def add_avatar() -> Response:
    """Add a picture: as the body itself, or as the field `file` of a form.

    PNG, JPEG, WebP or the first frame of a GIF, of at most 5 MiB. Its middle is kept as a square of 512 pixels, and nothing else of it.
    The first picture is chosen at once; five are the most.
    """
    signed = guard.require_bearer()
    added = guard.service().add_avatar(signed.user, _sent(), guard.client())
    return answer(_shape(added, guard.service().user(signed.user.id) or signed.user), 201)


def change_avatar(id: str, body: schemas_account.AvatarChange) -> Response:
    """Choose the picture that is shown, or stop showing it."""
    auth, user = guard.service(), guard.require_bearer().user
    avatar = next((one for one in auth.avatars(user) if one.id == id), None)
    if avatar is None:
        raise AuthError("not_found")
    if body.chosen or chosen_id(auth.settings, user) == id:
        user = auth.choose_avatar(user, id if body.chosen else "")
    return answer(_shape(avatar, user))


def remove_avatar(id: str) -> Response:
    """Remove a picture."""
    guard.service().remove_avatar(guard.require_bearer().user, id, guard.client())
    return nothing()


def _sent() -> bytes:
    if request.mimetype != "multipart/form-data":
        return request.get_data()
    sent = request.files.get("file")
    if sent is None:
        raise AuthError("validation_failed", errors={"file": ("Please fill this in.",)})
    content: bytes = sent.read()
    return content


def _shape(avatar: Avatar, user: User) -> dict[str, object]:
    auth = guard.service()
    facts = {"id": avatar.id, "url": address(auth.settings, avatar.id)}
    return {**facts, "chosen": chosen_id(auth.settings, user) == avatar.id, "created_at": moment(avatar.created_at)}


ENDPOINTS = (
    Endpoint("GET", "/me/avatars", avatars, "Account", {200: schemas_account.Avatars}, access="session"),
    Endpoint(
        "POST",
        "/me/avatars",
        add_avatar,
        "Account",
        {201: schemas_account.Avatar},
        ("validation_failed", "conflict", "not_found", "busy", "rate_limited"),
        access="bearer",
        upload=PICTURES,
        idempotent=True,
    ),
    Endpoint(
        "PATCH",
        "/me/avatars/{id}",
        change_avatar,
        "Account",
        {200: schemas_account.Avatar},
        ("validation_failed", "not_found", "conflict"),
        body=schemas_account.AvatarChange,
        access="bearer",
        example={"chosen": True},
    ),
    Endpoint("DELETE", "/me/avatars/{id}", remove_avatar, "Account", {204: None}, ("not_found", "conflict"), access="bearer"),
)
