"""`authenticator serve`: gunicorn, set up for this service."""

from __future__ import annotations

import gc
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import click

from authenticator.app import create_app
from authenticator.cli.dev import defaults, refuse_taken
from authenticator.cli.emulator import address_for_browsers
from authenticator.errors import ConfigurationError
from authenticator.settings import PREFIX, load

CONF = "python:authenticator.cli.gunicorn_conf"


@click.command("serve")
@click.option("--host", envvar="HOST", default="127.0.0.1", show_default=True, help="The address to listen on; 0.0.0.0 for every one.")
@click.option("--port", envvar="PORT", default=8000, show_default=True, type=click.IntRange(1, 65_534))
@click.option("--bind", default="", help="Instead of host and port: a Unix socket, `unix:/run/authenticator.sock`.")
@click.option(
    "--workers", envvar="WEB_CONCURRENCY", default=None, type=click.IntRange(1, 256), help="Processes; one for each core if not said."
)
@click.option("--reload", is_flag=True, help="Start anew when a source file changes (for development).")
@click.option("--emulator", is_flag=True, help="Also run the sample identity providers on the next port (for development).")
def command(host: str, port: int, bind: str, workers: int | None, reload: bool, emulator: bool) -> None:
    """Run the service under gunicorn: a process for each core, 64 threads each.

    Further gunicorn options can be given in GUNICORN_CMD_ARGS.
    """
    if importlib.util.find_spec("gunicorn") is None:
        raise ConfigurationError("gunicorn is not installed. Say: pip install 'flask-authenticator[serve]'")
    development = load().settings.development
    if (reload or emulator) and not development:
        raise ConfigurationError(f"--reload and --emulator are for development. Set {PREFIX}ENVIRONMENT=development, or leave them away.")
    if not bind:
        refuse_taken(host, port)
    options: dict[str, Any] = {"bind": bind or f"{f'[{host}]' if ':' in host else host}:{port}"}
    options |= {"workers": workers} if workers else {}
    options |= {"reload": True, "preload_app": False} if reload else {}
    given = defaults(host, port) if emulator else {}
    if reload:
        create_app(defaults=given).extensions["authenticator"].core.store.close()  # refuse here and at once, not in each worker
    with _emulator(host, port + 1) if emulator else nullcontext():
        _run(options, given)


def _run(options: dict[str, Any], given: dict[str, Any]) -> None:
    from gunicorn.app.base import Application  # an extra: it may be missing, as checked above

    class Server(Application):  # type: ignore[misc]
        def init(self, *_: Any) -> None:
            return None

        def load_config(self) -> None:
            self.load_config_from_module_name_or_filename(CONF)
            for name, value in options.items():
                self.cfg.set(name, value)
            arguments = self.cfg.parser().parse_args(self.cfg.get_cmd_args_from_env())
            for name, value in vars(arguments).items():
                if value is not None and name != "args":
                    self.cfg.set(name.lower(), value)

        def load(self) -> Any:
            gc.disable()  # what it is made of stays, too: making it takes a third less
            try:
                app = create_app(defaults=given)
                gc.freeze()  # what is there now is shared with the workers, as long as nobody writes its marks into it
            finally:
                gc.enable()
            return app

    Server("authenticator").run()


@contextmanager
def _emulator(host: str, port: int) -> Iterator[None]:
    """A process of its own, since gunicorn forks and threads don't survive that."""
    refuse_taken(host, port)
    process = subprocess.Popen([sys.executable, "-m", "authenticator.cli", "emulator", "--host", host, "--port", str(port)])  # noqa: S603
    parent = os.getpid()
    click.echo(f"Sample identity providers at {address_for_browsers(host, port)}")
    try:
        yield
    finally:
        if os.getpid() == parent:  # workers come by here too when they end
            process.terminate()
            process.wait(10)
