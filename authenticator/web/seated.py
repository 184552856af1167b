"""Pages of somebody signed in: who may see them, how a refusal is shown, and the proof asked for on the way."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Protocol

from flask import Response, make_response, redirect, render_template, request, url_for

from authenticator.errors import AuthError
from authenticator.flows.outcomes import Entry, Signed
from authenticator.http.errors_page import refused
from authenticator.http.guard import by_cookie, service
from authenticator.models import Intent
from authenticator.service import Service

View = Callable[..., Response]
PAGES = (  # what the navigation leads to, as far as it is there: endpoint and label
    ("account.show", "Overview"),
    ("profile.show", "Profile"),
    ("emails.show", "E-mail"),
    ("phones.show", "Phone"),
    ("password.show", "Password"),
    ("two_step.show", "Two-step"),
    ("sessions.show", "Devices"),
    ("granted.show", "Applications"),
    ("personal_tokens.show", "Access tokens"),
    ("own_applications.show", "Your applications"),
    ("activity.show", "History"),
    ("data.show", "Data"),
)


class Show(Protocol):
    """Renders a page, with an error under its status."""

    def __call__(self, auth: Service, signed: Signed, *, error: AuthError | None = None) -> Response: ...


def for_signed(show: Show, *, page: str = "account.show") -> Callable[[View], View]:
    """Hand the service and the signed-in person to a view; anybody else is sent to sign in first.

    A refusal is told by `show`. Where fresh proof is wanted, the person is asked for it and then led to `page`, an endpoint.
    """

    def wrap(view: View) -> View:
        @functools.wraps(view)
        def seated(**parts: str) -> Response:
            auth, signed = service(), by_cookie()
            if signed is None:
                back = request.full_path.rstrip("?") if request.method == "GET" else url_for(page)
                return make_response(redirect(url_for("pages.sign_in", return_to=request.script_root + back), 303))
            try:
                return view(auth, signed, **parts)
            except AuthError as error:
                if error.code == "step_up_required":
                    return ask_for_proof(auth, signed, error, back=url_for(page))
                return show(auth, signed, error=error)

        return seated

    return wrap


def ask_for_proof(auth: Service, signed: Signed, error: AuthError, *, back: str) -> Response:
    """The page on which a signed-in person proves once more that it is she; afterwards she is led to `back`."""
    body = render_template("confirm.html", ways=ways_to_confirm(auth, signed), back=back)
    return refused(body, error)


def ways_to_confirm(auth: Service, signed: Signed) -> tuple[Entry, ...]:
    """The ways in that this person has and that can confirm."""
    mine = {key.provider for key in auth.identities(signed.user)}
    return tuple(entry for entry in auth.entries(Intent.CONFIRM) if entry.name in mine)
