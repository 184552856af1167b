"""The shapes of administration: accounts that are made, their status, who did what."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, RootModel

from authenticator.web.schemas import Moment, Shape, User


class NewName(Shape):
    """A name; what is not given is empty."""

    given: str = Field(default="", max_length=100)
    family: str = Field(default="", max_length=100)
    display: str = Field(default="", max_length=200)


class NewUser(Shape):
    """An account to make. It has no way in until its owner follows the invitation or proves an address."""

    email: str = Field("", max_length=254, examples=["ada@example.com"])
    email_verified: bool = Field(False, description="Whether you vouch for the address; otherwise its owner proves it.")
    phone_number: str = Field("", max_length=32, examples=["+442079460018"])
    phone_number_verified: bool = False
    name: NewName = Field(default_factory=NewName)
    salutation: str = Field("", max_length=50)
    locale: str = Field("", max_length=35, examples=["en"])
    invite: bool = Field(True, description="Mail a link that lives for seven days, by which she chooses how to sign in.")


class NewStatus(Shape):
    """A status, and why."""

    status: Literal["active", "suspended", "closed"]
    reason: str = Field(max_length=500, examples=["Sent spam."])


class StatusStep(Shape):
    """One step in an account's history of status."""

    before: str = Field(examples=["active"])
    after: str = Field(examples=["suspended"])
    reason: str
    by: str = Field(examples=["operator"], description="A user's id, or `operator` for the command line.")
    at: Moment


class StatusHistory(RootModel[list[StatusStep]]):
    """The status of an account, oldest change first."""


class Users(RootModel[list[User]]):
    """Accounts, oldest first. A `Link` header with `rel="next"` leads to the next page."""


class Ended(Shape):
    """How many sign-ins were ended."""

    ended: int = Field(ge=0, examples=[3])
