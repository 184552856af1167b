"""The part of the facade that knows who may do what, here and in applications, and lets people give and take it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from authenticator.applications import OWN, Application, Assignment, Role
from authenticator.flows import admin_area, permissions, roles
from authenticator.flows.outcomes import Signed
from authenticator.flows.permissions import Decision, Held
from authenticator.flows.roles import By
from authenticator.models import Client, User, every
from authenticator.service.facade import Facade


class Permissions(Facade):
    """Permissions and roles. `by` is a signed-in person, or `operator` for the command line."""

    def require_permission(self, signed: Signed, permission: str, client: Client | None = None) -> None:
        """AuthError `forbidden`, or in production `step_up_required` without two factors shown today."""
        permissions.require(self.core, signed, permission, client)

    def require_factors_for(self, signed: Signed, permission: str) -> None:
        """AuthError `step_up_required` in production without two factors shown today, for a permission that this service comes with."""
        if permission in permissions.PERMISSIONS:
            permissions.require_two_factors(self.core, signed)

    def require_over(self, signed: Signed, user: User) -> None:
        """AuthError `forbidden` for acting on oneself, or on somebody who may do more here."""
        permissions.require_over(self.core, signed, user)

    def permissions_of(self, user: User) -> list[str]:
        """What somebody may do here now."""
        return sorted(permissions.held_here(self.core, user).permissions)

    def held_here(self, user: User) -> Held:
        """Permissions and roles that somebody has in this service now."""
        return permissions.held_here(self.core, user)

    def held_in(self, user: User, application: Application) -> Held:
        """Permissions and roles that somebody has in an application now, for everything in it."""
        return permissions.held_in(user, application, self.core.clock.now())

    def decide(self, user: User, application: Application, permission: str, resource: str = "") -> Decision:
        """Whether somebody may do something, and why; AuthError `validation_failed` for a resource that is none."""
        return permissions.decide(self.core, user, application, permission, resource)

    def who_may(self, application: Application, permission: str, resource: str = "") -> Iterator[tuple[User, Decision | None]]:
        """Everybody, with the decision where it is in her favour: a walk over all accounts.

        AuthError `not_found` for a permission that the application does not declare, `validation_failed` for a resource that is none.
        """
        permissions.require_declared(application, permission)
        resource = permissions.canonical_resource(resource)
        for user in every(lambda after: self.core.store.users(after=after, limit=200)):
            decision = self.decide(user, application, permission, resource) if user.assignments else None
            yield user, decision if decision and decision.allowed else None

    def application_with_roles(self, application_id: str = OWN) -> Application:
        """An application, this service included; AuthError `not_found`."""
        return roles.find(self.core, application_id)

    def declare_permission(self, by: By, application: Application, name: str, text: str = "", client: Client | None = None) -> Application:
        return roles.declare(self.core, by, application, name, text, client)

    def withdraw_permission(self, by: By, application: Application, name: str, client: Client | None = None) -> Application:
        """Whoever had it has it no more."""
        return roles.withdraw(self.core, by, application, name, client)

    def put_role(
        self, by: By, application: Application, role: Role, client: Client | None = None, *, only: Literal["new", "there", ""] = ""
    ) -> Application:
        """Make or change a role, for all who have it."""
        return roles.put_role(self.core, by, application, role, client, only=only)

    def remove_role(self, by: By, application: Application, name: str, client: Client | None = None) -> Application:
        """What it gave is gone at once."""
        return roles.remove_role(self.core, by, application, name, client)

    def assign(self, by: By, user: User, assignment: Assignment, client: Client | None = None) -> User:
        """Give a role or a permission; AuthError `forbidden` for more than the giver holds."""
        return roles.assign(self.core, by, user, assignment, client)

    def unassign(self, by: By, user: User, assignment: Assignment, client: Client | None = None) -> User:
        """Take it back; AuthError `not_found` if it was not given."""
        return roles.unassign(self.core, by, user, assignment, client)

    def enter_administration(self, signed: Signed) -> None:
        """AuthError `step_up_required` for an administrator who was away for a while, in production."""
        admin_area.enter(self.core, signed)
