"""The administrators' pages about accounts: find, invite, suspend, sign out, give and take roles."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time
from itertools import islice
from typing import Any

from flask import Blueprint, Response, make_response, redirect, request, url_for

from authenticator.applications import OWN, Application, Assignment
from authenticator.errors import AuthError
from authenticator.flows import permissions, roles
from authenticator.flows.accounts import NewPerson
from authenticator.flows.outcomes import Signed
from authenticator.http import csrf
from authenticator.http.guard import client
from authenticator.http.hygiene import one
from authenticator.kinds.base import Field
from authenticator.models import Name, Status, User, every
from authenticator.service import Service
from authenticator.web import activity, admin_lists, devices, moves
from authenticator.web.admin_lists import Looked
from authenticator.web.admin_seated import administrator, may, page

DONE = {
    "made": "The account was made, and its owner invited.",
    "status": "The status was changed.",
    "ended": "The sign-in was ended.",
    "all_ended": "All sign-ins were ended.",
    "invited": "An invitation is on its way.",
    "reset": "A new password is required, and a link is on its way.",
    "without": "The second steps were removed, and all sign-ins ended.",
    "given": "It was given.",
    "taken": "It was removed.",
}
NEW = (
    Field("email", "E-mail address", "email", max_length=254, autocomplete="off"),
    Field("given_name", "First name", required=False, max_length=100),
    Field("family_name", "Last name", required=False, max_length=100),
)
REASON = Field("reason", "Reason", max_length=500, help="Kept in the history of the account.")
RESOURCE = Field(
    "resource", "Only for", required=False, max_length=200, help="One thing, like projects/7, or projects/* for all that begin so."
)
UNTIL = Field("until", "Last day", required=False, max_length=10, help="As in 2027-01-31; without it, for good.")
SURE = Field("sure", "I have made sure that it is the owner who asks", "checkbox")
ONLY = {"suspended": "suspended", "closed": "closed", "leaving": "leaving", "permitted": "has permissions"}
SESSIONS = 20


def blueprint() -> Blueprint:
    """/admin/users."""
    pages = Blueprint("admin_users", __name__, url_prefix="/admin/users")
    csrf.protect(pages)
    pages.add_url_rule("", "show", administrator("users:read")(show), methods=["GET"])
    pages.add_url_rule("", "add", administrator("users:write", show)(_add), methods=["POST"])
    pages.add_url_rule("/<id>", "user", administrator("users:read")(user), methods=["GET"])
    for path, endpoint, permission, view in (
        ("/<id>/status", "status", "users:write", _status),
        ("/<id>/sessions/end", "end_all", "users:write", _end_all),
        ("/<id>/sessions/<session_id>/end", "end", "users:write", _end),
        ("/<id>/invite", "invite", "users:write", _invite),
        ("/<id>/require-reset", "require_reset", "users:write", _require_reset),
        ("/<id>/second-steps/remove", "remove_factors", "users:write", _remove_factors),
        ("/<id>/permissions", "give", "permissions:write", _give),
        ("/<id>/permissions/<assignment_id>/take", "take", "permissions:write", _take),
    ):
        pages.add_url_rule(path, endpoint, administrator(permission, user)(view), methods=["POST"])
    return pages


def show(auth: Service, signed: Signed, *, error: AuthError | None = None) -> Response:
    """The list, oldest first, or those of one kind, or whoever is looked for by exactly what she is called."""
    wanted, only = one(request.args, "q").strip(), one(request.args, "only")
    facts: dict[str, Any] = {
        "looked": _looked(auth, wanted, only, one(request.args, "after") or None),
        "q": wanted,
        "only": only if only in ONLY else "",
        "kinds": ONLY,
        "fields": NEW,
        "values": {field.name: one(request.form, field.name) for field in NEW} if error else {},
    }
    return page("admin_users.html", signed, error=error, done=DONE, **facts)


def _looked(auth: Service, wanted: str, only: str, after: str | None) -> Looked[User]:
    if wanted:
        found = admin_lists.user(auth, wanted)
        return Looked([found] if found else [])
    if only in ONLY:

        def fits(user: User) -> User | None:
            return user if (bool(user.assignments) if only == "permitted" else user.status == only) else None

        return admin_lists.look_through(lambda start: auth.users(after=start, limit=200), fits, after)
    listed = auth.users(after=after, limit=50)
    return Looked(list(listed.items), len(listed.items), listed.next or "")


def _add(auth: Service, signed: Signed) -> Response:
    name = Name(one(request.form, "given_name").strip()[:100], one(request.form, "family_name").strip()[:100])
    made = auth.create_user(NewPerson(one(request.form, "email"), name=name), by=signed.user.id, invite=True, client=client())
    return _to(made.id, "made")


def user(auth: Service, signed: Signed, *, id: str, error: AuthError | None = None, **_parts: str) -> Response:
    """One account: its ways in, sign-ins, status, what it may do, and what happened to it lately."""
    found = _user(auth, id)
    now = auth.core.clock.now()
    known = _applications(auth) if may(signed, "permissions:read") else []
    sessions = auth.sessions(found, after=one(request.args, "sessions") or None, limit=SESSIONS)
    facts: dict[str, Any] = {
        "user": found,
        "ways": list(dict.fromkeys(moves.label(auth, key.provider) or key.provider for key in auth.identities(found))),
        "factors": [activity.factor(auth, name) for name in found.factors],
        "sessions": sessions.items,
        "further": sessions.next,
        "steps": list(reversed(auth.status_history(found))),
        "statuses": [status for status in (Status.ACTIVE, Status.SUSPENDED, Status.CLOSED) if status is not found.status],
        "given": [
            (item, roles.id_of(item), permissions.alive(item, now), _name(auth, known, item.application)) for item in found.assignments
        ],
        "offers": [(item, permissions.roles(item).values(), permissions.declared(item)) for item in known],
        "events": auth.events(found, limit=5).items,
        "sentence": activity.sentence,
        "device": devices.device,
        "place": devices.place,
        "fields": (REASON, RESOURCE, UNTIL, SURE),
        "values": {name: one(request.form, name) for name in ("reason", "resource", "until")} if error else {},
        "herself": found.id == signed.user.id,
    }
    return page("admin_user.html", signed, error=error, done=DONE, **facts)


def _status(auth: Service, signed: Signed, *, id: str) -> Response:
    found, wanted, why = _under(auth, signed, id), one(request.form, "status"), one(request.form, "reason").strip()
    if wanted not in ("active", "suspended", "closed"):
        raise AuthError("invalid_request")
    if not why or len(why) > 500:
        raise AuthError("validation_failed", errors={"reason": ("Say why, in no more than 500 characters.",)})
    auth.change_status(found, Status(wanted), why=why, by=signed.user.id, client=client())
    return _to(id, "status")


def _end_all(auth: Service, signed: Signed, *, id: str) -> Response:
    auth.end_sessions(_under(auth, signed, id), "ended_by_operator", client(), by=signed.user.id)
    return _to(id, "all_ended")


def _end(auth: Service, signed: Signed, *, id: str, session_id: str) -> Response:
    auth.end_session(_under(auth, signed, id), session_id, client(), by=signed.user.id)
    return _to(id, "ended")


def _invite(auth: Service, signed: Signed, *, id: str) -> Response:
    auth.invite(_under(auth, signed, id), by=signed.user.id, client=client())
    return _to(id, "invited")


def _require_reset(auth: Service, signed: Signed, *, id: str) -> Response:
    auth.require_reset(_under(auth, signed, id), by=signed.user.id, client=client())
    return _to(id, "reset")


def _remove_factors(auth: Service, signed: Signed, *, id: str) -> Response:
    found = _under(auth, signed, id)
    if one(request.form, SURE.name) != "1":
        raise AuthError("validation_failed", errors={SURE.name: ("Tick this to remove them.",)})
    auth.remove_factors(found, by=signed.user.id, client=client())
    return _to(id, "without")


def _give(auth: Service, signed: Signed, *, id: str) -> Response:
    kind, _, rest = one(request.form, "what").partition("|")
    name, _, application = rest.partition("|")
    if kind not in ("role", "permission"):
        raise AuthError("validation_failed", errors={"what": ("Choose a role or a permission.",)})
    given = Assignment(application, resource=one(request.form, "resource").strip(), expires_at=_end_of(one(request.form, "until").strip()))
    given = replace(given, role=name) if kind == "role" else replace(given, permission=name)
    auth.assign(signed, _user(auth, id), given, client())
    return _to(id, "given")


def _take(auth: Service, signed: Signed, *, id: str, assignment_id: str) -> Response:
    found = _user(auth, id)
    given = next((item for item in found.assignments if roles.id_of(item) == assignment_id), None)
    if given is None:
        raise AuthError("not_found")
    auth.unassign(signed, found, given, client())
    return _to(id, "taken")


def _end_of(day: str) -> datetime | None:
    """The end of a day in UTC, or nothing."""
    try:
        found = datetime.strptime(day, "%Y-%m-%d").date() if day else None  # noqa: DTZ007 (a day has no zone)
    except ValueError:
        raise AuthError("validation_failed", errors={"until": ("Write the day as in 2027-01-31.",)}) from None
    return datetime.combine(found, time(23, 59, 59), UTC) if found else None


def _applications(auth: Service) -> list[Application]:
    """This service first, then the others of which something can be given."""
    found = every(lambda after: auth.applications(after=after, limit=200))
    others = (item for item in islice(found, admin_lists.LOOKED_AT) if item.id != OWN)
    return [auth.application_with_roles(), *(item for item in others if item.roles or item.permissions)]


def _name(auth: Service, known: list[Application], application_id: str) -> str:
    """What an application is called; its id where it is gone."""
    found = next((item for item in known if item.id == application_id), None) or auth.core.store.application(application_id)
    return found.name if found else application_id


def _user(auth: Service, user_id: str) -> User:
    found = auth.user(user_id)
    if found is None:
        raise AuthError("not_found")
    return found


def _under(auth: Service, signed: Signed, user_id: str) -> User:
    """An account that this administrator may act on."""
    found = _user(auth, user_id)
    auth.require_over(signed, found)
    return found


def _to(user_id: str, done: str) -> Response:
    return make_response(redirect(url_for("admin_users.user", id=user_id, done=done), 303))
