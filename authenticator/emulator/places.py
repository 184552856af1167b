"""Where each provider's endpoints are in the emulator: `/<host>/<path>` of the real ones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from authenticator.kinds.oauth import OAuthProvider
from authenticator.kinds.oidc import OIDCProvider

ENDPOINTS = ("authorize", "token", "profile", "revoke")


@dataclass(frozen=True, slots=True)
class Place:
    """One endpoint of one provider. Where its URL names an option, any value fits."""

    provider: type[OAuthProvider]
    endpoint: str
    pattern: re.Pattern[str]


def urls(provider: type[OAuthProvider]) -> dict[str, str]:
    """A provider's endpoints by their real URLs: those it names and, for an issuer, usual paths for the rest."""
    found = {name: url for name in ENDPOINTS if (url := getattr(provider, f"{name}_url"))}
    if issubclass(provider, OIDCProvider):
        usual = {name: f"{provider.issuer}/{name}" for name in (*ENDPOINTS, "keys")}
        found = usual | found | {"discovery": f"{provider.issuer}/.well-known/openid-configuration"}
    return found


def places(providers: Sequence[type[OAuthProvider]]) -> Iterator[Place]:
    """Every endpoint of every provider whose host is known without its options."""
    for provider in providers:
        for endpoint, url in urls(provider).items():
            host_and_path = url.removeprefix("https://")
            if "{" not in host_and_path.partition("/")[0]:
                parts = re.split(r"\{\w+\}", host_and_path)
                yield Place(provider, endpoint, re.compile("[^/]+".join(re.escape(part) for part in parts)))
