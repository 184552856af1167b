"""What the pages of e-mail addresses and of phone numbers have in common: the list, the codes, and what may be done with each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from authenticator.errors import AuthError
from authenticator.flows.contacts import FIELDS, MOST, ContactKind
from authenticator.flows.outcomes import Signed
from authenticator.http import csrf
from authenticator.http.errors_page import refused
from authenticator.http.guard import client
from authenticator.http.hygiene import one
from authenticator.http.texts import gettext as _
from authenticator.kinds.codes import CODE
from authenticator.models import Contact
from authenticator.service import Service
from authenticator.web.seated import for_signed


@dataclass(frozen=True)
class Area:
    """One of the two pages: its blueprint's `name`, what it lists, and its words.

    `shown` is how a contact reads on the page, `about` what is said of it besides.
    """

    name: str
    kind: ContactKind
    words: Mapping[str, str]
    shown: Callable[[Contact], str]
    about: Callable[[Contact], str]


def blueprint(area: Area) -> Blueprint:
    """/account/emails or /account/phones."""
    pages = Blueprint(area.name, __name__, url_prefix=f"/account/{area.name}")
    csrf.protect(pages)
    views = _Views(area)
    seated = for_signed(views.show, page=f"{area.name}.show")
    pages.add_url_rule("", "show", seated(views.show), methods=["GET"])
    pages.add_url_rule("", "add", seated(views.add), methods=["POST"])
    for path in ("verify", "resend", "primary", "remove"):
        pages.add_url_rule(f"/<contact_id>/{path}", path, seated(getattr(views, path)), methods=["POST"])
    return pages


class _Views:
    """The views of one area."""

    def __init__(self, area: Area) -> None:
        self._area = area

    def show(self, auth: Service, signed: Signed, *, error: AuthError | None = None) -> Response:
        """The page. After a refusal the form that was sent shows what is wrong; what was typed stays, but codes."""
        area, field = self._area, FIELDS[self._area.kind]
        tried = (request.view_args or {}).get("contact_id", "")
        facts = {
            "area": area,
            "contacts": [one for one in signed.user.contacts if one.kind == area.kind],
            "field": field,
            "code": CODE,
            "full": sum(one.kind == area.kind for one in signed.user.contacts) >= MOST,
            "tried": tried,
            "values": {field.name: request.form.get(field.name, "")},
            "message": _(area.words.get(one(request.args, "done"), "")) if request.method == "GET" else "",
        }
        body = render_template("contacts.html", error=error, **facts)
        return refused(body, error) if error else make_response(body)

    def add(self, auth: Service, signed: Signed) -> Response:
        text = one(request.form, FIELDS[self._area.kind].name)
        auth.add_contact(signed, self._area.kind, text, client())
        return self._done("added")

    def verify(self, auth: Service, signed: Signed, contact_id: str) -> Response:
        auth.prove_contact(signed.user, self._area.kind, contact_id, one(request.form, "code"), client())
        return self._done("proved")

    def resend(self, auth: Service, signed: Signed, contact_id: str) -> Response:
        auth.send_contact_code(signed.user, self._area.kind, contact_id, client())
        return self._done("sent")

    def primary(self, auth: Service, signed: Signed, contact_id: str) -> Response:
        auth.make_contact_primary(signed, self._area.kind, contact_id, client())
        return self._done("primary")

    def remove(self, auth: Service, signed: Signed, contact_id: str) -> Response:
        auth.remove_contact(signed, self._area.kind, contact_id, client())
        return self._done("removed")

    def _done(self, what: str) -> Response:
        return make_response(redirect(url_for(f"{self._area.name}.show", done=what), 303))
