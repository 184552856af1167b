"""The page of what happened to one's account, newest first: every sign-in, every try, every change."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, request

from authenticator.errors import CODES, AuthError
from authenticator.events import Event
from authenticator.flows.history import OWNER
from authenticator.flows.outcomes import Signed
from authenticator.http import csrf
from authenticator.http.errors_page import refused
from authenticator.http.hygiene import one
from authenticator.http.texts import gettext as _
from authenticator.service import Service
from authenticator.web import devices, moves
from authenticator.web.seated import for_signed

SENTENCES = {
    "user_created": "The account was made",
    "signed_in": "Signed in",
    "sign_in_failed": "A sign-in did not succeed",
    "sign_in_refused": "A sign-in was refused",
    "second_step_failed": "The second step of a sign-in was wrong",
    "signed_out": "Signed out",
    "session_ended": "A sign-in was ended",
    "sessions_ended": "Sign-ins were ended",
    "refresh_reused": "A sign-in was ended because an old key to it was used again",
    "confirmed": "Confirmed once more",
    "new_device": "Signed in on a new device",
    "device_trusted": "A browser was trusted with signing in without the second step",
    "devices_forgotten": "Trusted browsers were forgotten",
    "identity_linked": "A way to sign in was added",
    "identity_unlinked": "A way to sign in was removed",
    "password_changed": "The password was changed",
    "password_reset_asked": "A new password was asked for",
    "password_reset": "The password was reset",
    "reset_required": "A new password is required",
    "factor_added": "A second step was added",
    "factor_removed": "A second step was removed",
    "recovery_codes_made": "New recovery codes were made",
    "recovery_code_used": "A recovery code was used",
    "email_proved": "An e-mail address was confirmed",
    "contact_added": "An address was added",
    "contact_proved": "An address was confirmed",
    "contact_removed": "An address was removed",
    "contact_made_primary": "An address became the primary one",
    "username_changed": "The user name was changed",
    "profile_changed": "The profile was changed",
    "avatar_added": "A picture was added",
    "avatar_removed": "A picture was removed",
    "export_made": "A copy of all data was made",
    "deletion_asked": "The account was deleted",
    "deletion_undone": "The deletion was undone",
    "user_erased": "The account was erased",
    "user_invited": "An invitation was sent",
    "user_imported": "The account was brought from elsewhere",
    "permissions_changed": "The permissions of the account were changed",
    "application_added": "An application was registered",
    "application_changed": "An application was changed",
    "application_disabled": "An application was shut out, and all that it was given has ended",
    "application_enabled": "An application was let in again",
    "application_removed": "An application was removed",
    "application_secret_added": "An application was given a new secret",
    "application_secret_removed": "A secret of an application was ended",
    "application_used": "An application was used",
    "consent_given": "An application was allowed to see your data",
    "consent_withdrawn": "An application may no longer see your data",
    "code_reused": "The access of an application was ended because a code was used twice",
    "device_approved": "A device was given access",
    "device_refused": "A device was refused access",
    "token_made": "An access token was made",
    "token_removed": "An access token was deleted",
    "application_told": "An application was told of the end of a sign-in",
    "application_not_told": "An application could not be told of the end of a sign-in",
    "roles_changed": "Roles or permissions of an application were changed",
    "permission_refused": "Something was refused because a permission was missing",
    "status_changed": "The status of the account was changed",
    "signing_key_added": "A new key for tokens was made",
}
ALARMING = frozenset(
    {"sign_in_failed", "sign_in_refused", "second_step_failed", "refresh_reused", "new_device", "code_reused", "permission_refused"}
)


def blueprint() -> Blueprint:
    """/account/history."""
    pages = Blueprint("activity", __name__, url_prefix="/account/history")
    csrf.protect(pages)
    pages.add_url_rule("", "show", for_signed(show, page="activity.show")(show), methods=["GET"])
    return pages


def show(auth: Service, signed: Signed, *, error: AuthError | None = None) -> Response:
    """The page, fifty events at a time."""
    page = auth.own_events(signed.user, after=None if error else one(request.args, "after") or None)
    facts = {
        "events": page.items,
        "older": page.next,
        "sentence": sentence,
        "details": lambda event: details(auth, event),
        "alarming": ALARMING,
        "device": devices.device,
        "place": devices.place,
    }
    body = render_template("activity.html", error=error, message="", **facts)
    return refused(body, error) if error else make_response(body)


def sentence(event: Event) -> str:
    """What happened, in the reader's language."""
    return _(SENTENCES[event.kind])


def details(auth: Service, event: Event) -> str:
    """By what way, why, and by whom, as far as that was somebody else."""
    parts = []
    if provider := event.detail.get("provider", ""):
        parts.append(_(moves.label(auth, provider) or provider))
    if name := event.detail.get("factor", ""):
        parts.append(factor(auth, name))
    if (code := event.detail.get("code", "")) in CODES:
        parts.append(_(CODES[code][1]))
    if after := event.detail.get("after", ""):
        parts.append(_(after))
    if event.detail.get("by") not in (None, "", event.user_id):
        parts.append(_("by whoever registered an application") if event.detail.get("as") == OWNER else _("by an administrator"))
    return " · ".join(parts)


def factor(auth: Service, name: str) -> str:
    """What a second step is called, in the reader's language."""
    found = auth.core.registry.factors.get(name)
    return _(found.label) if found else name
