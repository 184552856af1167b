"""The shapes of passwords in the JSON API."""

from __future__ import annotations

from pydantic import Field

from authenticator.web.schemas import LONGEST_TOKEN, Shape

LONGEST = 65_536  # what is too long for a password is told as such, before anything is hashed


class PasswordChange(Shape):
    """A new password; with it the current one, if there is one."""

    current_password: str = Field("", max_length=LONGEST, examples=["five quiet green teapots"])
    new_password: str = Field(max_length=LONGEST, examples=["seven lanterns drift ashore"])


class ForgottenPassword(Shape):
    """Who has forgotten the password: an e-mail address, a phone number or a user name."""

    email: str = Field(max_length=1024, examples=["ada@example.com"])


class PasswordReset(Shape):
    """A new password, and what was sent: the token of the link; or the code, with what was typed to have it sent."""

    token: str = Field("", max_length=LONGEST_TOKEN, examples=["Zq1l…jX0.b7Kd…9sE"])
    email: str = Field("", max_length=1024, examples=["ada@example.com"])
    code: str = Field("", max_length=LONGEST_TOKEN, examples=["492817"])
    new_password: str = Field(max_length=LONGEST, examples=["seven lanterns drift ashore"])


class MessageSent(Shape):
    """A message is on its way, if there is such an account. There is nothing more to say about it."""
