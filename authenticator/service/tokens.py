"""The part of the facade that knows people by what their browsers and programs hold, and keeps their personal access tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from authenticator.applications import OWN, Application
from authenticator.crypto import digest
from authenticator.flows import applications, consent, holders, permissions, personal_tokens, sessions
from authenticator.flows.outcomes import Signed
from authenticator.models import Client, Session, Status, User
from authenticator.service.facade import Facade

TOKEN_PREFIX = personal_tokens.PREFIX
AGE = 0.5  # seconds that what was read of an application counts at the door


class PersonalTokens(Facade):
    """Who holds what, and a person's keys for her own programs."""

    def signed_behind(self, cookie: str, *, kind: str = "sign_in", client: Client | None = None) -> Signed | None:
        """Who holds the session of this kind whose cookie or token has this digest, in one trip; None for nobody."""
        found = self.core.store.session_by_cookie(cookie, self.core.clock.now())
        if found is None or found[0].kind != kind or found[1].status is not Status.ACTIVE:
            return None
        sessions.used(self.core, found[0], client)
        return Signed(found[1], found[0])

    def signed_by_token(self, token: str, client: Client) -> Signed | None:
        """Who made this personal access token, in one trip; None for nobody. `client` is from where it is used."""
        if not token.startswith(TOKEN_PREFIX) or len(token) > 64:
            return None
        return self.signed_behind(digest(token), kind="token", client=client)

    def may_in(self, user: User, application_id: str, permission: str, resource: str = "") -> bool:
        """Whether somebody may do something in an application, this service included; what was changed counts within a second."""
        application = self._application_at_door(user, application_id)
        return application is not None and permissions.decide(self.core, user, application, permission, resource).allowed

    def permissions_in(self, user: User, application_id: str) -> Sequence[str]:
        """What somebody may do in an application with everything in it; nothing where there is none."""
        application = self._application_at_door(user, application_id)
        found = permissions.held_in(user, application, self.core.clock.now()) if application and application.enabled else permissions.Held()
        return sorted(found.permissions)

    def _application_at_door(self, user: User, application_id: str) -> Application | None:
        if application_id == OWN:
            return permissions.here(self.core, user)
        if len(application_id) > applications.LONGEST_ID:
            return None
        return self.core.fleeting.of("door", application_id, seconds=AGE, make=lambda: applications.stored(self.core, application_id))

    def personal_scopes(self, user: User) -> tuple[str, ...]:
        """What a person may let her tokens do."""
        return personal_tokens.may_give(self.core, user)

    def personal_tokens(self, user: User) -> Sequence[Session]:
        """A person's tokens, newest first."""
        return personal_tokens.all_of(self.core, user)

    def make_token(self, signed: Signed, *, name: str, scopes: Sequence[str], expires_at: datetime, client: Client) -> tuple[Session, str]:
        """A new personal access token and its text, after fresh proof."""
        return personal_tokens.make(self.core, signed, name=name, wanted=scopes, expires_at=expires_at, client=client)

    def remove_token(self, user: User, token_id: str, client: Client) -> None:
        """End one of a person's tokens, everywhere within a second and here at once; AuthError `not_found`."""
        personal_tokens.remove(self.core, user, token_id, client)
        self.ended.add(token_id)

    def holders(self, user: User) -> Sequence[holders.Holder]:
        """The applications that hold something of this person."""
        return holders.all_of(self.core, user)

    def take_back(self, user: User, application_id: str, client: Client) -> None:
        """Take back all that an application was given by this person, everywhere within a second; AuthError `not_found`."""
        consent.withdraw(self.core, user, application_id, client)
        self.ended.look_again()

    def take_back_all(self, user: User, client: Client) -> int:
        """Take back all that all applications were given; from how many."""
        found = self.holders(user)
        for holder in found:
            self.take_back(user, holder.id, client)
        return len(found)
