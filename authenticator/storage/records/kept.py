"""Tickets, errands, pictures and signing keys as records."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from authenticator.models import Avatar, Errand, SigningKey
from authenticator.storage.records.basics import Record, dumps, maybe_millis, maybe_moment, millis, moment
from authenticator.storage.sealing import Sealer


def ticket_id(kind: str, digest: str, sealer: Sealer) -> str:
    return sealer.digest("ticket", kind, digest)


def ticket_record(found: str, payload: Mapping[str, Any], expires_at: datetime, sealer: Sealer) -> dict[str, Any]:
    return {"id": found, "payload": sealer.seal(f"tickets/{found}", "payload", dumps(dict(payload))), "expires_at": millis(expires_at)}


def ticket_payload(found: str, record: Record, now: datetime, sealer: Sealer) -> Mapping[str, Any] | None:
    """What was kept, or None if it has expired."""
    if record["expires_at"] <= millis(now):
        return None
    payload: Mapping[str, Any] = json.loads(sealer.open(f"tickets/{found}", "payload", record["payload"]))
    return payload


def errand_record(errand: Errand, sealer: Sealer) -> dict[str, Any]:
    return {
        "id": errand.id,
        "kind": errand.kind,
        "due_at": millis(errand.due_at),
        "tries": errand.tries,
        "payload": sealer.seal(f"errands/{errand.id}", "payload", dumps(dict(errand.payload))),
    }


def errand_of(record: Record, sealer: Sealer) -> Errand:
    payload: Mapping[str, Any] = json.loads(sealer.open(f"errands/{record['id']}", "payload", record["payload"]))
    return Errand(record["id"], record["kind"], moment(record["due_at"]), payload, record["tries"])


def avatar_record(avatar: Avatar, sealer: Sealer) -> dict[str, Any]:
    return {
        "id": avatar.id,
        "user_id": avatar.user_id,
        "created_at": millis(avatar.created_at),
        "media_type": avatar.media_type,
        "content": sealer.seal(f"avatars/{avatar.id}", "content", avatar.content),
    }


def avatar_of(record: Record, sealer: Sealer) -> Avatar:
    """Without its content where the record has none."""
    sealed = record.get("content")
    content = sealer.open(f"avatars/{record['id']}", "content", sealed) if sealed else b""
    return Avatar(record["id"], record["user_id"], moment(record["created_at"]), record["media_type"], content)


def signing_record(key: SigningKey, sealer: Sealer) -> dict[str, Any]:
    return {
        "generation": key.generation,
        "kid": key.kid,
        "algorithm": key.algorithm,
        "private_pem": sealer.seal(f"signing_keys/{key.generation}", "private_pem", key.private_pem),
        "created_at": millis(key.created_at),
        "active_from": millis(key.active_from),
        "retired_at": maybe_millis(key.retired_at),
    }


def signing_of(record: Record, sealer: Sealer) -> SigningKey:
    return SigningKey(
        generation=record["generation"],
        kid=record["kid"],
        algorithm=record["algorithm"],
        private_pem=sealer.open(f"signing_keys/{record['generation']}", "private_pem", record["private_pem"]).decode(),
        created_at=moment(record["created_at"]),
        active_from=moment(record["active_from"]),
        retired_at=maybe_moment(record["retired_at"]),
    )
