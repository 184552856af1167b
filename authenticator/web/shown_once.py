"""What a form makes and shows once: a second click or a reload makes no second one, and for a minute shows the first again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from flask import request

from authenticator.crypto import digest
from authenticator.errors import AuthError
from authenticator.flows.outcomes import Signed
from authenticator.http import csrf
from authenticator.http.hygiene import one
from authenticator.limits import Limit
from authenticator.service import Service

KIND: Final = "shown_once"
AGAIN: Final = timedelta(minutes=1)  # a browser shows the answer to the last click alone
REMEMBERED: Final = timedelta(days=1)
UNDER_WAY: Final = 2.0  # seconds that a second click waits for what the first one makes


def once(auth: Service, signed: Signed, make: Callable[[], dict[str, str]]) -> dict[str, str]:
    """What `make` says, each time that this very form is sent within a minute; it is called the first time only.

    AuthError `conflict` for what comes later. A form that was refused may be sent again.
    """
    store, now = auth.core.store, auth.core.clock.now()
    place = digest(f"{signed.session.id}:{request.path}:{one(request.form, csrf.FIELD)}")
    if store.count_attempts([Limit(f"{KIND}:{place}", 1, int(REMEMBERED.total_seconds()))], now):
        kept = _kept(auth, place)
        if kept is None:
            raise AuthError("conflict", "This form was sent before. What it made is not shown again, and nothing more was made.")
        return dict(kept)
    try:
        made = make()
    except BaseException:
        store.forgive([f"{KIND}:{place}"])
        raise
    store.issue_ticket(KIND, place, made, now + AGAIN)
    return made


def _kept(auth: Service, place: str) -> Mapping[str, Any] | None:
    """What the first one made, which may still be at it: the browser has given up its answer for this one."""
    end = time.monotonic() + UNDER_WAY
    while True:
        kept = auth.core.store.read_ticket(KIND, place, auth.core.clock.now())
        if kept is not None or time.monotonic() > end:
            return kept
        time.sleep(0.05)
