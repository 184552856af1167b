"""What a command works on: the service of a host application, or one made from the environment."""

from __future__ import annotations

import os
from typing import Any

import click
from flask import Flask
from flask.cli import ScriptInfo

from authenticator.app import create_app
from authenticator.cli import DEVELOPMENT
from authenticator.service import Service
from authenticator.settings import PREFIX, Loaded, load


def overrides() -> dict[str, Any]:
    """What the command line says about settings."""
    return {f"{PREFIX}ENVIRONMENT": "development"} if click.get_current_context().meta.get(DEVELOPMENT) else {}


def defaults() -> dict[str, Any]:
    """What a development server at this PORT says of itself, so that a command beside it says the same."""
    port = os.environ.get("PORT", "")
    return {f"{PREFIX}PUBLIC_URL": f"http://localhost:{port}"} if overrides() and port.isdecimal() else {}


def application() -> Flask:
    """The service's Flask application, made now unless a host application has it."""
    host = _host()
    if host is None:
        return create_app(overrides(), defaults=defaults())
    inner: Flask = host.extensions["authenticator"]
    return inner


def service() -> Service:
    found: Service = application().extensions["authenticator"]
    return found


def settings() -> Loaded:
    """The settings alone, for commands that must work when the service can't start."""
    host = _host()
    if host is not None:
        loaded: Loaded = host.extensions["authenticator"].extensions["authenticator_loaded"]
        return loaded
    return load(overrides(), defaults=defaults())


def _host() -> Flask | None:
    info = click.get_current_context().find_object(ScriptInfo)
    return info.load_app() if info else None
