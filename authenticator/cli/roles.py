"""`authenticator roles`: permissions of an application under one name, by the operator's hand."""

from __future__ import annotations

import click

from authenticator.applications import Role
from authenticator.cli import context
from authenticator.cli.permissions import APPLICATION
from authenticator.cli.terminal import table
from authenticator.errors import AuthError
from authenticator.flows import permissions


@click.group("roles")
def command() -> None:
    """Permissions of an application under one name. Who has a role: `authenticator who PERMISSION`."""


@command.command("list")
@APPLICATION
def show_all(application: str) -> None:
    """The roles of an application."""
    known = permissions.roles(context.service().application_with_roles(application))
    rows = [(role.name, " ".join(role.permissions) or "-", role.text) for role in known.values()]
    click.echo(table(("ROLE", "PERMISSIONS", "MEANING"), rows) if rows else "It has none. Next: authenticator roles add NAME PERMISSION …")


@command.command("add")
@click.argument("name")
@click.argument("permission", nargs=-1, required=True)
@click.option("--text", default="", help="What it means, in words.")
@APPLICATION
def add(name: str, permission: tuple[str, ...], text: str, application: str) -> None:
    """Make a role of one or more permissions."""
    service = context.service()
    service.put_role("operator", service.application_with_roles(application), Role(name, text, permission), only="new")
    click.echo(f"The role {name} gives {', '.join(permission)}.")


@command.command("change")
@click.argument("name")
@click.option("--add", "more", multiple=True, metavar="PERMISSION", help="Put this in; may be repeated.")
@click.option("--remove", "fewer", multiple=True, metavar="PERMISSION", help="Take this out; may be repeated.")
@click.option("--text", default=None, help="What it means, in words.")
@APPLICATION
def change(name: str, more: tuple[str, ...], fewer: tuple[str, ...], text: str | None, application: str) -> None:
    """Change what a role gives, for all who have it at once."""
    service = context.service()
    found = service.application_with_roles(application)
    before = next((role for role in found.roles if role.name == name), None)
    if before is None:
        raise AuthError("not_found", f"There is no role {name} that could be changed. `authenticator roles list` shows them.")
    kept = tuple(one for one in (*before.permissions, *more) if one not in fewer)
    service.put_role("operator", found, Role(name, before.text if text is None else text, kept), only="there")
    click.echo(f"The role {name} gives {', '.join(dict.fromkeys(kept)) or 'nothing'}.")


@command.command("remove")
@click.argument("name")
@APPLICATION
def remove(name: str, application: str) -> None:
    """Have a role no more; what it gave is gone at once."""
    service = context.service()
    service.remove_role("operator", service.application_with_roles(application), name)
    click.echo(f"The role {name} is gone.")
