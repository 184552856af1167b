"""Everything that is kept about a person, as one document for herself (GDPR Art. 15 and 20)."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from authenticator.applications import Assignment
from authenticator.events import Event
from authenticator.flows import avatars, holders, personal_tokens, sessions
from authenticator.flows.core import Core
from authenticator.flows.history import as_told_to
from authenticator.flows.outcomes import Signed
from authenticator.limits import Limit
from authenticator.models import Client, Contact, Device, HeldKey, Session, StatusChange, User, every

EXPORTS_AN_HOUR: Final = 5
PAGE: Final = 200


def export(core: Core, signed: Signed, client: Client) -> dict[str, Any]:
    """The document: no secret, nothing by which somebody could sign in, and nothing about other people.

    Asks for fresh proof; AuthError `rate_limited` after five an hour. Times are RFC 3339 in UTC.
    """
    sessions.require_fresh(core, signed.session)
    core.spend(Limit(f"export:{signed.user.id}", EXPORTS_AN_HOUR, 3600))
    core.history.record("export_made", user_id=signed.user.id, client=client)
    user = core.store.user_by_id(signed.user.id) or signed.user
    keys = core.store.keys_of(user.id)
    steps = {*core.registry.factors, *user.factors, "recovery"}
    return {
        "made_at": _when(core.clock.now()),
        "made_by": core.settings.public_url,
        "profile": _profile(user),
        "contacts": [_contact(contact) for contact in user.contacts],
        "sign_in_methods": [_key(key) for key in keys if key.provider not in steps],
        "second_steps": [_key(key) for key in keys if key.provider in steps],
        "devices": [_device(device) for device in user.devices],
        "sessions": [_session(one) for ended in (False, True) for one in _all_sessions(core, user, ended=ended)],
        "history": [_event(event, user) for event in every(lambda after: core.store.events_of(user.id, after=after, limit=PAGE))],
        "status_history": [_change(change, user) for change in core.store.status_history(user.id)],
        "avatars": list(_avatars(core, user)),
        "applications": [_holder(one) for one in holders.all_of(core, user)],
        "access_tokens": [_given(one) for one in personal_tokens.all_of(core, user)],
    }


def _all_sessions(core: Core, user: User, *, ended: bool) -> Iterator[Session]:
    now = core.clock.now()
    return every(lambda after: core.store.sessions_of(user.id, now, ended=ended, after=after, limit=PAGE))


def _when(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if at else None


def _profile(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "status": user.status.value,
        "type": user.type,
        "level": user.level,
        "name": {"given": user.name.given, "family": user.name.family, "display": user.name.display},
        "salutation": user.salutation,
        "username": user.username,
        "locale": user.locale,
        "country": user.country,
        "picture": user.picture,
        "attributes": dict(user.attributes),
        "permissions": [_assignment(item) for item in user.assignments],
        "two_step": list(user.factors),
        "must_reset": user.must_reset,
        "created_at": _when(user.created_at),
        "updated_at": _when(user.updated_at),
        "erase_at": _when(user.erase_at),
    }


def _contact(contact: Contact) -> dict[str, Any]:
    shown = {"kind": contact.kind, "value": contact.value, "as_typed": contact.shown}
    return {**shown, "proved_at": _when(contact.proved_at), "primary": contact.primary}


def _key(key: HeldKey) -> dict[str, Any]:
    return {"kind": key.provider, "label": key.label, "signs_in": key.way_in, "since": _when(key.created_at)}


def _device(device: Device) -> dict[str, Any]:
    return {"label": device.label, "seen_at": _when(device.seen_at), "trusted_until": _when(device.trusted_until)}


def _session(one: Session) -> dict[str, Any]:
    return {
        "id": one.id,
        "method": one.provider,
        "amr": list(one.amr),
        **_client(one.client),
        "signed_in_at": _when(one.created_at),
        "confirmed_at": _when(one.auth_time),
        "last_used_at": _when(one.used_at),
        "expires_at": _when(one.expires_at),
        "ended_at": _when(one.closed_at),
        "end_reason": one.close_reason,
    }


def _holder(one: holders.Holder) -> dict[str, Any]:
    grant = one.grant
    return {
        "client_id": one.id,
        "name": one.name,
        "given_at": _when(grant.created_at) if grant and not grant.unasked else None,
        "scopes": list(one.scopes),
        "claims": list(grant.claims) if grant else [],
        "resources": list(grant.resources) if grant else [],
        "last_read": {scope: _when(at) for scope, at in grant.read_at.items()} if grant else {},
        "sessions": [_given(key) for key in one.keys],
    }


def _given(one: Session) -> dict[str, Any]:
    """A personal access token, or what an application was given; without the key itself, which nobody knows here."""
    return {
        "id": one.id,
        "name": one.name,
        "scopes": list(one.scopes),
        "created_at": _when(one.created_at),
        "last_used_at": _when(one.used_at),
        "last_used_from": _client(one.seen_from),
        "expires_at": _when(one.expires_at),
    }


def _event(event: Event, user: User) -> dict[str, Any]:
    event = as_told_to(event, user.id)
    detail = {name: _who(value, user) if name == "by" else value for name, value in event.detail.items()}
    return {"at": _when(event.at), "kind": event.kind, **_client(event.client), "detail": detail}


def _client(client: Client) -> dict[str, str]:
    return {"address": client.address, "country": client.country, "agent": client.agent}


def _change(change: StatusChange, user: User) -> dict[str, Any]:
    what = {"before": change.before.value, "after": change.after.value, "why": change.why}
    return {"at": _when(change.at), **what, "by": _who(change.by, user)}


def _who(by: str, user: User) -> str:
    """Who did it, without the id of anybody else."""
    return {user.id: "yourself", "operator": "operator"}.get(by, "administrator")


def _avatars(core: Core, user: User) -> Iterator[dict[str, Any]]:
    chosen = avatars.chosen_id(core.settings, user)
    for known in core.store.avatars_of(user.id):
        avatar = core.store.avatar(known.id)
        if avatar:
            content = base64.b64encode(avatar.content).decode()
            facts = {"id": avatar.id, "created_at": _when(avatar.created_at), "chosen": avatar.id == chosen}
            yield {**facts, "media_type": avatar.media_type, "content": content}


def _assignment(item: Assignment) -> dict[str, Any]:
    return {
        "application": item.application,
        "role": item.role,
        "permission": item.permission,
        "resource": item.resource,
        "expires_at": _when(item.expires_at),
    }
