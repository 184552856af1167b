"""`authenticator new`: a plug-in's first files, with tests that are green at once."""

from __future__ import annotations

import keyword
import re
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from string import Template

import click

from authenticator.errors import ConfigurationError
from authenticator.registry import GROUP
from authenticator.settings import Settings

FILES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "icon.svg": "authenticator_{name}/icon.svg",
    "test.py": "test_{name}.py",
}


@click.group("new")
def command() -> None:
    """Write a new plug-in, ready to run."""


@command.command("provider")
@click.argument("name")
@click.option("--oidc/--oauth", "oidc", default=True, help="OpenID Connect (the default), or OAuth 2.0 alone.")
@click.option("--label", default="", help="What the button says; made from the name if not said.")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), default=None, help="Where to; ./provider_NAME if not said.")
def provider(name: str, oidc: bool, label: str, folder: Path | None) -> None:
    """Write the package of a provider called NAME, with its test."""
    refuse_name(name)
    target = folder or Path(f"provider_{name}")
    if target.exists() and any(target.iterdir()):
        raise ConfigurationError(f"{target} is there already, and not empty. Choose another place with --folder.")
    for path in write(target, name, label or name.replace("_", " ").title(), oidc):
        click.echo(f"  {path}")
    click.echo(f"\nNow say: pip install pytest -e {target} && pytest {target} && authenticator dev")


def refuse_name(name: str) -> None:
    """ConfigurationError for a name that can't be a plug-in's."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,30}", name) or keyword.iskeyword(name):
        raise ConfigurationError(f"{name!r} can't be a plug-in's name. Use small letters, digits and _, beginning with a letter: acme_id")
    if any(field.startswith(f"{name}_") for field in Settings.model_fields):
        raise ConfigurationError(f"A plug-in named {name} would have settings that look like the service's own. Choose another name.")
    if name in {point.name for point in entry_points(group=GROUP)}:
        raise ConfigurationError(f"A plug-in named {name} is installed already. Choose another name.")


def write(target: Path, name: str, label: str, oidc: bool) -> list[Path]:
    """Fill the templates in; the paths written."""
    facts = {
        "name": name,
        "label": label,
        "Class": "".join(part.title() for part in name.split("_")),
        "upper": name.upper(),
        "dashed": name.replace("_", "-"),
        "host": f"{name.replace('_', '-')}.example",
        "module": "oidc_contract" if oidc else "contract",
        "Contract": "OIDCContract" if oidc else "ProviderContract",
    }
    chosen = {**FILES, "oidc.py" if oidc else "oauth.py": "authenticator_{name}/__init__.py"}
    templates = files("authenticator.cli") / "skeleton"
    written = []
    for source, place in chosen.items():
        path = target / place.format(name=name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(Template((templates / f"{source}.txt").read_text()).substitute(facts))
        written.append(path)
    return written
