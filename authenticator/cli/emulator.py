"""`authenticator emulator`: the sample identity providers alone, for a service that runs elsewhere."""

from __future__ import annotations

import signal
import sys
import threading

import click

from authenticator.cli.plugins import installed, offers
from authenticator.emulator import Emulator
from authenticator.kinds.oauth import OAuthProvider
from authenticator.service import Service
from authenticator.settings import PREFIX, load


@click.command("emulator")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8001, show_default=True, type=click.IntRange(1, 65_535))
def command(host: str, port: int) -> None:
    """Run the sample identity providers alone. Give their address to a service as AUTHENTICATOR_EMULATOR_URL."""
    loaded = load({f"{PREFIX}ENVIRONMENT": "development"})
    classes = [offer.cls for offer in offers(installed(loaded), loaded)]
    emulator = Emulator([cls for cls in classes if issubclass(cls, OAuthProvider)], address_for_browsers(host, port))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with emulator.serve(host, port):
        click.echo(f"{', '.join(cls.label for cls in emulator.providers)} emulated at {emulator.base_url}")
        threading.Event().wait()


def emulator_for(service: Service) -> Emulator:
    """An emulator of the providers for which this service has no credentials."""
    providers = [type(provider) for provider in service.core.registry.providers.values() if provider.emulated]
    return Emulator([cls for cls in providers if issubclass(cls, OAuthProvider)], service.settings.emulator_url)


def address_for_browsers(host: str, port: int) -> str:
    """Where browsers find a server that listens there. A number, so that it shares no cookie with the service at `localhost`."""
    anywhere = host in ("0.0.0.0", "::", "localhost", "::1")  # noqa: S104
    return f"http://{'127.0.0.1' if anywhere else host}:{port}"
