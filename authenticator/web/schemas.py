"""The shapes of the JSON API: what is read strictly, and what is answered."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, RootModel

MOST_FIELDS = 20
LONGEST_TOKEN = 256
Text = Annotated[str, Field(max_length=65_536)]
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-03-01T09:30:00.000Z"])]
Seconds = Annotated[int, Field(ge=0)]


class Shape(BaseModel):
    """Closed and strict: no field that is not named, no value of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


# What is sent


class Fields(RootModel[Annotated[dict[str, Text], Field(max_length=MOST_FIELDS)]]):
    """The provider's fields by name, all of them text; `GET /api/v1/providers` lists them.

    A redirect provider takes `login_hint` (whom to offer first) and `prompt`, or nothing.
    """

    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True, json_schema_extra={"examples": [{}]})


class Continue(BaseModel):
    """The next step: the challenge's id and the fields it asks for.

    After a redirect the fields are the parameters with which the provider sent the browser to the callback
    (`code`, `state`, `iss`, or `error`).
    """

    model_config = ConfigDict(extra="allow", strict=True, frozen=True, hide_input_in_errors=True)
    __pydantic_extra__: dict[str, Text]

    challenge: str = Field(max_length=LONGEST_TOKEN, description="The id of the challenge.", examples=["Zq1l…jX0.b7Kd…9sE"])
    resend: bool = Field(False, description="Instead of an answer: send a new code. Only where the challenge says `resend`.")


class Refresh(Shape):
    """A refresh token, which is spent by this."""

    refresh_token: str = Field(max_length=LONGEST_TOKEN, examples=["hN2r…Qw.f3Jx…8uM"])


# What is answered


class PersonName(Shape):
    """A person's name; parts that are not known are empty."""

    given: str = Field(examples=["Ada"])
    family: str = Field(examples=["Lovelace"])
    display: str = Field(examples=["Ada Lovelace"], description="What to call her: chosen by herself, or put together.")


class User(Shape):
    """A person, or a program, that has an account. What is not known is null."""

    id: str = Field(examples=["18446744073709551"], description="A number as text, because JavaScript loses the last digits of it.")
    status: Literal["active", "suspended", "leaving", "closed"]
    type: str = Field(examples=["person"])
    level: int = Field(examples=[0])
    name: PersonName
    salutation: str | None
    username: str | None
    email: str | None = Field(examples=["ada@example.com"])
    email_verified: bool = Field(examples=[True])
    phone_number: str | None
    phone_number_verified: bool = Field(examples=[False])
    country: str | None
    locale: str | None = Field(examples=["en"])
    picture: str | None
    created_at: Moment
    updated_at: Moment
    attributes: dict[str, Any] = Field(examples=[{}])


class InputField(Shape):
    """One thing to fill in."""

    name: str = Field(examples=["email"])
    label: str = Field(examples=["E-mail"])
    type: Literal["text", "email", "tel", "password", "code", "checkbox", "hidden"] = Field(examples=["email"])
    required: bool = Field(examples=[True])
    autocomplete: str = Field(examples=["username"], description="The HTML autocomplete token that lets password managers help.")
    max_length: int = Field(examples=[254])
    help: str = Field(examples=[""])


class ProviderEntry(Shape):
    """A way to sign in."""

    name: str = Field(examples=["password"])
    label: str = Field(examples=["E-mail and password"])
    kind: Literal["form", "redirect"]
    icon: str = Field(examples=["<svg…/>"], description="An SVG picture as text.")
    fields: list[InputField] = Field(description="What to send; empty for a redirect provider.")
    sign_in_url: str = Field(examples=["https://auth.example.com/sign-in/password"], description="The page for a browser.")
    emulated: bool = Field(examples=[False], description="Whether the development emulator stands in for the real provider.")


class Providers(RootModel[list[ProviderEntry]]):
    """The ways to sign in, forms first."""


class ChallengeShape(Shape):
    """A sign-in that waits for one more step. `fields` say what to send next, `title` and `text` what to tell a person."""

    model_config = ConfigDict(title="Challenge")

    id: str = Field(examples=["Zq1l…jX0.b7Kd…9sE"], description="Send it with the answer; keep it as secret as a password.")
    kind: str = Field(examples=["code"], description="`form`, `code`, `totp`, `passkey`, `redirect` …")
    expires_in: Seconds = Field(examples=[300])
    fields: list[InputField]
    options: dict[str, Any] = Field(examples=[{}])
    title: str = Field(examples=["Enter the code"])
    text: str = Field(examples=["We sent a code to your address."])
    resend: bool = Field(examples=[True], description="Whether a new code may be asked for.")


class AccessToken(Shape):
    """An access token of a session."""

    access_token: str = Field(examples=["eyJhbGciOiJFUzI1NiIs…"])
    token_type: Literal["Bearer"]
    expires_in: Seconds = Field(examples=[120])
    session_id: str = Field(examples=["hN2r…Qw"])


class TokenSet(AccessToken):
    """An access token, and the refresh token for the next one."""

    refresh_token: str = Field(examples=["hN2r…Qw.f3Jx…8uM"])
    refresh_expires_in: Seconds = Field(examples=[2_592_000])


class Complete(AccessToken):
    """Signed in; or proved once more, and then without a refresh token, because the session keeps the one it has."""

    status: Literal["complete"]
    user: User
    refresh_token: str = Field("", examples=["hN2r…Qw.f3Jx…8uM"])
    refresh_expires_in: Seconds = Field(0, examples=[2_592_000])


class Linked(Shape):
    """A way in or a second step was added to the account of the access token."""

    status: Literal["linked"]
    linked: str = Field(examples=["totp"], description="Its name.")
    recovery_codes: list[str] = Field([], description="New ones, with the first second step. They are not shown again.")


class Waiting(Shape):
    """One more step: answer it at `POST /api/v1/sign-in/continue`."""

    status: Literal["challenge"]
    challenge: ChallengeShape


class Away(Shape):
    """Send the browser to `url`; what it comes back with goes to `POST /api/v1/sign-in/continue`."""

    status: Literal["redirect"]
    url: str = Field(examples=["https://accounts.google.com/o/oauth2/v2/auth?…"])
    challenge: ChallengeShape


class SignInResult(RootModel[Annotated[Complete | Waiting | Away | Linked, Discriminator("status")]]):
    """Finished, or one step further."""


class Identity(Shape):
    """A way into one's account."""

    id: str = Field(examples=["9f86d081884c7d65…"])
    provider: str = Field(examples=["google"])
    label: str = Field(examples=["ada@example.com"])
    created_at: Moment


class Identities(RootModel[list[Identity]]):
    """The ways into one's account, oldest first."""
