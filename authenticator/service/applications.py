"""The part of the facade that looks after applications: the operator's, and people's own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any, Literal

from authenticator.applications import Application
from authenticator.flows import applications, permissions
from authenticator.flows.applications import Registered
from authenticator.models import Client, Page, User
from authenticator.service.facade import Facade


class Applications(Facade):
    """What may be done to applications. `by` is a user's id, or `operator`."""

    def find_application(self, client_id: str) -> Application | None:
        """The application of a client id, by its metadata document too."""
        return applications.find(self.core, client_id)

    def application(self, client_id: str, *, owner: str | None = None) -> Application:
        """A registered application, of this owner if one is named; AuthError `not_found`."""
        return applications.get(self.core, client_id, owner=owner)

    def applications(self, *, owner: str | None = None, after: str | None = None, limit: int = 50) -> Page[Application]:
        """All, one user's, or the operator's (owner is empty), oldest first."""
        return self.core.store.applications(owner=owner, after=after, limit=limit)

    def own_application(self) -> Application:
        """This service as an application."""
        return permissions.own(self.core)

    def register_application(
        self,
        metadata: Mapping[str, Any],
        *,
        owner: User | None = None,
        registration: Literal["operator", "owner", "dynamic"] | None = None,
        by: str = "operator",
        bounds: Collection[str] | None = None,
        client: Client | None = None,
    ) -> Registered:
        """Register what the metadata (RFC 7591) say; AuthError `validation_failed` names the fields at fault.

        `bounds` here and below are the scopes of the token that a person shows, if it has any.
        """
        return applications.register(self.core, metadata, owner=owner, registration=registration, by=by, bounds=bounds, client=client)

    def change_application(
        self,
        application: Application,
        metadata: Mapping[str, Any],
        *,
        by: str = "operator",
        bounds: Collection[str] | None = None,
        client: Client | None = None,
    ) -> Application:
        """Change what the metadata name, and leave the rest."""
        return applications.change(self.core, application, metadata, by=by, bounds=bounds, client=client)

    def put_application(
        self, application: Application, metadata: Mapping[str, Any], *, by: str = "operator", client: Client | None = None
    ) -> Application:
        """Put these metadata in the place of all there were."""
        return applications.put(self.core, application, metadata, by=by, client=client)

    def enable_application(
        self, application: Application, *, by: str = "operator", bounds: Collection[str] | None = None, client: Client | None = None
    ) -> Application:
        return applications.enable(self.core, application, by=by, bounds=bounds, client=client)

    def disable_application(self, application: Application, *, by: str = "operator", client: Client | None = None) -> Application:
        """Shut it out, and end all that it was given."""
        done = applications.disable(self.core, application, by=by, client=client)
        self.ended.look_again()
        return done

    def remove_application(self, application: Application, *, by: str = "operator", client: Client | None = None) -> None:
        """Remove it, with all consents to it and all that it was given."""
        applications.remove(self.core, application, by=by, client=client)
        self.ended.look_again()

    def add_client_secret(
        self, application: Application, *, by: str = "operator", bounds: Collection[str] | None = None, client: Client | None = None
    ) -> tuple[Application, str]:
        """One more secret, shown this once."""
        return applications.add_secret(self.core, application, by=by, bounds=bounds, client=client)

    def remove_client_secret(
        self,
        application: Application,
        name: str,
        *,
        by: str = "operator",
        after: timedelta = timedelta(0),
        client: Client | None = None,
    ) -> Application:
        """Let a secret end, at once or after a while."""
        return applications.remove_secret(self.core, application, name, by=by, after=after, client=client)

    def check_client_secret(self, application: Application, text: str) -> bool:
        return applications.check_secret(self.core, application, text)

    def origins(self) -> frozenset[str]:
        """Origins of the operator's enabled applications."""
        return applications.origins(self.core)
