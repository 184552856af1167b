"""Administration by program: other people's accounts, for users who hold the permission."""

from __future__ import annotations

from dataclasses import replace

from flask import Response, request

from authenticator.errors import AuthError
from authenticator.flows.accounts import NewPerson
from authenticator.flows.outcomes import Signed
from authenticator.http import guard
from authenticator.models import Name, Status, User
from authenticator.web import api_shapes, schemas_activity
from authenticator.web import schemas as common
from authenticator.web import schemas_users as schemas
from authenticator.web.api_activity import ENDED, event, session, wants_ended
from authenticator.web.api_endpoints import Endpoint, Query
from authenticator.web.api_lists import PAGE, cursor, listed, page_size
from authenticator.web.api_shapes import answer, moment, nothing

SEARCH = {"email": "email", "phone_number": "phone", "username": "username", "id": "id"}
ADMIN = ("forbidden", "step_up_required", "not_found")


def users() -> Response:
    """List accounts, oldest first, or find one by its exact e-mail address, phone number, user name or id."""
    _may("users:read")
    auth = guard.service()
    wanted = [(kind, request.args[name]) for name, kind in SEARCH.items() if name in request.args]
    if len(wanted) > 1:
        raise AuthError("invalid_request", "Search by one thing at a time.")
    if wanted:
        found = auth.search_user(*wanted[0])
        return answer([api_shapes.user(found)] if found else [])
    return listed(auth.users(after=cursor(), limit=page_size()), api_shapes.user)


def create_user(body: schemas.NewUser) -> Response:
    """Make an account, and invite its owner."""
    signed = _may("users:write")
    name = Name(body.name.given, body.name.family, body.name.display)
    person = NewPerson(body.email, body.email_verified, body.phone_number, body.phone_number_verified, name, body.salutation, body.locale)
    made = guard.service().create_user(person, by=signed.user.id, invite=body.invite, client=guard.client())
    return answer(api_shapes.user(made), 201)


def user(id: str) -> Response:
    """Read an account."""
    _may("users:read")
    return answer(api_shapes.user(_user(id)))


def change_status(id: str, body: schemas.NewStatus) -> Response:
    """Suspend an account, close it, or let it in again, with the reason.

    Unless it becomes active, all its sign-ins end everywhere within a second.
    """
    signed = _may("users:write")
    found = _under(signed, id)
    guard.service().change_status(found, Status(body.status), why=body.reason, by=signed.user.id, client=guard.client())
    return answer(api_shapes.user(_user(id)))


def status_history(id: str) -> Response:
    """Read when an account's status changed, by whom and why."""
    _may("users:read")
    steps = guard.service().status_history(_user(id))
    shown = [
        {"before": step.before.value, "after": step.after.value, "reason": step.why, "by": step.by, "at": moment(step.at)} for step in steps
    ]
    return answer(shown)


def user_sessions(id: str) -> Response:
    """List an account's sign-ins, newest first: those that have not ended, or those that have."""
    _may("users:read")
    return listed(guard.service().sessions(_user(id), ended=wants_ended(), after=cursor(), limit=page_size()), session)


def end_user_sessions(id: str) -> Response:
    """End all sign-ins of an account."""
    signed = _may("users:write")
    ended = guard.service().end_sessions(_under(signed, id), "ended_by_operator", guard.client(), by=signed.user.id)
    return answer({"ended": ended})


def end_user_session(id: str, session_id: str) -> Response:
    """End one sign-in of an account."""
    signed = _may("users:write")
    guard.service().end_session(_under(signed, id), session_id, guard.client(), by=signed.user.id)
    return nothing()


def invite(id: str) -> Response:
    """Send an invitation (again): a link that lives for seven days; only the newest works."""
    signed = _may("users:write")
    guard.service().invite(_under(signed, id), by=signed.user.id, client=guard.client())
    return answer({}, 202)


