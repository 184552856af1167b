"""What a form makes and shows once: a second click or a reload makes no second one, and for a minute shows the first again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

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


def once(auth: Service, signed: Signed, make: Callable[[], dict[str, str]]) -> dict[str, str]:
    """What `make` says, each time that this very form is sent within a minute; it is called the first time only.

    AuthError `conflict` for what comes later. A form that was refused may be sent again.
    """
    store, now = auth.core.store, auth.core.clock.now()
    place = digest(f"{signed.session.id}:{request.path}:{one(request.form, csrf.FIELD)}")
    if store.count_attempts([Limit(f"{KIND}:{place}", 1, int(REMEMBERED.total_seconds()))], now):
        kept = store.read_ticket(KIND, place, now)
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
