"""`authenticator db`: the database's schema."""

from __future__ import annotations

import click

from authenticator.cli import context
from authenticator.cli.dev import database


@click.group("db")
def command() -> None:
    """Look after the database."""


@command.command("upgrade")
def upgrade() -> None:
    """Bring tables and indexes up to date. Safe to repeat, and to run from many places at once."""
    service = context.service()  # making a service prepares its store; once more shows that nothing is left to do
    service.core.store.prepare()
    click.echo(f"The database is up to date: {database(service)}")


@command.command("purge")
def purge() -> None:
    """Remove what has expired. Nothing depends on it but space; run it once a day."""
    service = context.service()
    click.echo(f"{service.core.store.purge(service.core.clock.now())} expired records removed.")
