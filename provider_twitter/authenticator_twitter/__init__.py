"""Sign in with X, which was Twitter."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from authenticator.plugin import Identity, OAuthProvider, Person, Provider, hookimpl


class Twitter(OAuthProvider):
    """X over OAuth 2.0. Source: *OAuth 2.0 Authorization Code Flow with PKCE*; *Data dictionary*."""

    name, label = "twitter", "X"
    icon = Path(__file__).with_name("icon.svg").read_text()
    authorize_url = "https://x.com/i/oauth2/authorize"
    token_url = "https://api.x.com/2/oauth2/token"
    profile_url = "https://api.x.com/2/users/me"
    revoke_url = "https://api.x.com/2/oauth2/revoke"
    scope = "users.read tweet.read users.email"  # users/me needs the first two
    token_auth = "basic"

    def profile_params(self) -> Mapping[str, str]:
        return {"user.fields": "id,name,username,profile_image_url,confirmed_email"}

    def subject(self, profile: Mapping[str, Any]) -> Any:
        return profile["data"].get("id")

    def identity(self, profile: Mapping[str, Any]) -> Identity:
        user = profile["data"]
        email = user.get("confirmed_email", "")  # X gives an address only when it is confirmed
        return Identity(email=email, email_proven=bool(email), name=user.get("name", ""), picture=user.get("profile_image_url", ""))

    @classmethod
    def example(cls, person: Person) -> dict[str, Any]:
        user = {"id": person.subject(cls.name), "name": person.name, "username": person.username}
        picture = {"profile_image_url": person.picture or "https://abs.twimg.com/sticky/default_profile_images/default_profile_normal.png"}
        return {"data": user | picture | ({"confirmed_email": person.email} if person.email_verified else {})}


@hookimpl
def auth_providers() -> list[type[Provider]]:
    return [Twitter]
