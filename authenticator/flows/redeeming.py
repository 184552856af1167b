"""The authorization code, redeemed once: whoever comes second ends what the first was given, unless they came together."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from authlib.oauth2.rfc6749.errors import InvalidGrantError

from authenticator.applications import Application
from authenticator.crypto import derive_key, digest, keyed_token, s256, same
from authenticator.flows import codes, consent, granting
from authenticator.flows.codes import Code
from authenticator.flows.core import Core
from authenticator.flows.granting import Given
from authenticator.flows.notices import notify
from authenticator.models import Client, Session, Status, User

VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)  # RFC 7636 §4.1
CROWD: Final = 2.0  # seconds
INSTANT: Final = timedelta(milliseconds=1)  # as exact as the store keeps times


@dataclass
class _Burst:
    """Requests with the same code that overlap in this process. `taken` once one of them, or one they came with, had it.

    Where some did overlap, the burst lasts until `until`: the last of a crowd may come when all the others have gone.
    """

    running: int = 0
    crowded: bool = False
    taken: bool = False
    until: float = 0.0


@dataclass
class Redeeming:
    """Redeems codes, and knows which requests for one came together: a browser that sends twice is no thief."""

    core: Core
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _bursts: dict[str, _Burst] = field(default_factory=dict)

    @contextmanager
    def arrived(self, text: str) -> Iterator[None]:
        """Around the whole request that brings this code, from before anything else of it is looked at."""
        name = digest(text)
        with self._lock:
            self._forget()
            burst = self._bursts.setdefault(name, _Burst())
            burst.crowded = burst.crowded or burst.running > 0
            burst.running += 1
        try:
            yield
        finally:
            with self._lock:
                burst.running -= 1
                burst.until = time.monotonic() + (CROWD if burst.crowded else 0)

    def _forget(self) -> None:
        now = time.monotonic()
        for name in [name for name, burst in self._bursts.items() if not burst.running and burst.until <= now]:
            del self._bursts[name]

    def redeem(
        self,
        application: Application,
        text: str,
        *,
        redirect_uri: str,
        verifier: str,
        resources: Sequence[str],
        jkt: str,
        client: Client,
        arrived: datetime,
    ) -> Given:
        """What the code stands for, as a family of tokens; `InvalidGrantError` for a code that is spent, too old, or not this application's.

        A code is spent by whoever brings it, rightly or not.
        """
        code = codes.take(self.core, text)
        if code is None:
            self._spent(text, client, arrived)
            raise InvalidGrantError("The code is not valid.")
        self._note(text)
        _check(code, application, redirect_uri, verifier, jkt)
        code = replace(code, scopes=granting.registered(application, code.scopes))
        audience = granting.audience_within(application, code.resources, resources)
        user, parent = self._ground(application, code)
        granting.require_held(self.core, user, code.scopes)
        family = self._family(text, code, application, parent)
        event = granting.used(self.core, application, family, client)
        refresh = granting.open_family(self.core, application, family, jkt=jkt, event=event)
        return Given(application, code.scopes, audience, user, family, refresh, nonce=code.nonce, claims=code.claims, acr=code.acr, jkt=jkt)

    def _ground(self, application: Application, code: Code) -> tuple[User, Session]:
        """Who gave the code, and the sign-in in which she did, both as they stand now; what she agreed to must stand too."""
        store, now = self.core.store, self.core.clock.now()
        user, parent = store.user_by_id(code.user_id), store.session_by_id(code.session_id)
        if user is None or user.status is not Status.ACTIVE or parent is None or not parent.is_open(now):
            raise InvalidGrantError("The person has signed out meanwhile.")
        asked = [name for part in code.claims.values() for name in part or ()]
        if not consent.consented(self.core, user, application, code.scopes, asked, code.resources):
            raise InvalidGrantError("The person has taken her consent back.")
        return user, parent

    def _family(self, text: str, code: Code, application: Application, parent: Session) -> Session:
        now = self.core.clock.now()
        return Session(
            id=self._family_id(text),
            user_id=code.user_id,
            provider=parent.provider,
            amr=code.amr or parent.amr,
            auth_time=datetime.fromtimestamp(code.auth_time, UTC) if code.auth_time else parent.auth_time,
            created_at=now,
            expires_at=granting.family_until(self.core, application, parent, offline=code.offline),
            client=parent.client,
            mfa_at=parent.mfa_at,
            kind="grant",
            application=application.id,
            parent=parent.id,
            offline=code.offline,
            scopes=code.scopes,
            terms={"resources": list(code.resources), "claims": dict(code.claims), "acr": code.acr},
        )

    def _family_id(self, text: str) -> str:
        """The family of a code can be found again by the code, long after that is gone."""
        return keyed_token(derive_key(self.core.secret, "code family"), text)[:22]

    def _note(self, text: str) -> None:
        """Whoever overlaps this request came together with the one that had the code."""
        with self._lock:
            if burst := self._bursts.get(digest(text)):
                burst.taken = True

    def _spent(self, text: str, client: Client, arrived: datetime) -> None:
        """End what a spent code gave (RFC 6749 §4.1.2), unless this request came together with the one that had it."""
        family = self.core.store.session_by_id(self._family_id(text)) if text and len(text) <= codes.LONGEST else None
        with self._lock:
            burst = self._bursts.get(digest(text)) or _Burst()
            leeway = timedelta(seconds=CROWD) if burst.crowded else INSTANT  # half of a crowd may be at a node whose clock is behind
            together = burst.taken or (family is not None and arrived <= family.created_at + leeway)
            burst.taken = together
        if family is None or together or family.closed_at:
            return
        if self.core.store.close_session(family.id, "code_reused", self.core.clock.now()):
            self._told(family, client)

    def _told(self, family: Session, client: Client) -> None:
        self.core.history.record("code_reused", user_id=family.user_id, client=client, session=family.id, application=family.application)
        user = self.core.store.user_by_id(family.user_id)
        if user:
            text = "A sign-in to an application was redeemed twice, as a thief would do. What it gave has been ended: sign in there again."
            notify(self.core, user, "An application was signed out for safety", text)


def _check(code: Code, application: Application, redirect_uri: str, verifier: str, jkt: str) -> None:
    """`InvalidGrantError` unless the one who asks is the one for whom the code was made (RFC 6749 §4.1.3, RFC 7636 §4.6)."""
    if code.client_id != application.id or code.redirect_uri not in ("", redirect_uri):
        raise InvalidGrantError("The code was made for another client or redirect_uri.")
    if bool(code.code_challenge) != bool(verifier):  # a verifier without a challenge is a downgrade (RFC 9700 §2.1.1)
        raise InvalidGrantError("The code_verifier does not belong to this code.")
    if verifier and not (VERIFIER.fullmatch(verifier) and same(code.code_challenge, s256(verifier))):
        raise InvalidGrantError("The code_verifier does not belong to this code.")
    if code.jkt and code.jkt != jkt:
        raise InvalidGrantError("The code is bound to another key.")
