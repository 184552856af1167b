"""A creating call that was repeated because its answer got lost is answered like the first time (Idempotency-Key)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta

from flask import Response, request

from authenticator.crypto import digest
from authenticator.errors import AuthError
from authenticator.http import guard
from authenticator.limits import Limit

KIND = "idempotency"
LIFE = timedelta(hours=24)
KEY = re.compile(r"[!-~]{1,128}")


def once(view: Callable[..., Response]) -> Callable[..., Response]:
    """With an Idempotency-Key, the same caller, path and key get the first answer again for a day; another body is refused.

    AuthError `conflict` while the first call is still running. A call that was refused may be repeated with the same key.
    """

    def answered(**parts: object) -> Response:
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return view(**parts)
        if not KEY.fullmatch(key):
            raise AuthError("invalid_request", "An Idempotency-Key has 1 to 128 characters, all of them visible ASCII.")
        return _once(view, parts, f"{guard.require_bearer().user.id}:{request.method}:{request.path}:{key}")

    return answered


def _once(view: Callable[..., Response], parts: dict[str, object], name: str) -> Response:
    core, body = guard.service().core, hashlib.sha256(request.get_data()).hexdigest()
    store, now, place = core.store, core.clock.now(), digest(name)
    if store.count_attempts([Limit(f"{KIND}:{place}", 1, int(LIFE.total_seconds()))], now):
        kept = store.read_ticket(KIND, place, now)
        if kept is None:
            raise AuthError("conflict", "The first call with this Idempotency-Key has not been answered yet. Try again in a moment.")
        if kept["body"] != body:
            raise AuthError("conflict", "This Idempotency-Key came with another body before. Take a new key for a new call.")
        return Response(json.dumps(kept["answer"]), kept["status"], content_type="application/json")
    try:
        response = view(**parts)
    except BaseException:
        store.forgive([f"{KIND}:{place}"])
        raise
    facts = {"body": body, "status": response.status_code, "answer": response.get_json(silent=True)}
    store.issue_ticket(KIND, place, facts, now + LIFE)
    return response
