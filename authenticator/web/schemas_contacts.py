"""The shapes of addresses, numbers and user names in the JSON API."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, RootModel

from authenticator.web.schemas import LONGEST_TOKEN, Shape


class NewEmail(Shape):
    """An e-mail address to add."""

    email: str = Field(max_length=1024, examples=["ada@example.com"])


class NewPhone(Shape):
    """A phone number to add, with its country code."""

    phone_number: str = Field(max_length=1024, examples=["+44 7400 123456"])


class ContactChange(Shape):
    """The wish to make it the primary one."""

    primary: Literal[True]


class ContactProof(Shape):
    """The code that was sent; or nothing, or `resend`, for a new one."""

    code: str | None = Field(None, max_length=LONGEST_TOKEN, examples=["492817"])
    resend: bool = Field(False, description="Send a new code; the one before no longer works.")


class LinkToken(Shape):
    """The token of a mailed link."""

    token: str = Field(max_length=LONGEST_TOKEN, examples=["Zq1l…jX0.b7Kd…9sE"])


class ContactEntry(Shape):
    """One of one's own addresses or numbers. `value` is the form under which it is owned, `shown` is as it was typed."""

    id: str = Field(examples=["18446744073709552"])
    value: str = Field(examples=["ada@example.com"])
    shown: str = Field(examples=["Ada@Example.com"])
    verified: bool = Field(examples=[True])
    verified_at: str | None = Field(json_schema_extra={"format": "date-time"}, examples=["2026-03-01T09:30:00.000Z"])
    primary: bool = Field(examples=[True])
    country: str | None = Field(None, examples=["GB"], description="The country (ISO 3166) of a phone number; addresses have none.")


class Contacts(RootModel[list[ContactEntry]]):
    """One's own addresses or numbers, in the order in which they were added."""


class Sent(Shape):
    """A new code is on its way. There is nothing to say about it."""


class UsernameAvailability(Shape):
    """Whether a user name is free, and if not, why: it is no name, reserved, or somebody's."""

    username: str = Field(examples=["ada"])
    available: bool = Field(examples=[True])
    reason: Literal["invalid", "reserved", "taken"] | None = Field(None, description="Only where it is not available.")
