"""Sign in with Facebook."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from authenticator.plugin import Identity, OAuthOptions, OAuthProvider, Person, Provider, hookimpl


class FacebookOptions(OAuthOptions):
    """Facebook's settings."""

    version: str = Field("v26.0", pattern=r"^v\d+\.\d+$", description="The Graph API version. Each lives about two years.")


class Facebook(OAuthProvider):
    """Facebook Login. Source: *Manually Build a Login Flow*."""

    name, label = "facebook", "Facebook"
    icon = Path(__file__).with_name("icon.svg").read_text()
    authorize_url = "https://www.facebook.com/{version}/dialog/oauth"
    token_url = "https://graph.facebook.com/{version}/oauth/access_token"
    profile_url = "https://graph.facebook.com/{version}/me"
    scope, scope_separator = "email public_profile", ","
    pkce = False  # only Facebook's OpenID variant has it
    app_proof = "appsecret_proof"
    Options = FacebookOptions

    def profile_params(self) -> Mapping[str, str]:
        return {"fields": "id,name,first_name,last_name,email,picture.width(256)"}

    def identity(self, profile: Mapping[str, Any]) -> Identity:
        picture = (profile.get("picture") or {}).get("data") or {}
        names = {"given_name": profile.get("first_name", ""), "family_name": profile.get("last_name", ""), "name": profile.get("name", "")}
        return Identity(email=profile.get("email", ""), picture=picture.get("url", ""), **names)  # never proven: Facebook does not say

    @classmethod
    def example(cls, person: Person) -> dict[str, Any]:
        names = {"name": person.name, "first_name": person.given_name, "last_name": person.family_name}
        picture = {
            "data": {"url": person.picture or "https://graph.facebook.com/none.png", "width": 256, "height": 256, "is_silhouette": True}
        }
        return {"id": person.subject(cls.name), **names, "picture": picture} | ({"email": person.email} if person.email else {})

    @classmethod
    def example_error(cls, error: str) -> dict[str, Any]:
        return {"error": {"message": f"Said by the emulator: {error}.", "type": "OAuthException", "code": 190, "fbtrace_id": "A0"}}


@hookimpl
def auth_providers() -> list[type[Provider]]:
    return [Facebook]
