"""Sessions and events as records: what a person does, and from where."""

from __future__ import annotations

import json
from typing import Any

from authenticator.events import Event
from authenticator.models import Client, Session
from authenticator.storage.records.basics import Record, dumps, maybe_millis, maybe_moment, millis, moment
from authenticator.storage.sealing import Sealer

KEEP_SESSION = 90 * 86_400_000  # a session's record outlives it: every process learns of its end, and its owner may look back


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
        "seen_at": maybe_millis(session.seen_at),
        "mfa_at": maybe_millis(session.mfa_at),
        "kind": session.kind,
        "application": session.application or None,
        "parent": session.parent or None,
        "offline": session.offline,
        "given": _given(session, sealer),
        "seen_from": None if session.seen_from == Client() else seen_from(session.id, session.seen_from, sealer),
        "closed_at": maybe_millis(session.closed_at),
        "close_reason": session.close_reason,
    }


def session_of(record: Record, sealer: Sealer) -> Session:
    client = json.loads(sealer.open(f"sessions/{record['id']}", "client", record["client"]))
    given: Any = json.loads(sealer.open(f"sessions/{record['id']}", "given", record["given"])) if record["given"] else [(), "", {}]
    seen: Any = json.loads(sealer.open(f"sessions/{record['id']}", "seen_from", record["seen_from"])) if record["seen_from"] else ()
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
        seen_at=maybe_moment(record["seen_at"]),
        mfa_at=maybe_moment(record["mfa_at"]),
        kind=record["kind"] or "sign_in",
        application=record["application"] or "",
        parent=record["parent"] or "",
        offline=bool(record["offline"]),
        scopes=tuple(given[0]),
        name=given[1],
        terms=given[2],
        seen_from=Client(*seen),
        closed_at=maybe_moment(record["closed_at"]),
        close_reason=record["close_reason"],
    )


def seen_from(session_id: str, client: Client, sealer: Sealer) -> bytes:
    """Where a session was last used."""
    return sealer.seal(f"sessions/{session_id}", "seen_from", dumps(_client_list(client)))


def _given(session: Session, sealer: Sealer) -> bytes | None:
    """What bounds a grant or a token; nothing for a sign-in."""
    if session.kind == "sign_in":
        return None
    return sealer.seal(f"sessions/{session.id}", "given", dumps([session.scopes, session.name, dict(session.terms)]))


def _client_list(client: Client) -> list[str]:
    """In the order of Client's fields; a list made before countries were noted is shorter. The device is kept nowhere."""
    return [client.address, client.agent, client.locale, client.country]


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
    at = moment(record["created_at"])
    if not record["facts"]:
        return Event(record["id"], record["kind"], at, record["user_id"])  # of a person who was erased
    facts = json.loads(sealer.open(f"events/{record['id']}", "facts", record["facts"]))
    return Event(record["id"], record["kind"], at, record["user_id"], Client(*facts["client"]), facts["detail"])
