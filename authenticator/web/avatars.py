"""Pictures on pages: adding, choosing and removing one's own, and the address under which each is served."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, request, url_for

from authenticator.errors import AuthError
from authenticator.flows.outcomes import Signed
from authenticator.http import csrf
from authenticator.http.guard import client, service
from authenticator.service import Service
from authenticator.web import profile
from authenticator.web.seated import for_signed

KEEP = "private, max-age=86400, immutable"  # not for shared caches: what is removed should soon be gone
POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"


def blueprint() -> Blueprint:
    """Posts of the profile page, and GET /avatars/<id>."""
    routes = Blueprint("avatars", __name__)
    csrf.protect(routes)
    seated = for_signed(profile.render, page="profile.show")
    routes.add_url_rule("/account/avatars", "upload", seated(_upload), methods=["POST"])
    routes.add_url_rule("/account/avatars/<avatar_id>/choose", "choose", seated(_choose), methods=["POST"])
    routes.add_url_rule("/account/avatars/<avatar_id>/remove", "remove", seated(_remove), methods=["POST"])
    routes.add_url_rule("/avatars/<avatar_id>", "show", _show, methods=["GET"])
    return routes


def _upload(auth: Service, signed: Signed) -> Response:
    sent = request.files.get("file")
    content = sent.read() if sent else b""
    if not content:
        raise AuthError("validation_failed", errors={"file": ("Choose a picture first.",)})
    try:
        auth.add_avatar(signed.user, content, client())
    except AuthError as error:
        if error.code in ("unsupported_media_type", "body_too_large", "validation_failed"):
            error.errors = {"file": (error.detail,)}
        raise
    return _back("picture")


def _choose(auth: Service, signed: Signed, avatar_id: str) -> Response:
    auth.choose_avatar(signed.user, "" if avatar_id == "none" else avatar_id)
    return _back("chosen")


def _remove(auth: Service, signed: Signed, avatar_id: str) -> Response:
    auth.remove_avatar(signed.user, avatar_id, client())
    return _back("removed")


def _back(done: str) -> Response:
    return make_response(redirect(url_for("profile.show", done=done), 303))


def _show(avatar_id: str) -> Response:
    """A picture: never more than that, wherever it is opened. Its address is never used for another one."""
    avatar = service().avatar(avatar_id)
    if avatar is None:
        raise AuthError("not_found")
    response = make_response(avatar.content)
    response.headers["Content-Type"] = avatar.media_type
    response.headers["Cache-Control"] = KEEP
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"  # applications show it on their own pages
    response.set_etag(avatar.id)
    response.make_conditional(request)
    return response
