"""What `authenticator doctor` looks at: each check is a function from what there is to findings."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from authenticator.cli.dev import database
from authenticator.identifiers import LOCAL_HOSTS
from authenticator.registry import Found
from authenticator.service import Service
from authenticator.settings import PREFIX, Loaded, Settings

RELEASED = datetime(2026, 11, 1, tzinfo=UTC)  # this code is younger than that, so a clock that says otherwise is wrong


@dataclass(frozen=True)
class Finding:
    """`good`, `odd` (works, but look at it) or `bad` (broken); `advice` is what to do next."""

    kind: Literal["good", "odd", "bad"]
    text: str
    advice: str = ""


def settings_findings(settings: Settings) -> Iterator[Finding]:
    """What can be told before anything runs."""
    yield from public_url(settings)
    yield from proxies(settings)
    yield from secrets(settings)
    yield from data_folder(settings.data_dir)
    yield from dangers(settings)


def public_url(settings: Settings) -> Iterator[Finding]:
    local = urlsplit(settings.public_url).hostname in LOCAL_HOSTS
    if settings.secure:
        yield Finding("good", f"Browsers come to {settings.public_url}; cookies are __Host-, Secure, HttpOnly, SameSite=Lax.")
    elif settings.development or local:
        kind: Literal["good", "odd"] = "good" if settings.development else "odd"
        advice = "" if settings.development else f"Set {PREFIX}PUBLIC_URL to the https address that people will use."
        yield Finding(kind, f"Browsers come to {settings.public_url} over plain http; cookies are HttpOnly, SameSite=Lax.", advice)
    else:
        yield Finding(
            "bad",
            f"{settings.public_url} is plain http, so everybody on the way can read passwords and cookies.",
            f"Put a proxy with TLS in front and set {PREFIX}PUBLIC_URL to its https address.",
        )


def proxies(settings: Settings) -> Iterator[Finding]:
    wide = [network for network in settings.trusted_proxies if ip_network(network).prefixlen == 0]
    if wide:
        yield Finding(
            "bad",
            "Every address counts as a proxy, so anybody can claim to be anybody.",
            f"Name the proxies alone in {PREFIX}TRUSTED_PROXIES.",
        )
    elif settings.trusted_proxies:
        yield Finding("good", f"X-Forwarded-For is believed from {', '.join(settings.trusted_proxies)} only.")
    elif settings.secure:
        yield Finding(
            "odd",
            "No proxy is trusted: behind one, all people seem to share its address and its limits.",
            f"If a proxy ends TLS here, set {PREFIX}TRUSTED_PROXIES to its address.",
        )
    else:
        yield Finding("good", "No proxy is trusted; the direct peer's address counts.")


def secrets(settings: Settings) -> Iterator[Finding]:
    if settings.secret_key.get_secret_value():
        yield Finding("good", "The secret key is set.")
    elif settings.development:
        yield from private_file(settings.data_dir / "secrets" / "secret_key")
    if not settings.development and not settings.field_keys:
        yield Finding("good", "Personal fields are sealed with a key made from the secret key.")


def private_file(file: Path) -> Iterator[Finding]:
    """A secret that this service made must be its owner's alone."""
    if not file.exists():
        yield Finding("good", "A secret key will be made at the first start.")
    elif stat.S_IMODE(file.stat().st_mode) & 0o077:
        yield Finding("bad", f"{file} can be read by other users of this machine.", f"Say: chmod 600 {file}")
    else:
        yield Finding("good", f"The secret key of development is in {file}, which only its owner can read.")


def data_folder(folder: Path) -> Iterator[Finding]:
    if folder.is_dir() and stat.S_IMODE(folder.stat().st_mode) & 0o002:
        yield Finding("bad", f"Everybody on this machine may write to the data folder {folder}.", f"Say: chmod o-w {folder}")
    elif folder.exists() and not folder.is_dir():
        yield Finding("bad", f"The data folder {folder} is a file.", f"Set {PREFIX}DATA_DIR to a folder.")


def dangers(settings: Settings) -> Iterator[Finding]:
    for name in (name for name in Settings.model_fields if name.startswith("dangerous_") and getattr(settings, name)):
        yield Finding(
            "odd" if settings.development else "bad",
            f"{PREFIX}{name.upper()} weakens this service.",
            "Take it away unless you know why it is there.",
        )


def service_findings(service: Service) -> Iterator[Finding]:
    """What only a service that runs can tell."""
    service.core.store.ping()
    yield Finding("good", f"The database answers, and its schema is current: {database(service)}")
    yield from clock(service)
    yield from signing_key(service)
    if not service.core.registry.providers:
        yield Finding(
            "bad",
            "Nobody can sign in: no provider is ready.",
            "Install one, such as flask-authenticator-password, or set what `authenticator plugins` asks for.",
        )
    if not service.core.messages.carries("email"):
        yield Finding(
            "odd",
            "Nothing sends e-mail, so codes reach nobody.",
            f"Install flask-authenticator-smtp and set {PREFIX}SMTP_HOST and {PREFIX}SMTP_SENDER.",
        )
    if "phone" in service.core.registry.providers and not service.core.messages.carries("sms"):
        yield Finding(
            "odd",
            "Nothing sends text messages, so nobody can sign in by phone.",
            "Install a sender for them, such as flask-authenticator-twilio, and set what `authenticator plugins` asks for.",
        )


def clock(service: Service) -> Iterator[Finding]:
    now = service.core.clock.now()
    newest = max((key.created_at for key in service.core.store.signing_keys()), default=now)
    if now < RELEASED or newest > now + timedelta(seconds=10):
        yield Finding(
            "bad",
            f"The clock says {now:%Y-%m-%d %H:%M} UTC, which lies before things that have already happened.",
            "Set it, and keep it right with NTP.",
        )
    else:
        yield Finding("good", f"The clock says {now:%Y-%m-%d %H:%M} UTC.")


def signing_key(service: Service) -> Iterator[Finding]:
    kid = service.keys.current().kid
    key = next(key for key in service.keys.published() if key.kid == kid)
    age, allowed = (service.core.clock.now() - key.created_at).days, service.settings.signing_key_days
    if age > allowed:
        yield Finding(
            "odd",
            f"The key that signs tokens is {age} days old; {allowed} are allowed.",
            "Its successor is announced and takes over by itself.",
        )
    else:
        yield Finding("good", f"The key that signs tokens is {age} of {allowed} days old.")


def plugin_findings(rows: list[Found]) -> Iterator[Finding]:
    """One line for each plug-in."""
    for row in rows:
        name = f"{row.name} ({row.kind})"
        if row.state == "failed":
            yield Finding("bad", f"{name} can't be used: {row.reason}", f"Repair or uninstall {row.distribution or row.name}.")
        elif row.state == "unconfigured":
            yield Finding("odd", f"{name} is installed and waits for settings.", f"Set {', '.join(row.missing)}.")
        else:
            yield Finding("good", f"{name} is {row.state}.")


def origins(loaded: Loaded) -> Mapping[str, str]:
    """Where each setting that is not at its default came from."""
    told = {f"{PREFIX}{name.upper()}": origin for name, origin in loaded.origins.items() if origin != "default"}
    return told | {name: origin for name, (_, origin) in loaded.raw.items()}
