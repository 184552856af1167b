"""The part of the facade that signs people out, here and at the applications that were given something in their sign-in."""

from __future__ import annotations

from collections.abc import Mapping

from authenticator.flows import end_session, logout, sessions
from authenticator.flows.end_session import Farewell
from authenticator.flows.keyring import KeyRing
from authenticator.flows.outcomes import Signed
from authenticator.models import Client, Session
from authenticator.service.facade import Facade


class Logout(Facade):
    """The end of a sign-in."""

    keys: KeyRing

    def farewell(self, asked: Mapping[str, str], signed: Signed | None) -> Farewell:
        """What an application's request to sign out wants, as far as it may."""
        return end_session.understood(self.core, self.keys, asked, signed)

    def sign_out(self, session: Session, client: Client) -> list[str]:
        """End a session, everywhere within a second and here at once; the addresses at which applications do the same in this browser."""
        families = logout.given_in(self.core, session)
        frames = end_session.frames(self.core, families)
        sessions.end(self.core, session, "signed_out", client, families=families)
        self.ended.add(session.id)
        for family in families:
            if not family.offline:
                self.ended.add(family.id)
        return frames
