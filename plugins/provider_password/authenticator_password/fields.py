"""What the password provider asks for, and what an operator can set."""

from __future__ import annotations

from pydantic import Field as Option

from authenticator.plugin import Field, PluginOptions

EMAIL = Field("email", "E-mail", "email", autocomplete="username", max_length=254)
WHO = Field("email", "E-mail or user name", autocomplete="username", max_length=254)  # or a phone number
PASSWORD = Field("password", "Password", "password", autocomplete="current-password")
NEW_PASSWORD = Field(
    "password", "Password", "password", autocomplete="new-password", help="At least 8 characters. A few words in a row are good."
)
GIVEN = Field("given_name", "First name", autocomplete="given-name", max_length=100)
FAMILY = Field("family_name", "Last name", autocomplete="family-name", max_length=100)
SIGN_IN = (WHO, PASSWORD)
CONFIRM = (PASSWORD,)
SIGN_UP = (GIVEN, FAMILY, EMAIL, NEW_PASSWORD)


class PasswordOptions(PluginOptions):
    """Settings of the password provider."""

    min_length: int = Option(
        8, ge=8, le=64, description="The least number of characters of a new password; NIST wants 15 where it stands alone."
    )
    min_score: int = Option(3, ge=2, le=4, description="The least zxcvbn score of a new password, from 0 to 4.")
    breached_url: str = Option(
        "",
        pattern="^(https://.+)?$",
        description="A list of breached passwords to ask, such as https://api.pwnedpasswords.com/range/; empty for none. "
        "It is told 5 digits of a hash.",
    )
