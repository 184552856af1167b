"""Sign-in with a password: whose it is, whether it fits, and what is kept of a new one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from authenticator.aliases import alias_of
from authenticator.identifiers import canonical_email
from authenticator.plugin import Ask, AuthError, Identity, Intent, Login, Proof, SecretProvider, Turn, Visit
from authenticator_password.breached import refuse_breached
from authenticator_password.fields import CONFIRM, SIGN_IN, SIGN_UP, PasswordOptions
from authenticator_password.policy import check, exact

AMR = ("pwd",)


class Password(SecretProvider):
    """A password, kept as an argon2id hash. It belongs to the account: its subject is the user's id, whatever her addresses are."""

    name, label, phrase = "password", "E-mail and password", "a password"
    icon = (Path(__file__).parent / "icon.svg").read_text()
    rank = 10
    intents = frozenset({Intent.SIGN_IN, Intent.SIGN_UP, Intent.CONFIRM})
    Options = PasswordOptions

    def start(self, visit: Visit) -> Turn:
        if visit.intent is Intent.SIGN_UP:
            return Ask(SIGN_UP, title="Create your account")
        if visit.intent is Intent.CONFIRM:
            return Ask(CONFIRM, title="Enter your password")
        return Ask(SIGN_IN, title="Sign in")

    def vet(self, visit: Visit, answer: Mapping[str, str]) -> None:
        password = exact(answer["password"])
        if visit.intent is Intent.SIGN_UP:
            canonical_email(answer["email"])
            self._check(password, (answer["given_name"], answer["family_name"], answer["email"]))
        elif visit.intent is Intent.SIGN_IN:
            alias_of(answer["email"], visit.client.country)

    def guarded(self, visit: Visit, answer: Mapping[str, str]) -> str:
        if visit.intent is Intent.SIGN_UP:
            return canonical_email(answer["email"])
        if visit.intent is Intent.CONFIRM:
            return f"user:{visit.user.id}" if visit.user else ""
        login = self._login(visit, answer)
        return f"user:{login.user.id}" if login else alias_of(answer["email"], visit.client.country).subject

    def resume(self, visit: Visit, keep: Mapping[str, Any], answer: Mapping[str, str]) -> Turn:
        password = exact(answer["password"])
        if visit.intent is Intent.SIGN_UP:
            identity = Identity(answer["email"], given_name=answer["given_name"], family_name=answer["family_name"])
            refuse_breached(self.kit, self.options.breached_url, password)
            return Proof("", identity, AMR, self.kit.hasher.hash(password), unproven=True)
        login = self._login(visit, answer)
        if not self.fits(password, login.secret if login else None) or login is None or login.secret is None:
            raise AuthError("invalid_credentials")
        if login.user.must_reset and login.user.status == "active":
            raise AuthError("reset_required")
        if self.kit.hasher.outdated(login.secret):
            visit.logins.swap_secret(login, self.kit.hasher.hash(password))
        return Proof(login.user.id, amr=AMR)

    def chosen(self, secret: str, hints: Sequence[str]) -> str:
        password = exact(secret)
        self._check(password, hints)
        refuse_breached(self.kit, self.options.breached_url, password)
        return self.kit.hasher.hash(password)

    def fits(self, secret: str, kept: str | None) -> bool:
        return self.kit.hasher.verify(kept, exact(secret))

    def vouched(self, email: str, secret: str) -> Proof:
        return Proof("", secret=self.chosen(secret, [email]))

    def _login(self, visit: Visit, answer: Mapping[str, str]) -> Login | None:
        """Whose password is tried: who is signed in confirms with her own and no other."""
        if visit.intent is Intent.CONFIRM:
            return visit.logins.find(visit.user.id) if visit.user else None
        return visit.logins.behind(alias_of(answer["email"], visit.client.country))

    def _check(self, password: str, hints: Sequence[str]) -> None:
        check(password, self.options, [*hints, self.kit.service_name])
