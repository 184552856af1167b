"""The shapes of the API for one's own profile, pictures and data."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, RootModel

from authenticator.web.schemas import Moment, Shape

# What is sent


class NameChange(Shape):
    """The parts of a name that change; empty text clears a part."""

    given: str = Field(default="", examples=["Ada"])
    family: str = Field(default="", examples=["Lovelace"])
    display: str = Field(default="", description="What to call her, instead of first and last name together.", examples=["Ada, Countess"])


class ProfileChange(Shape):
    """What changes; whatever is not named stays, and null or empty text clears it."""

    name: NameChange = Field(default_factory=NameChange)
    salutation: str | None = Field(default=None, examples=["Dr."])
    locale: str | None = Field(default=None, description="A language as BCP 47 writes it.", examples=["pt-BR"])
    country: str | None = Field(default=None, description="Two letters of ISO 3166-1.", examples=["NL"])
    username: str | None = Field(default=None, description="Asks for a sign-in not older than a few minutes.", examples=["ada"])
    attributes: dict[str, Any] = Field(
        default_factory=dict,
        description="Attributes under the schema that the operator has set; null takes one away, others stay.",
        examples=[{}],
    )


class AvatarChange(Shape):
    """Which picture is shown."""

    chosen: bool = Field(description="True shows this picture from now on; false shows none, if it was this one.", examples=[True])


# What is answered


class Avatar(Shape):
    """A picture: a square of WebP."""

    id: str = Field(examples=["pX3v…Q"])
    url: str = Field(examples=["https://auth.example.com/avatars/pX3v…Q"], description="Where anybody who knows it finds the picture.")
    chosen: bool = Field(description="Whether it is the `picture` of the account.")
    created_at: Moment


class Avatars(RootModel[list[Avatar]]):
    """One's own pictures, oldest first."""


class ExportedContact(Shape):
    """An address or number."""

    kind: Literal["email", "phone"]
    value: str = Field(examples=["ada@example.com"])
    as_typed: str = Field(examples=["Ada@example.com"])
    proved_at: Moment | None
    primary: bool


class ExportedMethod(Shape):
    """A way in, a claim to an address, or a second step; no secret of it."""

    kind: str = Field(examples=["password"])
    label: str
    signs_in: bool = Field(description="Whether it alone signs in.")
    since: Moment


class ExportedEvent(Shape):
    """Something that happened to the account."""

    at: Moment
    kind: str = Field(examples=["profile_changed"])
    address: str
    country: str
    agent: str
    detail: dict[str, str]


class Export(Shape):
    """Everything that is kept about the person who asks."""

    made_at: Moment
    made_by: str = Field(examples=["https://auth.example.com"], description="The service.")
    profile: dict[str, Any] = Field(description="Names, language, country, attributes, status and the like.")
    contacts: list[ExportedContact]
    sign_in_methods: list[ExportedMethod]
    second_steps: list[ExportedMethod]
    devices: list[dict[str, Any]] = Field(description="Browsers that signed in, and until when each is trusted.")
    sessions: list[dict[str, Any]] = Field(description="Sign-ins, open ones first: where, with what, when, and why they ended.")
    applications: list[dict[str, Any]] = Field(
        description="What applications may see and do, when they read it, and the sign-ins they hold."
    )
    access_tokens: list[dict[str, Any]] = Field(
        description="Personal access tokens, without their secret: what each may do, until when, last use."
    )
    history: list[ExportedEvent]
    status_history: list[dict[str, Any]] = Field(description="Each change of status: when, from what to what, why, and by whom.")
    avatars: list[dict[str, Any]] = Field(description="Pictures; `content` is base64.")


class Leaving(Shape):
    """The account is deleted; by the link in the letter it can be kept until then."""

    erase_at: Moment
