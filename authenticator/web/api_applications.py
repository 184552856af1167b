"""Applications by program: the operator's for administrators, and people's own for themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Response, request

from authenticator.applications import OWN, Application, ClientSecret
from authenticator.errors import AuthError
from authenticator.flows import permissions
from authenticator.flows.applications import secret_name
from authenticator.flows.client_metadata import described
from authenticator.flows.outcomes import Signed
from authenticator.http import guard
from authenticator.models import Page
from authenticator.web import schemas_applications as schemas
from authenticator.web.api_endpoints import Endpoint, Query
from authenticator.web.api_lists import PAGE, cursor, listed, page_size
from authenticator.web.api_shapes import answer, moment, nothing

GROUP = "Applications"
READ, WRITE = "applications:read", "applications:write"
LONGEST_OVERLAP = 8760  # hours


def applications() -> Response:
    """List applications, oldest first: all for administrators, otherwise one's own."""
    _, owner = _asker(READ)
    page = guard.service().applications(owner=owner, after=cursor(), limit=page_size())
    return listed(Page(tuple(one for one in page.items if one.id != OWN), page.next), _shown)


def create_application(body: schemas.Registration) -> Response:
    """Register an application: the operator's by an administrator, otherwise one's own.

    The answer holds its secret, this once.
    """
    signed, owner = _asker(WRITE)
    metadata = body.model_dump(exclude_unset=True)
    made = guard.service().register_application(metadata, owner=None if owner is None else signed.user, **_by(signed))
    return answer({**_shown(made.application), "client_secret": made.secret or None}, 201)


def application(id: str) -> Response:
    """Read an application."""
    return answer(_shown(_found(id, READ)[1]))


def change_application(id: str, body: schemas.Change) -> Response:
    """Change an application, shut it out, or let it in again."""
    (signed, found), auth = _found(id, WRITE), guard.service()
    changes = body.model_dump(exclude_unset=True)
    enabled = changes.pop("enabled", None)
    if changes:
        found = auth.change_application(found, changes, **_by(signed))
    if enabled:
        found = auth.enable_application(found, **_by(signed))
    elif enabled is not None:
        found = auth.disable_application(found, by=signed.user.id, client=guard.client())
    return answer(_shown(found))


def delete_application(id: str) -> Response:
    """Remove an application, with all consents to it and all that it was given."""
    signed, found = _found(id, WRITE)
    guard.service().remove_application(found, by=signed.user.id, client=guard.client())
    return nothing()


def add_application_secret(id: str) -> Response:
    """Make one more secret; the others go on working. The answer holds it, this once."""
    signed, found = _found(id, WRITE)
    changed, text = guard.service().add_client_secret(found, **_by(signed))
    return answer({**_secret(changed.secrets[-1]), "client_secret": text}, 201)


def remove_application_secret(id: str, secret_id: str) -> Response:
    """Let a secret end, at once or after some hours."""
    signed, found = _found(id, WRITE)
    guard.service().remove_client_secret(found, secret_id, after=_overlap(), by=signed.user.id, client=guard.client())
    return nothing()


def _asker(permission: str) -> tuple[Signed, str | None]:
    """Who asks, and whose applications she may have to do with: everybody's (None), or her own only.

    AuthError `forbidden` for people where they register none.
    """
    signed, auth = guard.require_bearer(), guard.service()
    if auth.core.oidc.people_register and permission not in auth.permissions_of(signed.user):
        guard.require_scope(guard.OWN_ONLY)
        return signed, signed.user.id
    auth.require_permission(signed, permission, guard.client())
    return signed, None


def _by(signed: Signed) -> dict[str, Any]:
    """Who does it, and by what."""
    return {"by": signed.user.id, "bounds": permissions.bounds_of(signed), "client": guard.client()}


def _found(client_id: str, permission: str) -> tuple[Signed, Application]:
    signed, owner = _asker(permission)
    return signed, guard.service().application(client_id, owner=owner)


def _overlap() -> timedelta:
    text = request.args.get("after_hours", "0")
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and int(text) <= LONGEST_OVERLAP):
        raise AuthError("invalid_request", errors={"after_hours": (f"Give a number up to {LONGEST_OVERLAP}.",)})
    return timedelta(hours=int(text))


def _shown(found: Application) -> dict[str, Any]:
    """An application as the API shows it; what is not registered is None."""
    told = described(found)
    return {
        **{name: told.get(name) for name in schemas.Registration.model_fields},
        "client_id": found.id,
        "enabled": found.enabled,
        "registration": found.registration,
        "owner": found.owner or None,
        "secrets": [_secret(one) for one in found.secrets],
        "created_at": moment(found.created_at),
        "updated_at": moment(found.updated_at),
    }


def _secret(secret: ClientSecret) -> dict[str, Any]:
    ends = moment(secret.expires_at) if secret.expires_at else None
    return {"id": secret_name(secret), "created_at": moment(secret.created_at), "expires_at": ends}


REFUSALS = ("forbidden", "step_up_required", "not_found")
EXAMPLE = {"client_name": "Shop", "redirect_uris": ["https://shop.example/auth/callback"]}
OVERLAP = Query("after_hours", "How many hours it goes on working.", {"type": "integer", "minimum": 0, "maximum": LONGEST_OVERLAP})
ENDPOINTS = (
    Endpoint("GET", "/applications", applications, GROUP, {200: schemas.Applications}, REFUSALS, access="bearer", scope=READ, query=PAGE),
    Endpoint(
        "POST",
        "/applications",
        create_application,
        GROUP,
        {201: schemas.MadeApplication},
        (*REFUSALS, "conflict"),
        schemas.Registration,
        access="bearer",
        scope=WRITE,
        example=EXAMPLE,
        idempotent=True,
    ),
    Endpoint("GET", "/applications/{id}", application, GROUP, {200: schemas.ApplicationEntry}, REFUSALS, access="bearer", scope=READ),
    Endpoint(
        "PATCH",
        "/applications/{id}",
        change_application,
        GROUP,
        {200: schemas.ApplicationEntry},
        (*REFUSALS, "conflict"),
        schemas.Change,
        access="bearer",
        scope=WRITE,
        example={"client_name": "Better Shop"},
    ),
    Endpoint("DELETE", "/applications/{id}", delete_application, GROUP, {204: None}, REFUSALS, access="bearer", scope=WRITE),
    Endpoint(
        "POST",
        "/applications/{id}/secrets",
        add_application_secret,
        GROUP,
        {201: schemas.MadeSecret},
        (*REFUSALS, "conflict"),
        access="bearer",
        scope=WRITE,
    ),
    Endpoint(
        "DELETE",
        "/applications/{id}/secrets/{secret_id}",
        remove_application_secret,
        GROUP,
        {204: None},
        (*REFUSALS, "conflict"),
        access="bearer",
        scope=WRITE,
        query=(OVERLAP,),
    ),
)
