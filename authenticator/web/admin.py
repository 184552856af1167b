"""The administrators' pages that only show: the beginning, the providers, and everybody's history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, request, url_for

from authenticator.events import Event
from authenticator.flows.outcomes import Signed
from authenticator.http import csrf
from authenticator.http.hygiene import one
from authenticator.http.texts import gettext as _
from authenticator.service import Service
from authenticator.settings import PREFIX
from authenticator.web import activity, admin_applications, admin_lists, admin_permissions, admin_users, devices
from authenticator.web.admin_seated import administrator, page

STATES = {"ready": "ready", "emulated": "emulated", "unconfigured": "not set up", "failed": "failed"}


def blueprints() -> tuple[Blueprint, ...]:
    """/admin and all below."""
    pages = Blueprint("admin", __name__, url_prefix="/admin")
    csrf.protect(pages)
    pages.add_url_rule("", "show", administrator("")(_show), methods=["GET"])
    pages.add_url_rule("/providers", "providers", administrator("applications:read")(_providers), methods=["GET"])
    pages.add_url_rule("/history", "history", administrator("users:read")(_history), methods=["GET"])
    return (pages, admin_users.blueprint(), admin_applications.blueprint(), admin_permissions.blueprint())


def _show(auth: Service, signed: Signed) -> Response:
    return page("admin.html", signed, roles=sorted(auth.held_here(signed.user).roles))


def _providers(auth: Service, signed: Signed) -> Response:
    """What is installed and its state; needs are named as the settings that are missing, never what others hold."""
    found = sorted(auth.core.registry.found, key=lambda item: (item.kind != "provider", item.kind, item.label))
    kinds = [(kind, [item for item in found if item.kind == kind]) for kind in dict.fromkeys(item.kind for item in found)]
    return page("admin_providers.html", signed, kinds=kinds, states=STATES, prefix=PREFIX)


def _history(auth: Service, signed: Signed) -> Response:
    """All events, or those of one person, who is found as among the users."""
    after, who = one(request.args, "after") or None, one(request.args, "user").strip()
    found = admin_lists.user(auth, who) if who else None
    events = auth.events(found, after=after) if found else auth.all_events(after=after)
    people = _people(auth, events.items)
    facts: dict[str, Any] = {
        "events": () if who and not found else events.items,
        "people": people,
        "older": url_for("admin.history", after=events.next, user=who or None) if events.next and (found or not who) else "",
        "who": who,
        "person": found,
        "sentence": activity.sentence,
        "details": lambda event: details(auth, event, people),
        "alarming": activity.ALARMING,
        "device": devices.device,
        "place": devices.place,
    }
    return page("admin_history.html", signed, **facts)


def _people(auth: Service, events: Sequence[Event]) -> dict[str, str]:
    """Who these events happened to and who did it, by id, as far as those accounts are still there."""
    ids = {user_id for event in events for user_id in (event.user_id, event.detail.get("by")) if user_id}
    return {user.id: user.label for user in map(auth.user, ids) if user}


def details(auth: Service, event: Event, people: Mapping[str, str]) -> str:
    """All that an event says, for those who may see it all."""
    told = activity.details(auth, replace(event, detail={**event.detail, "by": ""}))
    by = event.detail.get("by", "")
    who = _("by %(who)s", who=people.get(by, by)) if by and by != event.user_id else ""
    said = ("provider", "factor", "code", "after", "by")
    further = [f"{name}: {value}" for name, value in event.detail.items() if name not in said and value]
    return " · ".join(part for part in (told, *further, who) if part)
