"""Users and their history of status, as records: everything personal is in one sealed text."""

from __future__ import annotations

import json
from typing import Any

from authenticator.applications import OWN, Assignment
from authenticator.models import Contact, Device, Name, Status, StatusChange, User
from authenticator.storage.records.basics import Record, dumps, maybe_millis, maybe_moment, millis, moment
from authenticator.storage.sealing import Sealer


def user_record(user: User, sealer: Sealer) -> dict[str, Any]:
    person = {
        "name": [user.name.given, user.name.family, user.name.display],
        "salutation": user.salutation,
        "username": user.username,
        "contacts": [[item.id, item.kind, item.value, item.shown, maybe_millis(item.proved_at), item.primary] for item in user.contacts],
        "country": user.country,
        "locale": user.locale,
        "picture": user.picture,
        "attributes": dict(user.attributes),
        "factors": user.factors,
        "assignments": [_assignment_list(item) for item in user.assignments],
        "devices": [[item.mark, millis(item.seen_at), maybe_millis(item.trusted_until), item.label] for item in user.devices],
        "must_reset": user.must_reset,
        "erase_at": maybe_millis(user.erase_at),
    }
    return {
        "id": user.id,
        "created_at": millis(user.created_at),
        "updated_at": millis(user.updated_at),
        "status": user.status.value,
        "type": user.type,
        "level": user.level,
        "version": user.version,
        "person": sealer.seal(f"users/{user.id}", "person", dumps({key: value for key, value in person.items() if value})),
    }


def user_of(record: Record, sealer: Sealer) -> User:
    user_id = record["id"]
    person = json.loads(sealer.open(f"users/{user_id}", "person", record["person"]))
    return User(
        id=user_id,
        created_at=moment(record["created_at"]),
        updated_at=moment(record["updated_at"]),
        status=Status(record["status"]),
        type=record["type"],
        level=record["level"],
        name=Name(*person["name"]),
        salutation=person.get("salutation", ""),
        username=person.get("username", ""),
        contacts=tuple(_contact(*item) for item in person.get("contacts", ())),
        country=person.get("country", ""),
        locale=person.get("locale", ""),
        picture=person.get("picture", ""),
        attributes=person.get("attributes", {}),
        factors=tuple(person.get("factors", ())),
        assignments=tuple(_assignment(*item) for item in person.get("assignments", ())) or _former(person),
        devices=tuple(_device(*item) for item in person.get("devices", ())),
        must_reset=person.get("must_reset", False),
        erase_at=maybe_moment(person.get("erase_at")),
        version=record["version"],
    )


def _contact(contact_id: str, kind: Any, value: str, shown: str, proved_at: int | None, primary: bool) -> Contact:
    return Contact(contact_id, kind, value, shown, maybe_moment(proved_at), primary)


def _assignment_list(item: Assignment) -> list[Any]:
    return [
        item.application,
        item.role,
        item.permission,
        item.resource,
        maybe_millis(item.granted_at),
        item.granted_by,
        maybe_millis(item.expires_at),
    ]


def _assignment(
    application: str, role: str, permission: str, resource: str, granted_at: int | None, granted_by: str, expires_at: int | None
) -> Assignment:
    return Assignment(application, role, permission, resource, maybe_moment(granted_at), granted_by, maybe_moment(expires_at))


def _former(person: dict[str, Any]) -> tuple[Assignment, ...]:
    """Permissions as they were written before there were applications."""
    return tuple(Assignment(OWN, permission=name) for name in person.get("permissions", ()))


def _device(mark: str, seen_at: int, trusted_until: int | None, label: str) -> Device:
    return Device(mark, moment(seen_at), maybe_moment(trusted_until), label)


def change_record(user_id: str, change: StatusChange, sealer: Sealer) -> dict[str, Any]:
    return {
        "at": millis(change.at),
        "before": change.before.value,
        "after": change.after.value,
        "by": change.by,
        "why": sealer.seal(f"status/{user_id}/{millis(change.at)}", "why", change.why),
    }


def change_of(user_id: str, record: Record, sealer: Sealer) -> StatusChange:
    why = sealer.open(f"status/{user_id}/{record['at']}", "why", record["why"]).decode()
    return StatusChange(Status(record["before"]), Status(record["after"]), why, record["by"], moment(record["at"]))
