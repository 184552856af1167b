"""`authenticator keys`: the keys that sign tokens."""

from __future__ import annotations

from datetime import datetime

import click

from authenticator.cli import context
from authenticator.cli.terminal import table
from authenticator.models import SigningKey


@click.group("keys")
def command() -> None:
    """List and rotate the keys that sign tokens."""


@command.command("list")
def show() -> None:
    """The keys that are published, oldest first."""
    service = context.service()
    active = service.keys.current().kid
    now = service.core.clock.now()
    rows = [(key.kid, key.algorithm, f"{key.created_at:%Y-%m-%d %H:%M}", _state(key, active, now)) for key in service.keys.published()]
    click.echo(table(("KID", "ALGORITHM", "MADE (UTC)", "STATE"), rows))


def _state(key: SigningKey, active: str, now: datetime) -> str:
    if key.kid == active:
        return "signs"
    return f"announced, signs from {key.active_from:%H:%M} UTC" if key.active_from > now else "still trusted"


@command.command("rotate")
def rotate() -> None:
    """Announce a new key. It signs ten minutes later, when everybody has seen it."""
    key = context.service().keys.rotate()
    click.echo(f"Key {key.kid} is published now and signs from {key.active_from:%Y-%m-%d %H:%M} UTC.")
