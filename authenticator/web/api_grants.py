"""What applications hold of a person, through the API: listed, and taken back."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from authenticator.flows.holders import Holder
from authenticator.http import guard
from authenticator.http.hygiene import one
from authenticator.web import schemas_tokens as schemas
from authenticator.web.api_endpoints import Endpoint, Query
from authenticator.web.api_shapes import answer, moment, nothing
from authenticator.web.api_tokens import GROUP, last_used


def grants() -> Response:
    """List the applications that hold something of one's account: what, since when, and when it was last read."""
    return answer([_holder(holder) for holder in guard.service().holders(guard.require().user)])


def take_back(client_id: str) -> Response:
    """Take back all that an application was given. Its tokens stop working everywhere within a second."""
    guard.service().take_back(guard.require_bearer().user, client_id, guard.client())
    return nothing()


def take_back_all() -> Response:
    """Take back all that all applications were given; with `client_id` only what that one was, for ids that are addresses."""
    user, client_id = guard.require_bearer().user, one(request.args, "client_id")
    if client_id:
        guard.service().take_back(user, client_id, guard.client())
    else:
        guard.service().take_back_all(user, guard.client())
    return nothing()


def _holder(holder: Holder) -> dict[str, Any]:
    grant = holder.grant
    return {
        "client_id": holder.id,
        "name": holder.name,
        "scopes": list(holder.scopes),
        "claims": list(grant.claims) if grant else [],
        "resources": list(grant.resources) if grant else [],
        "given_at": moment(grant.created_at) if grant and not grant.unasked else None,
        "last_read": {scope: moment(at) for scope, at in grant.read_at.items()} if grant else {},
        "sessions": [
            {
                "id": key.id,
                "scopes": list(key.scopes),
                "offline": key.offline,
                "created_at": moment(key.created_at),
                "expires_at": moment(key.expires_at),
                **last_used(key),
            }
            for key in holder.keys
        ],
    }


_WHICH = Query("client_id", "The client id of one application.")

ENDPOINTS = (
    Endpoint("GET", "/me/grants", grants, GROUP, {200: schemas.Grants}, access="session"),
    Endpoint(
        "DELETE", "/me/grants", take_back_all, GROUP, {204: None}, ("not_found",), access="bearer", scope=guard.OWN_ONLY, query=(_WHICH,)
    ),
    Endpoint("DELETE", "/me/grants/{client_id}", take_back, GROUP, {204: None}, ("not_found",), access="bearer", scope=guard.OWN_ONLY),
)
