"""Settings of the parts that not everybody uses: the OpenID provider, and the door for reverse proxies."""

from __future__ import annotations

import ipaddress
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator


class OidcOptions(BaseModel):
    """`AUTHENTICATOR_OIDC_…`: what applications may do here by themselves, and whom they may have us call."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    people_register: bool = Field(False, description="Whether anybody with an account may register applications of her own.")
    registration: Literal["off", "token", "open"] = Field(
        "off", description="Dynamic registration (RFC 7591): not at all, with the initial access token below, or by anybody."
    )
    registration_token: SecretStr = Field(
        SecretStr(""), description="The initial access token of dynamic registration, at least 32 random characters."
    )
    documents: bool = Field(
        False, description="Whether an application may name the https address of its metadata document as its client id (MCP clients do)."
    )
    resources: list[str] = Field(
        default_factory=list,
        description="Audiences (`https://mcp.example.com`, RFC 8707) that applications may ask for which nobody here has vouched for: "
        "those that registered themselves, that a person registered, or that are a metadata document. Others only ask for their own.",
    )
    outgoing_ports: list[int] = Field(
        default_factory=lambda: [443], description="Ports that addresses given by applications may name: keys, logos, back-channel logout."
    )
    dangerous_inner_networks: list[str] = Field(
        default_factory=list,
        description="Networks (`10.0.0.0/8`) inside of which addresses given by applications may be called, with http too. Development allows this machine.",
    )

    @field_validator("dangerous_inner_networks")
    @classmethod
    def _networks(cls, value: list[str]) -> list[str]:
        return [str(ipaddress.ip_network(item, strict=False)) for item in value]

    @model_validator(mode="after")
    def _a_token_worth_its_name(self) -> OidcOptions:
        if self.registration == "token" and len(self.registration_token.get_secret_value()) < 32:
            raise ValueError("AUTHENTICATOR_OIDC_REGISTRATION_TOKEN must be 32 random characters or more (openssl rand -base64 32)")
        return self


class DoorOptions(BaseModel):
    """`AUTHENTICATOR_DOOR_…`: how a reverse proxy asks for its applications."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    cookie_domain: str = Field(
        "",
        pattern=r"^([a-z0-9-]+(\.[a-z0-9-]+)+)?$",
        description="A domain (`example.com`) whose sub-domains see a second session cookie, which only /verify takes. Empty: none; "
        "then the applications stand under the service's own host name.",
    )


PARTS: Final[dict[str, type[BaseModel]]] = {"oidc": OidcOptions, "door": DoorOptions}
