"""Applications are told when a sign-in that they were given something in has ended (OpenID Connect Back-Channel Logout 1.0)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from authenticator.applications import Application
from authenticator.crypto import digest, random_token
from authenticator.flows import released
from authenticator.flows.client_uris import origin_of
from authenticator.flows.core import Core
from authenticator.flows.errands import Later
from authenticator.flows.keyring import KeyRing
from authenticator.models import Errand, Session, every
from authenticator.web_client import Unreachable, WebFailure

EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
LIFE: Final = 120  # seconds that a logout token is good for (Back-Channel Logout §2.4)
TRIED_FOR: Final = timedelta(hours=6)
LOOKS: Final = 2  # at a sign-in that has not ended yet: whoever ends it is at it, or has died
LANES: Final = 16  # for applications that strangers registered: each of the operator's has one of its own
PAGE: Final = 200


@contextmanager
def ending(core: Core, families: Iterable[Session]) -> Iterator[None]:
    """Around whatever ends these, which applications were given: those that want to know are told of what did end.

    That is kept before anything ends, so that a crash afterwards leaves nobody untold. Where nothing ends, nobody is told.
    """
    errands = _planned(core, families)
    if errands:
        core.store.put_errands(errands)
    yield
    if errands:
        core.errands.accepted(*errands)


def given_in(core: Core, session: Session) -> Sequence[Session]:
    """What applications were given in a sign-in."""
    return core.store.sessions_under(session.id, core.clock.now()) if session.kind == "sign_in" else (session,)


def given_by(core: Core, user_id: str, *, keep: str | None = None, application_id: str = "") -> list[Session]:
    """What applications, or one of them, were given by somebody, but for what she gave in the session `keep`."""
    now = core.clock.now()
    found = every(lambda after: core.store.sessions_of(user_id, now, kinds=("grant",), after=after, limit=PAGE))
    return [one for one in found if (one.parent != keep or not keep) and application_id in ("", one.application)]


def _planned(core: Core, families: Iterable[Session]) -> list[Errand]:
    """One errand for each sign-in that an application knows of."""
    wanted = {(released.signed_in(family), family.application): family for family in families}
    applications = {name: core.store.application(name) for name in {family.application for family in wanted.values()}}
    until = (core.clock.now() + TRIED_FOR).isoformat()
    planned = []
    for (signed_in, name), family in wanted.items():
        application = applications[name]
        if application is None or not application.backchannel_logout_uri:
            continue
        user = core.store.user_by_id(family.user_id)
        facts = {
            "application": name,
            "user": family.user_id,
            "sub": released.subject(core, user, application) if user else "",
            "sid": released.sid_for(core, signed_in, application),
            "ends": [signed_in, family.id],
            "lane": _lane(application),
            "until": until,
        }
        planned.append(Errand(core.ids.new(), "logout", core.errands.mine_until(), facts))
    return planned


def _lane(application: Application) -> str:
    """The queue of an application: a slow one delays itself, and at most others that strangers registered."""
    if application.registration == "operator":
        return f"logout {application.id}"
    return f"logout {int(digest(origin_of(application.backchannel_logout_uri)), 16) % LANES}"


@dataclass(frozen=True)
class Telling:
    """Tells one application of one logout, again and again until it has understood or hours have gone by."""

    core: Core
    keys: KeyRing

    def attend(self) -> None:
        """Do the errands that `ending` has left."""
        self.core.errands.handle("logout", self.carry_out, lane=lambda errand: str(errand.payload["lane"]))

    def carry_out(self, errand: Errand) -> None:
        """Tell it; `Later` where that did not work and may yet."""
        facts = errand.payload
        application = self.core.store.application(str(facts["application"]))
        if application is None or not application.enabled or not application.backchannel_logout_uri:
            return
        if not any(self._has_ended(session_id) for session_id in facts["ends"]):
            if errand.tries < LOOKS:
                raise Later(self.core.errands.next_try(errand))
            return
        why = self._told(application, facts)
        due = self.core.errands.next_try(errand)
        if why and due <= datetime.fromisoformat(facts["until"]):
            self.core.log.warning("an application could not be told of a logout (%s): %s", why, application.id)
            raise Later(due)
        self._note(application, str(facts["user"]), why)

    def _has_ended(self, session_id: str) -> bool:
        session = self.core.store.session_by_id(session_id)
        return session is None or not session.is_open(self.core.clock.now())

    def _told(self, application: Application, facts: Any) -> str:
        """Why it did not work; nothing if it did (§2.8)."""
        token = self.token(application, str(facts["sub"]), str(facts["sid"]))
        try:
            answer = self.core.outside.post(application.backchannel_logout_uri, form={"logout_token": token})
        except Unreachable:
            return "unreachable"
        except WebFailure:
            return "no answer that could be used"
        return "" if answer.status < 300 else f"answered {answer.status}"

    def token(self, application: Application, subject: str, sid: str) -> str:
        """A logout token (§2.4), good for a moment, and a new one at each try."""
        now = int(self.core.clock.now().timestamp())
        claims = {
            "iss": self.core.settings.public_url,
            "aud": application.id,
            "iat": now,
            "exp": now + LIFE,
            "jti": random_token(128),
            "events": {EVENT: {}},
            "sid": sid,
            **({"sub": subject} if subject else {}),
        }
        return self.keys.sign(claims, typ="logout+jwt", algorithm=application.id_token_algorithm)

    def _note(self, application: Application, user_id: str, why: str) -> None:
        whom = user_id if self.core.store.user_by_id(user_id) else None  # who was erased meanwhile has no history
        if why:
            self.core.history.record("application_not_told", user_id=whom, application=application.id, why=why)
        else:
            self.core.history.record("application_told", user_id=whom, application=application.id)
