"""Applications and grants as records: what was registered and agreed is in one sealed text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from functools import lru_cache
from typing import Any

from authenticator.applications import Application, ClientSecret, Grant, Permission, Role
from authenticator.storage.records.basics import Record, dumps, maybe_millis, maybe_moment, millis, moment
from authenticator.storage.sealing import Sealer

APART = frozenset(
    {"id", "owner", "created_at", "updated_at", "version", "refreshed_at", "secrets", "permissions", "roles", "open_resources"}
)
PLAIN = tuple(item.name for item in fields(Application) if item.name not in APART)
LISTS = frozenset(item.name for item in fields(Application) if str(item.type).startswith("tuple["))


def application_record(application: Application, sealer: Sealer) -> dict[str, Any]:
    facts = {name: getattr(application, name) for name in PLAIN}
    facts["refreshed_at"] = maybe_millis(application.refreshed_at)
    facts["secrets"] = [[item.digest, millis(item.created_at), maybe_millis(item.expires_at)] for item in application.secrets]
    facts["permissions"] = [asdict(item) | {"since": maybe_millis(item.since)} for item in application.permissions]
    facts["roles"] = [asdict(item) | {"since": maybe_millis(item.since)} for item in application.roles]
    return {
        "id": application.id,
        "owner": application.owner or None,
        "created_at": millis(application.created_at),
        "updated_at": millis(application.updated_at),
        "version": application.version,
        "facts": sealer.seal(f"applications/{application.id}", "facts", dumps(facts)),
    }


def application_of(record: Record, sealer: Sealer) -> Application:
    """The application of a record. One that has not changed since the last look is the same object: nearly every request of OAuth reads one."""
    sealed = bytes(record["facts"])
    return _application(record["id"], record["owner"] or "", record["created_at"], record["updated_at"], record["version"], sealed, sealer)


@lru_cache(256)
def _application(id: str, owner: str, created_at: int, updated_at: int, version: int, sealed: bytes, sealer: Sealer) -> Application:
    facts = json.loads(sealer.open(f"applications/{id}", "facts", sealed))
    plain: dict[str, Any] = {name: tuple(facts[name]) if name in LISTS else facts[name] for name in PLAIN if name in facts}
    return Application(
        id=id,
        owner=owner,
        created_at=moment(created_at),
        updated_at=moment(updated_at),
        version=version,
        refreshed_at=maybe_moment(facts.get("refreshed_at")),
        secrets=tuple(ClientSecret(digest, moment(made), maybe_moment(ends)) for digest, made, ends in facts.get("secrets", ())),
        permissions=tuple(Permission(item["name"], item["text"], maybe_moment(item.get("since"))) for item in facts.get("permissions", ())),
        roles=tuple(
            Role(item["name"], item["text"], tuple(item["permissions"]), maybe_moment(item.get("since"))) for item in facts.get("roles", ())
        ),
        **plain,
    )


def grant_record(grant: Grant, sealer: Sealer) -> dict[str, Any]:
    return {
        "user_id": grant.user_id,
        "application": grant.application,
        "created_at": millis(grant.created_at),
        "updated_at": millis(grant.updated_at),
        "version": grant.version,
        "facts": sealer.seal(
            _place(grant.user_id, grant.application), "facts", dumps([grant.scopes, grant.claims, grant.resources, grant.unasked])
        ),
        "read_at": read_times(grant.read_at),
    }


def grant_of(record: Record, sealer: Sealer) -> Grant:
    facts = json.loads(sealer.open(_place(record["user_id"], record["application"]), "facts", record["facts"]))
    scopes, claims = facts[:2]
    resources, unasked = facts[2:] or ((), False)  # neither was known at first
    return Grant(
        user_id=record["user_id"],
        application=record["application"],
        created_at=moment(record["created_at"]),
        updated_at=moment(record["updated_at"]),
        scopes=tuple(scopes),
        claims=tuple(claims),
        resources=tuple(resources),
        unasked=unasked,
        read_at={scope: moment(at) for scope, at in json.loads(record["read_at"]).items()},
        version=record["version"],
    )


def read_times(read_at: Mapping[str, datetime]) -> str:
    """When each scope was last read, as text."""
    return dumps({scope: millis(read_at[scope]) for scope in sorted(read_at)})


def _place(user_id: str, application_id: str) -> str:
    return f"grants/{user_id}/{application_id}"