def require_reset(id: str) -> Response:
    """Require a new password.

    All sign-ins end, and the owner is mailed a link. Nobody but her ever chooses a password.
    """
    signed = _may("users:write")
    guard.service().require_reset(_under(signed, id), by=signed.user.id, client=guard.client())
    return answer({}, 202)


def remove_user_factors(id: str) -> Response:
    """Remove the second steps of somebody who has lost them, after making sure that it is she who asks.

    All her sign-ins end, and she is told.
    """
    signed = _may("users:write")
    guard.service().remove_factors(_under(signed, id), by=signed.user.id, client=guard.client())
    return nothing()


def user_events(id: str) -> Response:
    """List what happened to an account, newest first."""
    _may("users:read")
    return listed(guard.service().events(_user(id), after=cursor(), limit=page_size()), event)


def all_events() -> Response:
    """List what happened to all accounts, newest first."""
    _may("users:read")
    return listed(guard.service().all_events(after=cursor(), limit=page_size()), event)


def _may(permission: str) -> Signed:
    signed = guard.require_bearer()
    guard.service().require_permission(signed, permission, guard.client())
    return signed


def _user(user_id: str) -> User:
    found = guard.service().user(user_id)
    if found is None:
        raise AuthError("not_found")
    return found


def _under(signed: Signed, user_id: str) -> User:
    """An account that this administrator may act on."""
    found = _user(user_id)
    guard.service().require_over(signed, found)
    return found


_SEARCH = tuple(Query(name, f"The exact {name.replace('_', ' ')}.") for name in SEARCH)
GROUP = "Administration"

_ALL = (
    Endpoint("GET", "/users", users, GROUP, {200: schemas.Users}, (*ADMIN, "validation_failed"), access="bearer", query=(*PAGE, *_SEARCH)),
    Endpoint(
        "POST",
        "/users",
        create_user,
        GROUP,
        {201: common.User},
        (*ADMIN, "email_taken", "phone_taken", "conflict"),
        schemas.NewUser,
        access="bearer",
        example={"email": "ada@example.com", "name": {"given": "Ada"}},
        idempotent=True,
    ),
    Endpoint("GET", "/users/{id}", user, GROUP, {200: common.User}, ADMIN, access="bearer"),
    Endpoint(
        "POST",
        "/users/{id}/status",
        change_status,
        GROUP,
        {200: common.User},
        (*ADMIN, "conflict"),
        schemas.NewStatus,
        access="bearer",
        example={"status": "suspended", "reason": "Sent spam."},
    ),
    Endpoint("GET", "/users/{id}/status", status_history, GROUP, {200: schemas.StatusHistory}, ADMIN, access="bearer"),
    Endpoint(
        "GET",
        "/users/{id}/sessions",
        user_sessions,
        GROUP,
        {200: schemas_activity.Sessions},
        ADMIN,
        access="bearer",
        query=(*PAGE, ENDED),
    ),
    Endpoint("DELETE", "/users/{id}/sessions", end_user_sessions, GROUP, {200: schemas.Ended}, ADMIN, access="bearer"),
    Endpoint("DELETE", "/users/{id}/sessions/{session_id}", end_user_session, GROUP, {204: None}, ADMIN, access="bearer"),
    Endpoint("POST", "/users/{id}/invite", invite, GROUP, {202: None}, ADMIN, access="bearer"),
    Endpoint("POST", "/users/{id}/require-reset", require_reset, GROUP, {202: None}, ADMIN, access="bearer"),
    Endpoint("DELETE", "/users/{id}/factors", remove_user_factors, GROUP, {204: None}, (*ADMIN, "conflict"), access="bearer"),
    Endpoint("GET", "/users/{id}/events", user_events, GROUP, {200: schemas_activity.Events}, ADMIN, access="bearer", query=PAGE),
    Endpoint("GET", "/events", all_events, GROUP, {200: schemas_activity.Events}, ADMIN, access="bearer", query=PAGE),
)
ENDPOINTS = tuple(replace(one, scope="users:read" if one.method == "GET" else "users:write") for one in _ALL)
