"""What a scope lets somebody have or do, in words for a page."""

from __future__ import annotations

from authenticator.applications import Application
from authenticator.flows import permissions, scopes
from authenticator.http.guard import service
from authenticator.http.texts import gettext as _
from authenticator.service import Service


def words_of(auth: Service, scope: str, application: Application | None = None) -> str:
    """The words of a scope in the reader's language; the name of one that nobody has put in words.

    A permission is told as the application declares it that holds the scope; without one, as this service does.
    """
    found = scopes.WORDS.get(scope) or permissions.PERMISSIONS.get(scope)
    if found:
        return _(found)
    declared = {one.name: one.text for one in (application or auth.own_application()).permissions}
    return declared.get(scope) or scope


def scope_words(scope: str, application: Application | None = None) -> str:
    """The same as a template's filter."""
    return words_of(service(), scope, application)
