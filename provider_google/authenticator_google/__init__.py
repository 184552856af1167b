"""Sign in with Google."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from authenticator.plugin import AuthError, OAuthOptions, OIDCProvider, Person, Provider, Visit, hookimpl


class GoogleOptions(OAuthOptions):
    """Google's settings."""

    hosted_domain: str = Field("", description="Let in only members of this Google Workspace domain, `example.com`. Empty: everybody.")


class Google(OIDCProvider):
    """Google's OpenID Connect. Source: *Google OpenID Connect API Reference*."""

    name, label = "google", "Google"
    icon = Path(__file__).with_name("icon.svg").read_text()
    issuer = "https://accounts.google.com"
    more_issuers = ("accounts.google.com",)  # as older tokens spell it
    algorithms = ("RS256",)
    Options = GoogleOptions

    def authorize_params(self, visit: Visit) -> Mapping[str, str]:
        return {"hd": self.options.hosted_domain} if self.options.hosted_domain else {}

    def check_claims(self, claims: Mapping[str, Any]) -> None:
        wanted = self.options.hosted_domain  # the request's `hd` is a hint that anybody can take off
        if wanted and claims.get("hd") != wanted:
            raise AuthError("forbidden", f"Choose your {wanted} account at Google.")

    def email_proven(self, claims: Mapping[str, Any]) -> bool:
        # Elsewhere Google saw the mailbox once, and it may belong to somebody else by now.
        at_google = str(claims.get("email", "")).lower().endswith("@gmail.com") or bool(claims.get("hd"))
        return super().email_proven(claims) and at_google

    @classmethod
    def example(cls, person: Person) -> dict[str, Any]:
        return super().example(person) | ({"hd": person.domain} if person.email_verified else {})


@hookimpl
def auth_providers() -> list[type[Provider]]:
    return [Google]
