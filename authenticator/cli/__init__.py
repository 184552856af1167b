"""The command `authenticator`: each command's module is imported when it is called for, so that help is quick."""

from __future__ import annotations

import gc
import importlib
from typing import Any

import click

from authenticator import __version__
from authenticator.errors import AuthError, ConfigurationError

COMMANDS = {
    "dev": ("dev", "Run a development server, with sample identity providers and no set-up."),
    "serve": ("serve", "Run the service for production, under gunicorn."),
    "doctor": ("doctor", "Check this installation, and say what to do next."),
    "config": ("config", "Show every setting, its value and where that came from."),
    "plugins": ("plugins", "List the installed plug-ins and what each still needs."),
    "users": ("users", "Find, add, import, export, suspend and permit accounts."),
    "roles": ("roles", "Bundle permissions of an application into roles."),
    "permissions": ("permissions", "Declare what an application lets people do."),
    "can": ("can", "Say whether somebody may do something, and why."),
    "who": ("who", "List everybody who may do something."),
    "apps": ("apps", "Register, change and remove the applications that sign people in here."),
    "keys": ("keys", "List and rotate the keys that sign tokens."),
    "db": ("db", "Look after the database."),
    "new": ("new", "Write a new plug-in, ready to run."),
    "emulator": ("emulator", "Run the sample identity providers alone."),
}
DEVELOPMENT = "authenticator.development"


class Commands(click.Group):
    """Finds its commands in COMMANDS, and tells refusals as one sentence: exit code 2 for the configuration's, 1 for others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        gc.disable()  # what is imported stays: looking through it for garbage again and again takes a tenth of the start
        try:
            module = importlib.import_module(f"authenticator.cli.{COMMANDS[cmd_name][0]}")
        finally:
            gc.enable()
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ConfigurationError as error:
            click.echo(str(error), err=True)
            ctx.exit(2)
        except AuthError as error:
            click.echo(
                "\n".join((error.detail, *(f"{name}: {said}" for name, faults in error.errors.items() for said in faults))), err=True
            )
            ctx.exit(1)


@click.group(cls=Commands, name="authenticator", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="authenticator")
@click.option("--dev", is_flag=True, help="Work on the data of the development server (`authenticator dev`).")
@click.pass_context
def main(ctx: click.Context, dev: bool) -> None:
    """Sign-up and sign-in for any app.

    `authenticator dev` starts at once. Settings are AUTHENTICATOR_… in the environment or in a file .env;
    `authenticator config` explains each.
    """
    ctx.meta[DEVELOPMENT] = dev


def group() -> click.Group:
    """The same commands, for a host application's `flask authenticator …`."""
    return main
