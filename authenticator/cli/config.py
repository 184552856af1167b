"""`authenticator config`: every setting, its value and where that came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click
from pydantic import BaseModel, SecretStr

from authenticator.cli import context, reference
from authenticator.cli.plugins import installed, offers
from authenticator.cli.terminal import table
from authenticator.errors import ConfigurationError
from authenticator.options import PARTS
from authenticator.settings import PREFIX, Loaded, Settings

HIDDEN = "•••"
NOT_SET = "(not set)"


@dataclass(frozen=True)
class Line:
    """A setting as it stands."""

    name: str
    value: str
    origin: str
    help: str


@click.command("config")
@click.option("--markdown", is_flag=True, help="Write the reference page instead (docs/settings.md).")
@click.option("--sample", is_flag=True, help="Write a sample of a .env file instead.")
def command(markdown: bool, sample: bool) -> None:
    """Show every setting, its value and where that came from. Secrets are not shown."""
    loaded = context.settings()
    if markdown or sample:
        models = plugin_models(loaded)
        click.echo(reference.page(models) if markdown else reference.sample(models), nl=False)
        return
    rows = [(line.name, line.value, line.origin, line.help) for line in lines(loaded)]
    click.echo(table(("SETTING", "VALUE", "FROM", "WHAT IT IS"), rows))


def plugin_models(loaded: Loaded) -> dict[str, tuple[str, type[BaseModel]]]:
    """For each part of the core and each installed plug-in with settings of its own: its package's name and its options class."""
    found = installed(loaded)
    models = {offer.cls.name: (offer.distribution.partition(" ")[0], offer.cls.Options) for offer in offers(found, loaded)}
    return {
        **{name: ("flask-authenticator", model) for name, model in PARTS.items()},
        **{name: models[name] for name in sorted(models) if models[name][1].model_fields},
    }


def lines(loaded: Loaded) -> list[Line]:
    """All settings of the core and of the plug-ins."""
    values = {name: getattr(loaded.settings, name) for name in Settings.model_fields}
    told = _lines(Settings, PREFIX, values, loaded.origins)
    for plugin, (_, model) in plugin_models(loaded).items():
        told += _plugin_lines(plugin, model, loaded)
    return told


def _plugin_lines(plugin: str, model: type[BaseModel], loaded: Loaded) -> list[Line]:
    try:
        options, origins, _ = loaded.options(plugin, model)
    except ConfigurationError:  # `doctor` and the start say what is wrong with it
        options, origins = None, {}
    values = {name: getattr(options, name) if options else _default(info) for name, info in model.model_fields.items()}
    return _lines(model, f"{PREFIX}{plugin.upper()}_", values, origins)


def _default(info: Any) -> Any:
    return None if info.is_required() else info.get_default(call_default_factory=True)


def _lines(model: type[BaseModel], prefix: str, values: dict[str, Any], origins: Any) -> list[Line]:
    return [
        Line(f"{prefix}{name.upper()}", shown(values[name]), origins.get(name, "default"), info.description or "")
        for name, info in model.model_fields.items()
    ]


def shown(value: Any) -> str:
    """A value for people's eyes: never a secret, nor a password inside a URL."""
    if isinstance(value, SecretStr):
        return HIDDEN if value.get_secret_value() else NOT_SET
    if isinstance(value, dict):
        return ", ".join(f"{name}: {shown(item)}" for name, item in value.items()) or NOT_SET
    if isinstance(value, (list, tuple, frozenset, set)):
        return ", ".join(shown(item) for item in value) or NOT_SET
    if value is None or value == "":
        return NOT_SET
    text = "yes" if value is True else "no" if value is False else str(value)
    scheme, separator, rest = text.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{HIDDEN}@{authority.rpartition('@')[2]}{slash}{path}" if separator and "@" in authority else text
