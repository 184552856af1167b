"""The shapes of sign-ins and of what happened to an account."""

from __future__ import annotations

from pydantic import Field, RootModel

from authenticator.web.schemas import Moment, Shape


class SessionEntry(Shape):
    """A sign-in: where, with what, when, and how it ended."""

    id: str = Field(examples=["hN2r…Qw"])
    current: bool = Field(examples=[True], description="Whether this very request is part of it.")
    provider: str = Field(examples=["password"])
    amr: list[str] = Field(examples=[["pwd"]], description="How it was proved, in the words of RFC 8176.")
    address: str = Field(examples=["192.0.2.7"])
    country: str | None = Field(examples=["DE"], description="ISO 3166, where a database of addresses is installed.")
    agent: str = Field(examples=["Mozilla/5.0 …"])
    browser: str | None = Field(examples=["Firefox"])
    system: str | None = Field(examples=["Windows"])
    auth_time: Moment
    created_at: Moment
    last_used_at: Moment = Field(description="Give or take some minutes.")
    expires_at: Moment
    ended_at: Moment | None
    end_reason: str | None = Field(examples=["signed_out"])


class Sessions(RootModel[list[SessionEntry]]):
    """Sign-ins, newest first. A `Link` header with `rel="next"` leads to the next page."""


class EventEntry(Shape):
    """Something that happened to an account."""

    id: str = Field(examples=["18446744073709551"])
    kind: str = Field(examples=["signed_in"])
    at: Moment
    user_id: str | None = Field(examples=["18446744073709551"])
    address: str | None = Field(examples=["192.0.2.7"])
    country: str | None = Field(examples=["DE"])
    agent: str | None = Field(examples=["Mozilla/5.0 …"])
    detail: dict[str, str] = Field(examples=[{"provider": "password"}])


class Events(RootModel[list[EventEntry]]):
    """What happened, newest first. A `Link` header with `rel="next"` leads to the next page."""
