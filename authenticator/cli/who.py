"""`authenticator who`: everybody who may do something."""

from __future__ import annotations

import sys

import click

from authenticator.cli import context
from authenticator.cli.permissions import APPLICATION

EVERY = 1000  # accounts between two words of progress


@click.command("who", short_help="List everybody who may do something.")
@click.argument("permission")
@click.argument("resource", default="")
@APPLICATION
def command(permission: str, resource: str, application: str) -> None:
    """List everybody who has PERMISSION for RESOURCE, or for everything. Every account is looked at: with many, that takes a while."""
    service = context.service()
    seen = found = 0
    for user, decision in service.who_may(service.application_with_roles(application), permission, resource):
        seen += 1
        if decision:
            found += 1
            click.echo(f"{user.id}  {user.label}  {decision.reason}")
        if seen % EVERY == 0 and sys.stderr.isatty():
            click.echo(f"\r{seen} accounts looked at", err=True, nl=False)
    click.echo(f"{found} of {seen} accounts may {permission}.", err=True)
