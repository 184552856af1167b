"""The sign-in and sign-up pages: every way there is, and what went wrong with the one that was tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import Response, make_response, render_template, request

from authenticator.errors import AuthError
from authenticator.flows.outcomes import Entry
from authenticator.http.errors_page import refused
from authenticator.http.hygiene import one
from authenticator.kinds.base import Field
from authenticator.models import Intent
from authenticator.service import Service
from authenticator.web import moves

TEMPLATES = {Intent.SIGN_IN: "sign_in.html", Intent.SIGN_UP: "sign_up.html"}


@dataclass(frozen=True)
class WaysPage:
    """What the templates `sign_in.html` and `sign_up.html` show: the form of `forms` that comes first, and a button for each other way.

    `buttons` are forms without anything to type. `tried` is the provider whose form was sent or asked for.
    """

    forms: tuple[Entry, ...]
    buttons: tuple[Entry, ...]
    redirects: tuple[Entry, ...]
    return_to: str
    carried: Mapping[str, str]
    sign_up_open: bool
    values: Mapping[str, str] = field(default_factory=dict)
    error: AuthError | None = None
    tried: str = ""
    focus: str = ""
    prefix: str = ""
    fields: tuple[Field, ...] = ()
    signed_out: str | None = None


def show(
    service: Service, intent: Intent, *, error: AuthError | None = None, tried: str = "", return_to: str = "", signed_out: str | None = None
) -> Response:
    """The page; with an error, its status."""
    entries = service.entries(intent)
    forms = tuple(entry for entry in entries if entry.kind == "form" and entry.typed)
    hint = one(request.args, "login_hint")[:320]
    forms = tuple(sorted(forms, key=lambda entry: entry.name != tried))
    mine = forms[0] if forms else None
    page = WaysPage(
        forms=forms,
        buttons=tuple(entry for entry in entries if entry.kind == "form" and not entry.typed),
        redirects=tuple(entry for entry in entries if entry.kind == "redirect"),
        return_to=return_to or moves.wanted(service),
        carried=moves.carried(return_to or moves.wanted(service), hint),
        sign_up_open=service.settings.sign_up_open,
        values=_values(forms, hint),
        error=error,
        tried=tried,
        focus=_focus(mine, error),
        prefix=f"{mine.name}-" if mine else "",
        fields=mine.fields if mine else (),
        signed_out=signed_out,
    )
    body = render_template(TEMPLATES[intent], page=page)
    return refused(body, error) if error else make_response(body)


def _values(forms: tuple[Entry, ...], hint: str) -> dict[str, str]:
    """What stands in the fields: the hint, or what was typed; never a password."""
    values = {
        field.name: hint
        for entry in forms
        for field in entry.fields
        if hint and (field.type == "email" or field.autocomplete == "username")
    }
    secret = {field.name for entry in forms for field in entry.fields if field.type in ("password", "code")}
    typed = {name: value[:1024] for name, value in request.form.items() if name not in secret and name not in moves.OURS}
    return values | typed


def _focus(entry: Entry | None, error: AuthError | None) -> str:
    """The field to look at first: one at fault, else after a refusal the secret."""
    if entry is None or error is None:
        return ""
    at_fault = [field.name for field in entry.fields if field.name in error.errors]
    secrets = [field.name for field in entry.fields if field.type == "password"]
    return next(iter(at_fault or (secrets if error.code == "invalid_credentials" else [])), "")
