"""Sign-in with e-mail and password. At sign-up the core has the address proved by a mailed code before the account exists."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field as Option

from authenticator.identifiers import canonical_email
from authenticator.plugin import Ask, AuthError, Field, Identity, Intent, PluginOptions, Proof, Provider, Turn, Visit, hookimpl
from authenticator_password.policy import check, exact

EMAIL = Field("email", "E-mail", "email", autocomplete="username", max_length=254)
PASSWORD = Field("password", "Password", "password", autocomplete="current-password")
NEW_PASSWORD = Field(
    "password", "Password", "password", autocomplete="new-password", help="At least 8 characters. A few words in a row are good."
)
GIVEN = Field("given_name", "First name", autocomplete="given-name", max_length=100)
FAMILY = Field("family_name", "Last name", autocomplete="family-name", max_length=100)


class PasswordOptions(PluginOptions):
    """Settings of the password provider."""

    min_length: int = Option(
        8, ge=8, le=64, description="The least number of characters of a new password; NIST wants 15 where it stands alone."
    )
    min_score: int = Option(3, ge=2, le=4, description="The least zxcvbn score of a new password, from 0 to 4.")


class Password(Provider):
    """E-mail and password, the password kept as an argon2id hash."""

    name, label = "password", "E-mail and password"
    icon = (Path(__file__).parent / "icon.svg").read_text()
    intents = frozenset({Intent.SIGN_IN, Intent.SIGN_UP, Intent.CONFIRM})
    Options = PasswordOptions

    def start(self, visit: Visit) -> Turn:
        if visit.intent is Intent.SIGN_UP:
            return Ask((GIVEN, FAMILY, EMAIL, NEW_PASSWORD), title="Create your account")
        return Ask((EMAIL, PASSWORD), title="Sign in")

    def guarded(self, answer: Mapping[str, str]) -> str:
        return canonical_email(answer["email"])

    def resume(self, visit: Visit, keep: Mapping[str, Any], answer: Mapping[str, str]) -> Turn:  # noqa: ARG002
        email, password = canonical_email(answer["email"]), exact(answer["password"])
        if visit.intent is Intent.SIGN_UP:
            check(password, self.options, [answer["given_name"], answer["family_name"], answer["email"], self.kit.service_name])
            identity = Identity(answer["email"], given_name=answer["given_name"], family_name=answer["family_name"])
            return Proof(email, identity, ("pwd",), self.kit.hasher.hash(password), unproven=True)
        login = visit.logins.find(email)
        if not self.kit.hasher.verify(login.secret if login else None, password) or login is None or login.secret is None:
            raise AuthError("invalid_credentials")
        if self.kit.hasher.outdated(login.secret):
            visit.logins.swap_secret(email, login.secret, self.kit.hasher.hash(password))
        return Proof(email, amr=("pwd",))

    def vouched(self, email: str, secret: str) -> Proof:
        check(exact(secret), self.options, [email, self.kit.service_name])
        return Proof(canonical_email(email), secret=self.kit.hasher.hash(exact(secret)), label=email)


@hookimpl
def auth_providers() -> list[type[Provider]]:
    """The one provider of this package."""
    return [Password]
