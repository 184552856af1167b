"""What an operator can set, and which site a passkey belongs to."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field as Option

from authenticator.plugin import PluginOptions, Visit


class PasskeyOptions(PluginOptions):
    """Settings of passkeys."""

    rp_id: str = Option(
        "",
        description="The domain that passkeys belong to: the public URL's host, or a parent domain of it. Passkeys made for another one stop working.",
    )
    origins: tuple[str, ...] = Option(
        (), description="Further origins below that domain whose scripts may use passkeys through the API, such as https://app.example.com."
    )


def origin_of(url: str) -> str:
    """`https://host:port` of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def relying_party(options: PasskeyOptions, visit: Visit, public_url: str) -> str:
    """The relying party's id: as configured, else the host at which this browser reached the service."""
    return options.rp_id or urlsplit(visit.callback_url or public_url).hostname or ""


def origins(options: PasskeyOptions, visit: Visit, public_url: str) -> list[str]:
    """Where a ceremony may have run. The callback is elsewhere than the public URL only in development, at another name of this machine."""
    return [*dict.fromkeys(origin_of(url) for url in (public_url, visit.callback_url or public_url, *options.origins))]


def belongs(rp_id: str, public_url: str) -> bool:
    """Whether browsers will accept the id at this URL: its host, or a parent domain of two parts and more (WebAuthn Level 3 §5.1.3)."""
    host = urlsplit(public_url).hostname or ""
    return host == rp_id or (host.endswith(f".{rp_id}") and "." in rp_id)
