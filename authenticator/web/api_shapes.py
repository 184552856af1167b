"""What the API shows of the nouns, as plain dicts; schemas.py describes the same for readers and tests."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

from flask import Response

from authenticator.errors import AuthError
from authenticator.flows.outcomes import Challenge, Entry, SignedIn
from authenticator.kinds.base import Field
from authenticator.models import HeldKey, User


def answer(facts: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(json.dumps(facts), status, content_type="application/json")


def nothing() -> Response:
    """204, with no body and so without the type of one."""
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response


def end_of(text: str) -> datetime:
    """The `expires_at` that was sent; AuthError `validation_failed` for what is no moment, or one without a time zone."""
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise AuthError("validation_failed", errors={"expires_at": ("Write it as in 2026-12-31T00:00:00Z.",)})


def moment(at: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, `2026-03-01T09:30:00.000Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def user(person: User) -> dict[str, Any]:
    """A user; what is not known is None."""
    email, phone = person.contact("email"), person.contact("phone")
    return {
        "id": person.id,
        "status": person.status.value,
        "type": person.type,
        "level": person.level,
        "name": {"given": person.name.given, "family": person.name.family, "display": person.name.shown},
        "salutation": person.salutation or None,
        "username": person.username or None,
        "email": email.value if email else None,
        "email_verified": bool(email and email.proved_at),
        "phone_number": phone.value if phone else None,
        "phone_number_verified": bool(phone and phone.proved_at),
        "country": person.country or None,
        "locale": person.locale or None,
        "picture": person.picture or None,
        "created_at": moment(person.created_at),
        "updated_at": moment(person.updated_at),
        "attributes": dict(person.attributes),
    }


def tokens(signed_in: SignedIn, access_token: str, *, access_seconds: int, now: datetime) -> dict[str, Any]:
    """The tokens of a session (RFC 6750 §4, RFC 6749 §5.1). After a mere confirmation it keeps the refresh token that it has."""
    facts = {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": access_seconds,
        "session_id": signed_in.session.id,
    }
    if not signed_in.refresh_token:
        return facts
    seconds = max(0, math.ceil((signed_in.session.expires_at - now).total_seconds()))
    return facts | {"refresh_token": signed_in.refresh_token, "refresh_expires_in": seconds}


def challenge(waiting: Challenge) -> dict[str, Any]:
    """A challenge; its id carries the secret to which the conversation is bound."""
    ask = waiting.ask
    return {
        "id": f"{waiting.id}.{waiting.binding}",
        "kind": waiting.kind,
        "expires_in": waiting.expires_in,
        "fields": [field(item) for item in ask.fields] if ask else [],
        "options": dict(ask.options) if ask else {},
        "title": ask.title if ask else "",
        "text": ask.text if ask else "",
        "resend": bool(ask and ask.resend),
    }


def field(item: Field) -> dict[str, Any]:
    """A field to fill in."""
    return {
        "name": item.name,
        "label": item.label,
        "type": item.type,
        "required": item.required,
        "autocomplete": item.autocomplete,
        "max_length": item.max_length,
        "help": item.help,
    }


def provider(entry: Entry, public_url: str) -> dict[str, Any]:
    """A way to sign in."""
    return {
        "name": entry.name,
        "label": entry.label,
        "kind": entry.kind,
        "icon": entry.icon,
        "fields": [field(item) for item in entry.fields],
        "sign_in_url": f"{public_url}/sign-in/{entry.name}",
        "emulated": entry.emulated,
    }


def identity(key: HeldKey) -> dict[str, Any]:
    """A way into one's account."""
    return {"id": key.id, "provider": key.provider, "label": key.label, "created_at": moment(key.created_at)}
