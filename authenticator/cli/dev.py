"""`authenticator dev`: a server that needs nothing set, with the emulator and the outbox beside it."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, is_running_from_reloader, run_simple

from authenticator.app import create_app
from authenticator.cli.emulator import address_for_browsers, emulator_for
from authenticator.errors import ConfigurationError
from authenticator.identifiers import LOCAL_HOSTS
from authenticator.service import Service
from authenticator.settings import PREFIX


class Handler(WSGIRequestHandler):
    """Speaks HTTP/1.1, and prints paths without their query, which may carry codes."""

    protocol_version = "HTTP/1.1"
    timeout = 75
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        path = urlsplit(getattr(self, "path", "")).path
        if not path.startswith("/static/") and path != "/healthz":
            status = int(code)
            click.secho(f"  {self.command} {path!s:.120} {status}", dim=status < 400, fg="red" if status >= 500 else None)

    def version_string(self) -> str:
        return "authenticator"


@click.command("dev")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on; 0.0.0.0 for every one.")
@click.option(
    "--port",
    envvar="PORT",
    default=8000,
    show_default=True,
    type=click.IntRange(1, 65_534),
    help="The port; the emulator takes the next one.",
)
@click.option("--reload/--no-reload", default=False, help="Start anew when a source file changes.")
def command(host: str, port: int, reload: bool) -> None:
    """Run a development server on http://localhost:8000, with sample identity providers and no set-up.

    The database is AUTHENTICATOR_DATABASE_URL, or a file in ./var. Providers without credentials of their own
    are emulated on the next port. Messages are not sent but shown at /dev/outbox.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    logging.basicConfig(level=logging.WARNING, format="  %(levelname)s %(name)s: %(message)s")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    supervisor = reload and not is_running_from_reloader()
    if not is_running_from_reloader():
        refuse_taken(host, port)
    with ExitStack() as stack:
        # with --reload this process only watches the files, and the one that it starts does the work
        app = None if supervisor else stack.enter_context(serving(host, port))
        stack.callback(click.echo, "  Stopped." if app else "", nl=bool(app))
        run_simple(host, port, app or Flask("nothing"), threaded=True, use_reloader=reload, request_handler=Handler)


@contextmanager
def serving(host: str, port: int) -> Iterator[Flask]:
    """The service, with the emulator answering beside it until the block ends."""
    given_emulator = os.environ.get(f"{PREFIX}EMULATOR_URL", "")
    app = create_app({f"{PREFIX}ENVIRONMENT": "development"}, defaults=defaults(host, port))
    service: Service = app.extensions["authenticator"]
    emulator = emulator_for(service)
    with ExitStack() as stack:
        stack.callback(service.core.store.close)
        service.core.errands.start()
        stack.callback(service.core.errands.stop)
        if emulator.providers and not given_emulator:
            if not is_running_from_reloader():
                refuse_taken(host, port + 1)
            stack.enter_context(emulator.serve(host, port + 1))
        click.echo(banner(service), nl=False)
        sys.stdout.flush()
        yield app


def defaults(host: str, port: int) -> dict[str, Any]:
    """Settings of a development server, where the operator says nothing else."""
    return {f"{PREFIX}PUBLIC_URL": f"http://{_name(host)}:{port}", f"{PREFIX}EMULATOR_URL": address_for_browsers(host, port + 1)}


def _name(host: str) -> str:
    """`localhost` where browsers can use it: passkeys need a name, not a number."""
    return "localhost" if host in (*LOCAL_HOSTS, "0.0.0.0", "::") else host  # noqa: S104


def banner(service: Service) -> str:
    """What a developer wants to know first."""
    settings = service.settings
    found = service.core.registry.found
    lines = [
        ("Sign in", f"{settings.public_url}/sign-in"),
        ("Messages", f"{settings.public_url}/dev/outbox"),
        ("Database", database(service)),
        ("Your app", f"{_port(settings.public_url)}{_itself()} --dev apps add Diary --redirect-uri http://localhost:5000/auth/callback"),
    ]
    emulated = [item.label for item in found if item.state == "emulated"]
    if emulated:
        lines.append(("Emulated", f"{', '.join(sorted(emulated))} at {settings.emulator_url}"))
    lines += [("Plug-in", f"{item.name} could not be imported ({item.reason})") for item in found if item.state == "failed"]
    lines += [("Plug-in", f"{item.name} waits for {', '.join(item.missing)}") for item in found if item.state == "unconfigured"]
    body = "".join(f"  {title:<9} {text}\n" for title, text in lines)
    return f"\n  {click.style(settings.service_name, bold=True)} is running, for development only. Ctrl+C stops it.\n\n{body}\n"


def _port(public_url: str) -> str:
    """What a command on the same data must be told, if it is not the usual port."""
    port = urlsplit(public_url).port
    return f"PORT={port} " if port not in (None, 8000) else ""


def _itself() -> str:
    """This command as the shell finds it: `make run` puts it into .venv, where no PATH leads."""
    here = Path(sys.argv[0])
    return "authenticator" if shutil.which("authenticator") or here.name != "authenticator" else os.path.relpath(here)


def database(service: Service) -> str:
    """Which database it is, without a password that may be in its URL."""
    settings = service.settings
    if not settings.database_url:
        return f"SQLite in {settings.data_dir / 'authenticator.db'}"
    parts = urlsplit(settings.database_url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def refuse_taken(host: str, port: int) -> None:
    """ConfigurationError if somebody listens there already."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise ConfigurationError(f"Port {port} may not be used by this user. Choose one above 1023, with PORT=8000.") from None
        except OSError as error:
            raise ConfigurationError(
                f"Port {port} on {host} can't be used ({error.strerror}): is another server running? Stop it, or choose a port with PORT={port + 10}."
            ) from None
