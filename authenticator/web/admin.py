"""The administrators' pages that only show: the beginning, the providers, and everybody's history."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, request, url_for

from authenticator.events import Event
from authenticator.flows.outcomes import Signed
from authenticator.http import csrf
from authenticator.http.hygiene import one
from authenticator.service import Service
from authenticator.settings import PREFIX
from authenticator.web import activity, admin_applications, admin_permissions, admin_users, devices
from authenticator.web.admin_seated import administrator, may, page

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
    """All events, or one person's."""
    after, who = one(request.args, "after") or None, one(request.args, "user")
    found = auth.user(who) if who else None
    events = auth.events(found, after=after) if found else auth.all_events(after=after)
    facts: dict[str, Any] = {
        "events": () if who and not found else events.items,
        "older": url_for("admin.history", after=events.next, user=who or None) if events.next and (found or not who) else "",
        "who": who,
        "person": found,
        "linked": may(signed, "users:read"),
        "sentence": activity.sentence,
        "details": lambda event: details(auth, event),
        "alarming": activity.ALARMING,
        "device": devices.device,
        "place": devices.place,
    }
    return page("admin_history.html", signed, **facts)


def details(auth: Service, event: Event) -> str:
    """All that an event says, for those who may see it all."""
    told = activity.details(auth, replace(event, detail={**event.detail, "by": ""}))
    further = [f"{name}: {value}" for name, value in event.detail.items() if name not in ("provider", "factor", "code", "after") and value]
    return " · ".join(part for part in (told, *further) if part)
