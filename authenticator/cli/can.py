"""`authenticator can`: whether somebody may, and why; 0 if so, else 1."""

from __future__ import annotations

import click

from authenticator.cli import context
from authenticator.cli.permissions import APPLICATION


@click.command("can", short_help="Say whether somebody may do something, and why.")
@click.argument("who", metavar="USER")
@click.argument("permission")
@click.argument("resource", default="")
@APPLICATION
@click.pass_context
def command(ctx: click.Context, who: str, permission: str, resource: str, application: str) -> None:
    """Say whether USER (an id, e-mail address, +44…, @name) has PERMISSION for RESOURCE, or for everything, and why.

    The exit code is 0 if so, 1 if not.
    """
    service = context.service()
    decision = service.decide(service.find_user(who), service.application_with_roles(application), permission, resource)
    click.echo(f"{'yes' if decision.allowed else 'no'}: {decision.reason}")
    ctx.exit(0 if decision.allowed else 1)
