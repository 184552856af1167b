"""The shapes of applications: what is registered of them, in the words of RFC 7591, and their secrets."""

from __future__ import annotations

from typing import Any

from pydantic import Field, RootModel

from authenticator.web.schemas import Moment, Shape

Uri = str


class Registration(Shape):
    """What an application is. What is not given takes its usual value, or in a change stays as it is."""

    client_name: str | None = Field(None, max_length=200, examples=["Shop"])
    redirect_uris: list[Uri] | None = Field(None, max_length=20, examples=[["https://shop.example/auth/callback"]])
    post_logout_redirect_uris: list[Uri] | None = Field(None, max_length=20)
    grant_types: list[str] | None = Field(None, max_length=10, examples=[["authorization_code", "refresh_token"]])
    response_types: list[str] | None = Field(None, max_length=10, examples=[["code"]])
    scope: str | None = Field(None, max_length=2000, examples=["openid profile email"])
    token_endpoint_auth_method: str | None = Field(None, max_length=40, examples=["client_secret_basic"])
    token_endpoint_auth_signing_alg: str | None = Field(None, max_length=20)
    application_type: str | None = Field(None, max_length=20, examples=["web"])
    jwks: dict[str, Any] | None = None
    jwks_uri: Uri | None = None
    subject_type: str | None = Field(None, max_length=20, examples=["public"])
    sector_identifier_uri: Uri | None = None
    id_token_signed_response_alg: str | None = Field(None, max_length=20, examples=["RS256"])
    userinfo_signed_response_alg: str | None = Field(None, max_length=20)
    request_object_signing_alg: str | None = Field(None, max_length=20)
    require_pushed_authorization_requests: bool | None = None
    dpop_bound_access_tokens: bool | None = None
    default_max_age: int | None = None
    require_auth_time: bool | None = None
    default_acr_values: list[str] | None = Field(None, max_length=10)
    initiate_login_uri: Uri | None = None
    backchannel_logout_uri: Uri | None = None
    backchannel_logout_session_required: bool | None = None
    frontchannel_logout_uri: Uri | None = None
    frontchannel_logout_session_required: bool | None = None
    logo_uri: Uri | None = None
    client_uri: Uri | None = None
    policy_uri: Uri | None = None
    tos_uri: Uri | None = None
    contacts: list[str] | None = Field(None, max_length=10)
    software_id: str | None = Field(None, max_length=200)
    software_version: str | None = Field(None, max_length=200)
    require_pkce: bool | None = Field(None, description="Whether PKCE is required; the default.")
    claims_in_id_token: bool | None = Field(
        None, description="Whether the ID token holds what the scopes release, too. Administrators only."
    )
    trusted: bool | None = Field(None, description="Whether people are not asked for consent. Administrators only.")
    origins: list[str] | None = Field(None, max_length=20, description="The origins of its pages. Administrators only.")
    resources: list[Uri] | None = Field(None, max_length=20, description="The audiences of its tokens (RFC 8707). Administrators only.")
    access_token_seconds: int | None = Field(None, description="30 to 600. Administrators only.")
    refresh_token_days: int | None = Field(None, description="1 to 30. Administrators only.")


class Change(Registration):
    """What to change; the rest stays. A value of null takes its usual value again."""

    enabled: bool | None = Field(None, description="False shuts it out, and ends all that it was given.")


class SecretEntry(Shape):
    """A secret, without its text."""

    id: str = Field(examples=["9f86d081"])
    created_at: Moment
    expires_at: Moment | None


class ApplicationEntry(Registration):
    """An application that signs people in here."""

    client_id: str = Field(examples=["app_3kXv…"])
    enabled: bool
    registration: str = Field(examples=["operator"], description="How it came: operator, owner, dynamic or document.")
    owner: str | None = Field(description="The id of the user who registered it.")
    secrets: list[SecretEntry]
    created_at: Moment
    updated_at: Moment


class MadeApplication(ApplicationEntry):
    """A new application, with its secret: this is the only time that it can be read."""

    client_secret: str | None = Field(examples=["Zq1l…9sE"])


class MadeSecret(SecretEntry):
    """A new secret, with its text: this is the only time that it can be read."""

    client_secret: str = Field(examples=["Zq1l…9sE"])


class Applications(RootModel[list[ApplicationEntry]]):
    """Applications, oldest first. A `Link` header with `rel="next"` leads to the next page."""
