"""Refusals as a page: what is wrong, what to do next, and the id under which the log knows it."""

from __future__ import annotations

from flask import Response, make_response, render_template

from authenticator.errors import AuthError
from authenticator.http.texts import gettext as _

FAULT = "Something went wrong here. Try again; if it stays, tell the operator this reference."
HEADINGS = {
    400: "That did not work",
    401: "Please sign in",
    403: "Not allowed",
    404: "Page not found",
    409: "That can't be done",
    429: "One moment, please",
    503: "One moment, please",
}


def show(error: AuthError, status: int | None = None) -> Response:
    """The page for a refusal, with its status or the one given."""
    status = status or error.status
    heading = "Please try again" if error.code in ("csrf_failed", "challenge_expired") else HEADINGS.get(status, "That did not work")
    return refused(render_template("error.html", error=error, heading=_(heading), status=status), error, status)


def broken(reference: str) -> Response:
    """The page for a fault of ours; nothing of the fault is shown but the id that the log carries."""
    return make_response(
        render_template("error.html", error={"detail": FAULT, "reference": reference}, heading=_("That is our fault"), status=500), 500
    )


def refused(body: str, error: AuthError, status: int | None = None) -> Response:
    """A page about a refusal, with the refusal's status."""
    response = make_response(body, status or error.status)
    if error.retry_after:
        response.headers["Retry-After"] = str(error.retry_after)
    return response
