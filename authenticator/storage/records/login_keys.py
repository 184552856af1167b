"""Login keys as records: found by the keyed digest of what they say, their secrets sealed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from authenticator.models import HeldKey, LoginKey, NewKey
from authenticator.storage.records.basics import Record, millis, moment
from authenticator.storage.sealing import Sealer


def key_id(key: LoginKey, sealer: Sealer) -> str:
    return sealer.digest("login key", key.provider, key.subject)


def key_record(user_id: str, new: NewKey, now: datetime, sealer: Sealer) -> dict[str, Any]:
    held = key_id(new.key, sealer)
    return {
        "id": held,
        "user_id": user_id,
        "provider": new.key.provider,
        "way_in": new.way_in,
        "created_at": millis(now),
        "label": sealer.seal(f"login_keys/{held}", "label", new.label),
        **secret_record(held, new.secret, sealer),
    }


def secret_record(held: str, secret: str | None, sealer: Sealer) -> dict[str, Any]:
    """The sealed secret, and the digest by which a database can compare it."""
    sealed = None if secret is None else sealer.seal(f"login_keys/{held}", "secret", secret)
    return {"secret": sealed, "secret_mark": secret_mark(held, secret, sealer)}


def secret_mark(held: str, secret: str | None, sealer: Sealer) -> str:
    return "" if secret is None else sealer.digest("secret", held, secret)


def held_of(record: Record, sealer: Sealer) -> HeldKey:
    label = sealer.open(f"login_keys/{record['id']}", "label", record["label"]).decode()
    return HeldKey(record["id"], record["user_id"], record["provider"], label, bool(record["way_in"]), moment(record["created_at"]))


def secret_of(record: Record, sealer: Sealer) -> str | None:
    sealed = record["secret"]
    return None if sealed is None else sealer.open(f"login_keys/{record['id']}", "secret", sealed).decode()
