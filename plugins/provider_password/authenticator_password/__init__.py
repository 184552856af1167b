"""Sign-in with e-mail and password. At sign-up the core has the address proved by a mailed code before the account exists."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from authenticator.identifiers import canonical_email
from authenticator.plugin import Ask, AuthError, Identity, Intent, Proof, Provider, Turn, Visit, hookimpl
from authenticator_password.fields import SIGN_IN, SIGN_UP, PasswordOptions
from authenticator_password.policy import check, exact


class Password(Provider):
    """E-mail and password, the password kept as an argon2id hash."""

    name, label = "password", "E-mail and password"
    icon = (Path(__file__).parent / "icon.svg").read_text()
    intents = frozenset({Intent.SIGN_IN, Intent.SIGN_UP, Intent.CONFIRM})
    Options = PasswordOptions

    def start(self, visit: Visit) -> Turn:
        if visit.intent is Intent.SIGN_UP:
            return Ask(SIGN_UP, title="Create your account")
        return Ask(SIGN_IN, title="Sign in")

    def vet(self, visit: Visit, answer: Mapping[str, str]) -> None:
        canonical_email(answer["email"])
        password = exact(answer["password"])
        if visit.intent is Intent.SIGN_UP:
            check(password, self.options, [answer["given_name"], answer["family_name"], answer["email"], self.kit.service_name])

    def guarded(self, visit: Visit, answer: Mapping[str, str]) -> str:
        return canonical_email(answer["email"])

    def resume(self, visit: Visit, keep: Mapping[str, Any], answer: Mapping[str, str]) -> Turn:
        email, password = canonical_email(answer["email"]), exact(answer["password"])
        if visit.intent is Intent.SIGN_UP:
            identity = Identity(answer["email"], given_name=answer["given_name"], family_name=answer["family_name"])
            return Proof(email, identity, ("pwd",), self.kit.hasher.hash(password), unproven=True)
        login = visit.logins.find(email)
        if not self.kit.hasher.verify(login.secret if login else None, password) or login is None or login.secret is None:
            raise AuthError("invalid_credentials")
        if self.kit.hasher.outdated(login.secret):
            visit.logins.swap_secret(login, self.kit.hasher.hash(password))
        return Proof(email, amr=("pwd",))

    def vouched(self, email: str, secret: str) -> Proof:
        check(exact(secret), self.options, [email, self.kit.service_name])
        return Proof(canonical_email(email), secret=self.kit.hasher.hash(exact(secret)), label=email)


@hookimpl
def auth_providers() -> list[type[Provider]]:
    """The one provider of this package."""
    return [Password]
