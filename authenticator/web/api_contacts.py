"""One's own e-mail addresses and phone numbers, and free user names, through the API."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from flask import Response

from authenticator.flows.contacts import ContactKind
from authenticator.http import guard
from authenticator.identifiers import country_of_phone
from authenticator.models import Contact
from authenticator.web import schemas_contacts as schemas
from authenticator.web.api_endpoints import Endpoint
from authenticator.web.api_shapes import answer, moment, nothing
from authenticator.web.schemas import Shape


def emails() -> Response:
    """List one's own e-mail addresses, in the order in which they were added."""
    return _list("email")


def add_email(body: schemas.NewEmail) -> Response:
    """Add an e-mail address, to which a code and a link are sent.

    It counts for nothing until it is proved. The answer is the same where the address belongs to another account. Asks for a
    sign-in not older than a few minutes.
    """
    return _add("email", body.email)


def change_email(body: schemas.ContactChange, id: str) -> Response:  # noqa: ARG001  its shape says it all
    """Make a proved e-mail address the primary one. Asks for a sign-in not older than a few minutes."""
    return _promote("email", id)


def remove_email(id: str) -> Response:
    """Remove an e-mail address. Asks for a sign-in not older than a few minutes; the last way in stays."""
    return _remove("email", id)


def verify_email(body: schemas.ContactProof, id: str) -> Response:
    """Prove an e-mail address by its code (200), or have a new one sent (202)."""
    return _verify("email", id, body)


def phones() -> Response:
    """List one's own phone numbers with their countries, in the order in which they were added."""
    return _list("phone")


def add_phone(body: schemas.NewPhone) -> Response:
    """Add a phone number, to which a code is sent.

    It counts for nothing until it is proved. The answer is the same where the number belongs to another account. Asks for a
    sign-in not older than a few minutes.
    """
    return _add("phone", body.phone_number)


def change_phone(body: schemas.ContactChange, id: str) -> Response:  # noqa: ARG001  as above
    """Make a proved phone number the primary one. Asks for a sign-in not older than a few minutes."""
    return _promote("phone", id)


def remove_phone(id: str) -> Response:
    """Remove a phone number. Asks for a sign-in not older than a few minutes; the last way in stays."""
    return _remove("phone", id)


def verify_phone(body: schemas.ContactProof, id: str) -> Response:
    """Prove a phone number by its code (200), or have a new one sent (202)."""
    return _verify("phone", id, body)


def verify(body: schemas.LinkToken) -> Response:
    """Prove an e-mail address by the token of the link that was mailed to it, for the account that asked.

    Needs no sign-in; somebody else's is refused.
    """
    guard.service().prove_contact_by_link(body.token, guard.current(), guard.client())
    return nothing()


def username(name: str) -> Response:
    """Ask whether a user name is free. Twenty questions a minute and address."""
    found = guard.service().username_availability(name, guard.client())
    return answer({"username": name, "available": not found.reason, **({"reason": found.reason} if found.reason else {})})


def contact(one: Contact) -> dict[str, Any]:
    """An address or number."""
    facts = {"id": one.id, "value": one.value, "shown": one.shown, "verified": bool(one.proved_at), "primary": one.primary}
    facts["verified_at"] = moment(one.proved_at) if one.proved_at else None
    return {**facts, "country": country_of_phone(one.value) or None} if one.kind == "phone" else facts


def _list(kind: ContactKind) -> Response:
    return answer([contact(one) for one in guard.require().user.contacts if one.kind == kind])


def _add(kind: ContactKind, text: str) -> Response:
    return answer(contact(guard.service().add_contact(guard.require_bearer(), kind, text, guard.client())), 201)


def _promote(kind: ContactKind, id: str) -> Response:
    return answer(contact(guard.service().make_contact_primary(guard.require_bearer(), kind, id, guard.client())))


def _remove(kind: ContactKind, id: str) -> Response:
    guard.service().remove_contact(guard.require_bearer(), kind, id, guard.client())
    return nothing()


def _verify(kind: ContactKind, id: str, body: schemas.ContactProof) -> Response:
    user = guard.require_bearer().user
    if body.resend or body.code is None:
        guard.service().send_contact_code(user, kind, id, guard.client())
        return Response(status=202, content_type="application/json", response="{}")
    return answer(contact(guard.service().prove_contact(user, kind, id, body.code, guard.client())))


def _endpoints(path: str, views: Sequence[Callable[..., Response]], new: type[Shape], taken: str) -> Iterator[Endpoint]:
    """What can be done with addresses of one kind: listed, added, changed, removed and proved, by these views."""
    own = partial(Endpoint, group="Addresses", access="bearer", scope=guard.OWN_ONLY)
    one, entry = f"{path}/{{id}}", {200: schemas.ContactEntry}
    adding = ("step_up_required", "validation_failed", "conflict", "rate_limited")
    changing, removing = ("step_up_required", "not_found", "validation_failed"), ("step_up_required", "not_found", "last_sign_in_method")
    yield Endpoint("GET", path, views[0], "Addresses", {200: schemas.Contacts}, access="session")
    yield own("POST", path, views[1], answers={201: schemas.ContactEntry}, problems=adding, body=new, idempotent=True)
    yield own("PATCH", one, views[2], answers=entry, problems=changing, body=schemas.ContactChange)
    yield own("DELETE", one, views[3], answers={204: None}, problems=removing)
    yield Endpoint(
        "POST",
        f"{one}/verify",
        views[4],
        "Addresses",
        {**entry, 202: schemas.Sent},
        ("not_found", "invalid_code", "rate_limited", taken),
        body=schemas.ContactProof,
        body_required=False,
        access="bearer",
    )


ENDPOINTS = (
    *_endpoints("/me/emails", (emails, add_email, change_email, remove_email, verify_email), schemas.NewEmail, "email_taken"),
    *_endpoints("/me/phones", (phones, add_phone, change_phone, remove_phone, verify_phone), schemas.NewPhone, "phone_taken"),
    Endpoint("POST", "/verify", verify, "Addresses", {204: None}, ("invalid_link", "forbidden", "email_taken"), body=schemas.LinkToken),
    Endpoint("GET", "/usernames/{name}", username, "Account", {200: schemas.UsernameAvailability}, ("rate_limited",)),
)
