"""The words in which an application describes itself (RFC 7591 §2, OpenID Connect Registration §2), and what each kind may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from authenticator.errors import AuthError
from authenticator.flows import client_names, client_uris
from authenticator.flows.scopes import OFFLINE, OPENID
from authenticator.settings import LONGEST_TOKEN

CODE: Final = "authorization_code"
REFRESH: Final = "refresh_token"
ITSELF: Final = "client_credentials"
DEVICE: Final = "urn:ietf:params:oauth:grant-type:device_code"
EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
GRANTS: Final = (CODE, REFRESH, ITSELF, DEVICE, EXCHANGE)
PUBLIC_SCOPES: Final = (OPENID, "profile", "email", "phone", OFFLINE)
Signing = Literal["RS256", "ES256", "EdDSA"]
Few = Annotated[list[str], Field(default_factory=list, max_length=client_uris.MOST)]


class Metadata(BaseModel):
    """The metadata as they are written, each of its own type; what is not known here is left out."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, hide_input_in_errors=True)

    client_name: str = ""
    redirect_uris: Few
    post_logout_redirect_uris: Few
    grant_types: list[str] = Field(default_factory=lambda: [CODE, REFRESH], max_length=10)
    response_types: list[str] = Field(default_factory=lambda: ["code"], max_length=10)
    scope: str | None = Field(None, max_length=2000)
    token_endpoint_auth_method: Literal["client_secret_basic", "client_secret_post", "private_key_jwt", "none"] = "client_secret_basic"  # noqa: S105 (a method)
    token_endpoint_auth_signing_alg: Literal["", "RS256", "PS256", "ES256", "EdDSA"] = ""
    application_type: Literal["web", "native"] = "web"
    jwks: dict[str, Any] | None = None
    jwks_uri: str = ""
    subject_type: Literal["public", "pairwise"] = "public"
    sector_identifier_uri: str = ""
    id_token_signed_response_alg: Signing = "RS256"  # noqa: S105 (an algorithm)
    userinfo_signed_response_alg: Literal["", "RS256", "ES256", "EdDSA"] = ""
    request_object_signing_alg: Literal["", "RS256", "PS256", "ES256", "EdDSA"] = ""
    require_pushed_authorization_requests: bool = False
    dpop_bound_access_tokens: bool = False
    default_max_age: int | None = Field(None, ge=0, le=2_592_000)
    require_auth_time: bool = False
    default_acr_values: list[str] = Field(default_factory=list, max_length=10)
    initiate_login_uri: str = ""
    backchannel_logout_uri: str = ""
    backchannel_logout_session_required: bool = False
    frontchannel_logout_uri: str = ""
    frontchannel_logout_session_required: bool = False
    logo_uri: str = ""
    client_uri: str = ""
    policy_uri: str = ""
    tos_uri: str = ""
    contacts: list[str] = Field(default_factory=list, max_length=10)
    software_id: str = Field("", max_length=200)
    software_version: str = Field("", max_length=200)
    # and what only this service knows
    require_pkce: bool | None = None
    claims_in_id_token: bool = False
    trusted: bool = False
    origins: list[str] | None = Field(None, max_length=client_uris.MOST)
    resources: Few
    access_token_seconds: int | None = Field(None, ge=30, le=LONGEST_TOKEN)
    refresh_token_days: int | None = Field(None, ge=1, le=30)

    @property
    def name(self) -> str:
        """What it is called: by its host where it gives no name."""
        if self.client_name:
            return client_names.tidy(self.client_name)
        return client_uris.host_of(self.client_uri or next(iter(self.redirect_uris), ""))

    @property
    def public(self) -> bool:
        """Whether it can keep no secret."""
        return self.token_endpoint_auth_method == "none"  # noqa: S105 (a method)

    @property
    def by_key(self) -> bool:
        """Whether it proves who it is with a private key (RFC 7523)."""
        return self.token_endpoint_auth_method == "private_key_jwt"  # noqa: S105 (a method)


@dataclass(frozen=True)
class Rules:
    """What this kind of applications may be. `scopes` None is whatever it asks for; others are dropped, as RFC 7591 §2 allows."""

    grants: Sequence[str] = GRANTS
    scopes: Sequence[str] | None = None
    methods: Sequence[str] = ("client_secret_basic", "client_secret_post", "private_key_jwt", "none")
    ours: bool = True


RULES: Final[Mapping[str, Rules]] = {
    "operator": Rules(),
    "owner": Rules((CODE, REFRESH, ITSELF, DEVICE), PUBLIC_SCOPES, ours=False),
    "dynamic": Rules((CODE, REFRESH, ITSELF, DEVICE), PUBLIC_SCOPES, ours=False),
    "document": Rules((CODE, REFRESH), PUBLIC_SCOPES, ("none", "private_key_jwt"), ours=False),
}


def read(metadata: Mapping[str, Any]) -> Metadata:
    """The metadata as they were sent; AuthError `validation_failed` for a wrong type or an unknown word."""
    try:
        return Metadata.model_validate({name: value for name, value in metadata.items() if value is not None})
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False, include_context=False)
    raise AuthError("validation_failed", errors={str(fault["loc"][0]): (_sentence(fault["type"]),) for fault in faults})


def _sentence(kind: str) -> str:
    return {"literal_error": "This is not offered here.", "too_long": "These are too many.", "string_too_long": "This is too long."}.get(
        kind, "This is not valid."
    )
