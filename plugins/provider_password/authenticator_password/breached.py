"""Whether a password stands in a list of breached ones that is asked over the network, without telling it the password."""

from __future__ import annotations

import hashlib
import re

from authenticator.errors import AuthError
from authenticator.plugin import Kit
from authenticator.web_client import WebFailure

PREFIX = 5  # hex digits of the SHA-1 that are told; some thousand other passwords share them
LINE = re.compile(r"([0-9A-F]{35}):([0-9]{1,15})", re.ASCII | re.IGNORECASE)


def refuse_breached(kit: Kit, url: str, password: str) -> None:
    """AuthError `validation_failed` if the list at `url` has the password; nothing without a URL, or while the list can't be asked.

    The API is that of Pwned Passwords: `GET <url><5 digits>` gives the rest of each digest with how often it was seen; padding has 0.
    """
    if url and _times_seen(kit, url, password) > 0:
        reason = "This password is on a list of passwords stolen elsewhere. Choose another one."
        raise AuthError("validation_failed", errors={"password": (reason,)})


def _times_seen(kit: Kit, url: str, password: str) -> int:
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    try:
        answer = kit.http.get(f"{url.rstrip('/')}/{digest[:PREFIX]}", headers={"Add-Padding": "true", "Accept": "text/plain"})
    except WebFailure as failure:
        kit.log.warning("the list of breached passwords could not be asked: %s", failure)
        return 0
    if answer.status != 200:
        kit.log.warning("the list of breached passwords answered %d", answer.status)
        return 0
    found = (LINE.fullmatch(line.strip()) for line in answer.body.decode("ascii", "replace").splitlines())
    return sum(int(line[2]) for line in found if line and line[1].upper() == digest[PREFIX:])
