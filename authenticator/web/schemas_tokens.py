"""The shapes of personal access tokens and of what applications hold."""

from __future__ import annotations

from pydantic import Field, RootModel

from authenticator.web.schemas import Moment, Shape


class NewToken(Shape):
    """A token to make."""

    name: str = Field(max_length=200, examples=["backup script"])
    scopes: list[str] = Field(max_length=40, examples=[["account:read"]])
    expires_at: str = Field(max_length=40, examples=["2026-12-31T00:00:00Z"], description="RFC 3339, within a year from now.")


class TokenEntry(Shape):
    """A personal access token; the token itself was shown once."""

    id: str = Field(examples=["hN2r…Qw"])
    name: str = Field(examples=["backup script"])
    scopes: list[str] = Field(examples=[["account:read"]])
    created_at: Moment
    expires_at: Moment
    last_used_at: Moment | None = Field(description="Give or take some minutes.")
    last_used_from: str | None = Field(examples=["192.0.2.7"])


class MadeToken(TokenEntry):
    """A new token, with its text: this is the only time that it can be read."""

    token: str = Field(examples=["pat_3kXv…"])


class Tokens(RootModel[list[TokenEntry]]):
    """Personal access tokens, newest first."""


class HeldKey(Shape):
    """A sign-in of an application: what it refreshes its tokens by."""

    id: str = Field(examples=["hN2r…Qw"])
    scopes: list[str] = Field(examples=[["openid", "email"]])
    offline: bool = Field(description="Whether it stays when the person signs out.")
    created_at: Moment
    expires_at: Moment
    last_used_at: Moment | None = Field(description="Give or take some minutes.")
    last_used_from: str | None = Field(examples=["192.0.2.7"])


class GrantEntry(Shape):
    """What one application holds of a person."""

    client_id: str = Field(examples=["app_3kXv…"])
    name: str = Field(examples=["Photo Books"])
    scopes: list[str] = Field(examples=[["openid", "email"]])
    claims: list[str] = Field(examples=[["email"]])
    resources: list[str] = Field(examples=[["https://mcp.example.com"]], description="Where it may act in her name.")
    given_at: Moment | None = Field(description="When she agreed; nothing where she was not asked.")
    last_read: dict[str, Moment] = Field(examples=[{"email": "2026-01-31T12:00:00Z"}], description="By scope.")
    sessions: list[HeldKey]


class Grants(RootModel[list[GrantEntry]]):
    """What applications hold, the oldest first."""
