"""How the nouns look in a database: flat records of texts, numbers and sealed bytes, the same for every adapter.

A moment is a number of milliseconds since 1970 in UTC.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from authenticator.errors import AuthError
from authenticator.events import Event
from authenticator.models import (
    Client,
    Contact,
    HeldKey,
    LoginKey,
    Name,
    NewKey,
    Session,
    SigningKey,
    Status,
    StatusChange,
    User,
)
from authenticator.storage.sealing import Sealer

Record = Mapping[str, Any]

KEEP_SESSION = 3_600_000  # a session's record outlives it, so that every process learns of its end
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_ID = re.compile(r"[!-~]{1,128}")
_CURSOR = re.compile(r"([0-9]{1,15})\.([!-~]{1,128})")


def millis(moment: datetime) -> int:
    """Milliseconds since 1970; what is finer is cut off."""
    return (moment - _EPOCH) // _MILLISECOND


def moment(value: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=value)


def maybe_millis(value: datetime | None) -> int | None:
    return None if value is None else millis(value)


def maybe_moment(value: int | None) -> datetime | None:
    return None if value is None else moment(value)


def is_id(text: str) -> bool:
    """Whether the text can be an id at all; drivers choke on some texts that can't."""
    return _ID.fullmatch(text) is not None


def cursor(record: Record, at: str = "created_at") -> str:
    """Where a page ended: a moment, and the id that tells records of the same moment apart."""
    return f"{record[at]}.{record['id']}"


def parse_cursor(text: str) -> tuple[int, str]:
    """The inverse; AuthError `invalid_request` if it is none of ours."""
    found = _CURSOR.fullmatch(text)
    if not found:
        raise AuthError("invalid_request", "That cursor is not one of ours. Start again without `after`.")
    return int(found[1]), found[2]


def dumps(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


# Users


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
        version=record["version"],
    )


def _contact(contact_id: str, kind: Any, value: str, shown: str, proved_at: int | None, primary: bool) -> Contact:
    return Contact(contact_id, kind, value, shown, maybe_moment(proved_at), primary)


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


# Login keys


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


# Sessions


def session_record(session: Session, sealer: Sealer) -> dict[str, Any]:
    return {
        "id": session.id,
        "user_id": session.user_id,
        "provider": session.provider,
        "amr": " ".join(session.amr),
        "auth_time": millis(session.auth_time),
        "created_at": millis(session.created_at),
        "expires_at": millis(session.expires_at),
        "client": sealer.seal(f"sessions/{session.id}", "client", dumps(_client_list(session.client))),
        "cookie": session.cookie,
        "refresh": session.refresh,
        "spent": session.spent,
        "rotated_at": maybe_millis(session.rotated_at),
        "closed_at": maybe_millis(session.closed_at),
        "close_reason": session.close_reason,
    }


def session_of(record: Record, sealer: Sealer) -> Session:
    client = json.loads(sealer.open(f"sessions/{record['id']}", "client", record["client"]))
    return Session(
        id=record["id"],
        user_id=record["user_id"],
        provider=record["provider"],
        amr=tuple(record["amr"].split()),
        auth_time=moment(record["auth_time"]),
        created_at=moment(record["created_at"]),
        expires_at=moment(record["expires_at"]),
        client=Client(*client),
        cookie=record["cookie"],
        refresh=record["refresh"],
        spent=record["spent"],
        rotated_at=maybe_moment(record["rotated_at"]),
        closed_at=maybe_moment(record["closed_at"]),
        close_reason=record["close_reason"],
    )


def _client_list(client: Client) -> list[str]:
    return [client.address, client.agent, client.locale]


# Tickets and attempts


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


# Signing keys and events


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


def event_record(event: Event, sealer: Sealer) -> dict[str, Any]:
    facts = {"client": _client_list(event.client), "detail": dict(event.detail)}
    return {
        "id": event.id,
        "user_id": event.user_id,
        "kind": event.kind,
        "created_at": millis(event.at),
        "facts": sealer.seal(f"events/{event.id}", "facts", dumps(facts)),
    }


def event_of(record: Record, sealer: Sealer) -> Event:
    facts = json.loads(sealer.open(f"events/{record['id']}", "facts", record["facts"]))
    return Event(record["id"], record["kind"], moment(record["created_at"]), record["user_id"], Client(*facts["client"]), facts["detail"])
