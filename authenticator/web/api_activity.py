"""One's own sign-ins and history through the API."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from authenticator.agents import describe
from authenticator.errors import AuthError
from authenticator.events import Event
from authenticator.http import guard
from authenticator.models import Session
from authenticator.web import schemas_activity as schemas
from authenticator.web.api_endpoints import Endpoint, Query
from authenticator.web.api_lists import PAGE, cursor, listed, page_size
from authenticator.web.api_shapes import moment, nothing

ENDED = Query("ended", "`true` lists those that have ended instead.", {"type": "string", "enum": ["true", "false"], "default": "false"})


def sessions() -> Response:
    """List one's own sign-ins, newest first: those that have not ended, or those that have."""
    signed = guard.require()
    page = guard.service().sessions(signed.user, ended=wants_ended(), after=cursor(), limit=page_size())
    return listed(page, lambda one: session(one, signed.session.id))


def end_session(id: str) -> Response:
    """End one of one's own sign-ins.

    A sign-in of somebody else is answered like one that never was.
    """
    guard.service().end_session(guard.require_bearer().user, id, guard.client())
    return nothing()


def end_other_sessions() -> Response:
    """End all of one's other sign-ins; this one stays."""
    guard.service().sign_out_others(guard.require_bearer(), guard.client())
    return nothing()


def events() -> Response:
    """List what happened to one's account, newest first."""
    page = guard.service().own_events(guard.require().user, after=cursor(), limit=page_size())
    return listed(page, event)


def wants_ended() -> bool:
    """The `ended` of this request; AuthError `invalid_request` unless it is true or false."""
    text = request.args.get("ended", "false")
    if text not in ("true", "false"):
        raise AuthError("invalid_request", errors={"ended": ("Give true or false.",)})
    return text == "true"


def session(one: Session, current: str = "") -> dict[str, Any]:
    """A sign-in; `current` is the id of the session that asks."""
    agent = describe(one.client.agent)
    ended = one.closed_at or (one.expires_at if one.expires_at <= guard.service().core.clock.now() else None)
    return {
        "id": one.id,
        "current": one.id == current,
        "provider": one.provider,
        "amr": list(one.amr),
        "address": one.client.address,
        "country": one.client.country or None,
        "agent": one.client.agent,
        "browser": agent.browser or None,
        "system": agent.system or None,
        "auth_time": moment(one.auth_time),
        "created_at": moment(one.created_at),
        "last_used_at": moment(one.used_at),
        "expires_at": moment(one.expires_at),
        "ended_at": moment(ended) if ended else None,
        "end_reason": (one.close_reason or "expired") if ended else None,
    }


def event(one: Event) -> dict[str, Any]:
    """Something that happened."""
    return {
        "id": one.id,
        "kind": one.kind,
        "at": moment(one.at),
        "user_id": one.user_id,
        "address": one.client.address or None,
        "country": one.client.country or None,
        "agent": one.client.agent or None,
        "detail": dict(one.detail),
    }


ENDPOINTS = (
    Endpoint("GET", "/me/sessions", sessions, "Sign-ins", {200: schemas.Sessions}, access="session", query=(*PAGE, ENDED)),
    Endpoint("DELETE", "/me/sessions/{id}", end_session, "Sign-ins", {204: None}, ("not_found",), access="bearer", scope=guard.OWN_ONLY),
    Endpoint("DELETE", "/me/sessions", end_other_sessions, "Sign-ins", {204: None}, access="bearer", scope=guard.OWN_ONLY),
    Endpoint("GET", "/me/events", events, "Sign-ins", {200: schemas.Events}, access="session", query=PAGE),
)
