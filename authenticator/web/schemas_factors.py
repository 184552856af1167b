"""The shapes of second steps."""

from __future__ import annotations

from pydantic import Field

from authenticator.web.schemas import Moment, Shape

CODES = ["0-MZXW-6YTB-OI2F-KRKM", "1-NBSW-Y3DP-EB3W-64TM"]


class FactorEntry(Shape):
    """A second step that is asked for at each sign-in."""

    id: str = Field(examples=["9f86d081884c7d65…"])
    name: str = Field(examples=["totp"])
    label: str = Field(examples=["Authenticator app"])
    weak: bool = Field(examples=[False], description="Whether it is asked for only where there is nothing better, such as a code by SMS.")
    created_at: Moment | None


class AvailableFactor(Shape):
    """A second step that could be set up: `POST /api/v1/me/factors/{name}`."""

    name: str = Field(examples=["totp"])
    label: str = Field(examples=["Authenticator app"])
    weak: bool = Field(examples=[False])


class Factors(Shape):
    """One's second steps, in the order in which they were set up, and what belongs to them."""

    factors: list[FactorEntry]
    available: list[AvailableFactor]
    recovery_codes_left: int = Field(ge=0, examples=[10])
    trusted_browsers: int = Field(ge=0, examples=[1], description="Browsers in which the second step is not asked for, for some weeks.")


class RecoveryCodes(Shape):
    """A new set of recovery codes. They are not shown again; each works once, and those from before no longer work."""

    recovery_codes: list[str] = Field(examples=[CODES])


class Forgotten(Shape):
    """How many browsers ask for the second step again."""

    forgotten: int = Field(ge=0, examples=[1])
