"""`authenticator doctor`: what is well, what is not, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import click

from authenticator.cli import checks, context, plugins
from authenticator.cli.checks import Finding
from authenticator.cli.terminal import mark, table
from authenticator.errors import AuthError, ConfigurationError
from authenticator.kinds.oauth import OAuthProvider
from authenticator.settings import PREFIX, Loaded


@click.command("doctor")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Check this installation, and say what to do next. Exit code 1 when something is broken."""
    loaded = context.settings()
    settings = loaded.settings
    click.secho(f"{settings.service_name} ({settings.environment})", bold=True)
    broken = _tell(checks.settings_findings(settings))
    broken += _tell(_running())
    click.secho("\nPlug-ins", bold=True)
    broken += _tell(checks.plugin_findings(plugins.listed(loaded)))
    _callbacks(loaded)
    _origins(loaded)
    click.echo(f"\n{broken} of these must be repaired." if broken else "\nNothing is broken.")
    ctx.exit(1 if broken else 0)


def _tell(findings: Iterable[Finding]) -> int:
    """Print findings; how many are bad."""
    broken = 0
    for finding in findings:
        broken += finding.kind == "bad"
        click.echo(f"{mark(finding.kind)} {finding.text}")
        if finding.advice:
            click.echo(f"  → {finding.advice}")
    return broken


def _running() -> Iterator[Finding]:
    try:
        service = context.service()
        yield from checks.service_findings(service)
    except ConfigurationError as error:
        yield Finding("bad", f"It does not start: {error}")
    except AuthError as error:
        yield Finding("bad", f"It can't work: {error.detail}", f"Is the database of {PREFIX}DATABASE_URL up?")


def _callbacks(loaded: Loaded) -> None:
    found = plugins.installed(loaded)
    away = sorted((offer.cls.label, offer.cls.name) for offer in plugins.offers(found, loaded) if issubclass(offer.cls, OAuthProvider))
    if away:
        click.secho("\nCallback URLs, to paste into each provider's console", bold=True)
        click.echo(table(("PROVIDER", "URL"), [(label, f"{loaded.settings.public_url}/sign-in/{name}/callback") for label, name in away]))


def _origins(loaded: Loaded) -> None:
    told = checks.origins(loaded)
    click.secho("\nSettings that are not at their default", bold=True)
    click.echo(table(("SETTING", "FROM"), sorted(told.items())) if told else "none")
