"""`authenticator plugins`: what is installed, and what each still needs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

import click

from authenticator.cli import context
from authenticator.cli.terminal import table
from authenticator.errors import ConfigurationError
from authenticator.kinds.base import Plugin
from authenticator.kinds.oauth import OAuthProvider
from authenticator.registry import Found, Installed, find
from authenticator.settings import Loaded

KINDS = {"auth_providers": "provider", "auth_factors": "factor", "auth_senders": "sender"}


@dataclass(frozen=True)
class Offer:
    """A class that a plug-in brings, before anything is built from it."""

    cls: type[Plugin]
    kind: str
    distribution: str


def installed(loaded: Loaded) -> Installed:
    """The installed plug-ins; one that can't be imported is told here, whatever the environment."""
    lenient = loaded.settings.model_copy(update={"environment": "development"})
    return find(replace(loaded, settings=lenient))


def offers(found: Installed, loaded: Loaded) -> Iterator[Offer]:
    """Every provider, factor and sender that is installed."""
    for hook, kind in KINDS.items():
        for item in getattr(found.manager.hook, hook).get_hookimpls():
            for cls in item.function(*(loaded.settings for _ in item.argnames)) or ():
                yield Offer(cls, kind, found.distributions.get(item.plugin_name, item.plugin_name))


def listed(loaded: Loaded) -> list[Found]:
    """Each plug-in with its state, and those without provider, factor or sender too."""
    found = installed(loaded)
    brought = list(offers(found, loaded))
    rows = [_state(offer, loaded) for offer in brought] + found.failed
    known = {row.distribution for row in rows}
    rows += [Found(name, "plug-in", name, origin, "ready") for name, origin in found.distributions.items() if origin not in known]
    return sorted(rows, key=lambda row: (row.kind, row.name))


def _state(offer: Offer, loaded: Loaded) -> Found:
    cls = offer.cls
    try:
        options, _, missing = loaded.options(cls.name, cls.Options)
    except ConfigurationError as error:
        return Found(cls.name, offer.kind, cls.label, offer.distribution, "failed", reason=str(error))
    if options is not None:
        return Found(cls.name, offer.kind, cls.label, offer.distribution, "ready")
    emulated = issubclass(cls, OAuthProvider) and bool(loaded.settings.emulator_url) and loaded.settings.development
    return Found(cls.name, offer.kind, cls.label, offer.distribution, "emulated" if emulated else "unconfigured", tuple(missing))


def told(item: Found) -> str:
    """The state in words."""
    if item.state == "failed":
        return f"failed: {item.reason}"
    if item.state == "unconfigured":
        return f"needs {', '.join(item.missing)}"
    return item.state


@click.command("plugins")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def command(as_json: bool) -> None:
    """List the installed plug-ins and what each still needs."""
    rows = listed(context.settings())
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows], indent=2))
        return
    if not rows:
        click.echo("No plug-in is installed, so nobody can sign in. Start with: pip install flask-authenticator-password")
        return
    click.echo(table(("NAME", "KIND", "PACKAGE", "STATE"), [(row.name, row.kind, row.distribution or "-", told(row)) for row in rows]))
