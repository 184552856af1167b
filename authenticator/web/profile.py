"""The page of one's profile: picture, names, language, country, user name and the operator's attributes."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from authenticator import pictures
from authenticator.errors import AuthError
from authenticator.flows.avatars import chosen_id
from authenticator.flows.outcomes import Signed
from authenticator.http import csrf
from authenticator.http.errors_page import refused
from authenticator.http.guard import client
from authenticator.http.hygiene import one
from authenticator.http.texts import gettext as _
from authenticator.kinds.base import Field
from authenticator.service import Service
from authenticator.web import moves, portrait, profile_form
from authenticator.web.seated import for_signed

DONE = {
    "saved": "Your profile was saved.",
    "username": "Your user name was saved.",
    "picture": "Your picture was added.",
    "chosen": "Your picture was changed.",
    "removed": "The picture was removed.",
}
USERNAME = Field(
    "username",
    "User name",
    required=False,
    autocomplete="username",
    max_length=64,
    help="Letters, digits and a few signs. You can sign in with it instead of an address.",
)
FILE = Field("file", "Picture", required=False)


def blueprint() -> Blueprint:
    """/account/profile."""
    pages = Blueprint("profile", __name__, url_prefix="/account/profile")
    csrf.protect(pages)
    seated = for_signed(render, page="profile.show")
    pages.add_url_rule("", "show", seated(_show), methods=["GET"], strict_slashes=False)
    pages.add_url_rule("", "save", seated(_save), methods=["POST"], strict_slashes=False)
    pages.add_url_rule("/username", "username", seated(_username), methods=["POST"])
    return pages


def _show(auth: Service, signed: Signed) -> Response:
    return render(auth, signed, message=_(DONE.get(one(request.args, "done"), "")))


def _save(auth: Service, signed: Signed) -> Response:
    auth.update_profile(signed, profile_form.changes(moves.answer(), auth.core.attributes, signed.user), client())
    return make_response(redirect(url_for("profile.show", done="saved"), 303))


def _username(auth: Service, signed: Signed) -> Response:
    auth.update_profile(signed, {"username": one(request.form, "username")}, client())
    return make_response(redirect(url_for("profile.show", done="username"), 303))


def render(auth: Service, signed: Signed, *, error: AuthError | None = None, message: str = "") -> Response:
    """The page; with an error, its status and what was typed."""
    user = auth.user(signed.user.id) or signed.user
    items = profile_form.profile_items(user)
    attributes = profile_form.attribute_items(auth.core.attributes, user)
    typed = request.form if request.endpoint == "profile.save" else {}
    values = {item.field.name: typed.get(item.field.name, "") if typed else item.value for item in (*items, *attributes)}
    values["username"] = request.form.get("username", user.username) if request.endpoint == "profile.username" else user.username
    body = render_template(
        "profile.html",
        error=error,
        message=message,
        items=items,
        attributes=attributes,
        values=values,
        username=USERNAME,
        fields=(*(item.field for item in (*items, *attributes)), USERNAME, FILE),
        portrait=portrait.of(auth, user),
        pictures=auth.avatars(user),
        chosen=chosen_id(auth.settings, user),
        offered=pictures.available(),
    )
    return refused(body, error) if error else make_response(body)
