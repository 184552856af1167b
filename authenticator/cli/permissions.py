"""`authenticator permissions`: what applications let people do, by the operator's hand."""

from __future__ import annotations

import click

from authenticator.applications import OWN
from authenticator.cli import context
from authenticator.cli.terminal import table
from authenticator.flows import permissions

APPLICATION = click.option("--application", default=OWN, metavar="ID", help="An application's client id; without it, this service.")


@click.group("permissions")
def command() -> None:
    """What an application lets people do: `reports:read`. Roles bundle permissions: see `authenticator roles`."""


@command.command("list")
@APPLICATION
def show_all(application: str) -> None:
    """The permissions that an application declares."""
    known = permissions.declared(context.service().application_with_roles(application))
    rows = sorted(known.items())
    click.echo(table(("PERMISSION", "MEANING"), rows) if rows else "It declares none. Next: authenticator permissions add NAME")


@command.command("add", short_help="Declare a permission.")
@click.argument("name")
@click.option("--text", default="", help="What it means, in words.")
@APPLICATION
def add(name: str, text: str, application: str) -> None:
    """Declare the permission NAME (like reports:read), or change its words."""
    service = context.service()
    service.declare_permission("operator", service.application_with_roles(application), name, text)
    click.echo(f"{name} may now be given: authenticator users grant WHO {name} --application {application}")


@command.command("remove")
@click.argument("name")
@APPLICATION
def remove(name: str, application: str) -> None:
    """Declare a permission no more; whoever had it, has it no more."""
    service = context.service()
    service.withdraw_permission("operator", service.application_with_roles(application), name)
    click.echo(f"{name} is gone, also from roles and for those who had it.")
