"""The shapes of permissions: what applications declare, roles, who is given what, and whether somebody may."""

from __future__ import annotations

from pydantic import Field, RootModel

from authenticator.applications import OWN
from authenticator.web.schemas import Moment, Shape

_APPLICATION = Field(OWN, max_length=128, examples=["app_3fJk…"], description="An application's client id; without it, this service.")
_RESOURCE = Field(
    "", max_length=200, examples=["projects/*"], description="One thing, all that begin so where a star ends it, or empty for everything."
)
_ROLE_NAME = Field(max_length=64, examples=["editor"])
_PERMISSION_NAME = Field(max_length=64, examples=["reports:read"])
_TEXT = Field("", max_length=200, description="What it means, in words.")


class NewPermission(Shape):
    """A permission that an application declares."""

    name: str = _PERMISSION_NAME
    text: str = _TEXT


class DeclaredPermission(Shape):
    """A permission that an application knows. Those that are built in come with this service."""

    name: str
    text: str
    built_in: bool


class DeclaredPermissions(RootModel[list[DeclaredPermission]]):
    """The permissions of an application."""


class NewRole(Shape):
    """A role: permissions of one application under one name."""

    application: str = _APPLICATION
    name: str = _ROLE_NAME
    text: str = _TEXT
    permissions: list[str] = Field(max_length=200, examples=[["reports:read", "reports:write"]])


class RoleChange(Shape):
    """What to change of a role; what is left out stays."""

    text: str | None = Field(None, max_length=200)
    permissions: list[str] | None = Field(None, max_length=200)


class KnownRole(Shape):
    """A role of an application."""

    application: str
    name: str
    text: str
    permissions: list[str]
    built_in: bool


class Roles(RootModel[list[KnownRole]]):
    """The roles of an application."""


class NewAssignment(Shape):
    """A role or one permission to give. What is given once more takes the new end."""

    application: str = _APPLICATION
    role: str = Field("", max_length=64, examples=["editor"])
    permission: str = Field("", max_length=64, examples=["reports:read"])
    resource: str = _RESOURCE
    expires_at: Moment | None = Field(None, max_length=40, description="When it ends by itself; without it, never.")


class Given(Shape):
    """A role or permission that somebody was given. One that has expired gives nothing."""

    id: str
    application: str
    role: str | None
    permission: str | None
    resource: str
    granted_at: Moment | None
    granted_by: str | None
    expires_at: Moment | None
    expired: bool


class Assignments(RootModel[list[Given]]):
    """All that somebody was given."""


class Question(Shape):
    """Whether somebody may."""

    user_id: str = Field(max_length=128, description="A user's id, or the subject by which the application that asks knows her.")
    permission: str = _PERMISSION_NAME
    resource: str = Field("", max_length=200, examples=["projects/7"], description="For what; empty for everything.")
    application: str = Field(
        "", max_length=128, description="For administrators and people: in which application. An application asks of itself."
    )


class Answer(Shape):
    """Whether somebody may, and why, in a sentence for logs and people."""

    allowed: bool
    reason: str = Field(examples=["The role editor of Reports gives reports:write for projects/*, until 2026-12-31 00:00 UTC."])
