"""`authenticator apps`: the applications that sign people in here."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import click

from authenticator.applications import OWN, Application
from authenticator.cli import context, paste
from authenticator.cli.terminal import table
from authenticator.errors import AuthError
from authenticator.flows.applications import secret_name
from authenticator.flows.client_metadata import described
from authenticator.flows.client_words import CODE, DEVICE, EXCHANGE, GRANTS, ITSELF
from authenticator.service import Service
from authenticator.settings import LONGEST_TOKEN

SHORT = {"code": CODE, "device": DEVICE, "client-credentials": ITSELF, "token-exchange": EXCHANGE, "refresh": "refresh_token"}
ID = click.argument("client_id", metavar="ID")
WORDS = {  # options that say what the metadata say, and how often
    "redirect_uri": "redirect_uris",
    "post_logout": "post_logout_redirect_uris",
    "origin": "origins",
    "resource": "resources",
    "grant": "grant_types",
    "backchannel": "backchannel_logout_uri",
    "frontchannel": "frontchannel_logout_uri",
    "logo": "logo_uri",
    "site": "client_uri",
    "policy": "policy_uri",
    "terms": "tos_uri",
    "id_token_alg": "id_token_signed_response_alg",
    "subject": "subject_type",
    "auth_method": "token_endpoint_auth_method",
    "jwks_uri": "jwks_uri",
    "pkce": "require_pkce",
    "claims_in_id_token": "claims_in_id_token",
    "trusted": "trusted",
    "access_token_seconds": "access_token_seconds",
    "refresh_token_days": "refresh_token_days",
}


def facts(command: Any) -> Any:
    """The options that say what an application is."""
    many, one = {"multiple": True}, {"default": None}
    flag: dict[str, Any] = {"default": None}
    for names, more, text in reversed(
        (
            ("--redirect-uri", many, "Where browsers come back to, exactly; may be repeated."),
            ("--public/--confidential", flag, "Whether it can keep no secret: an app on a phone, a page without a server."),
            ("--grant", {**many, "type": click.Choice([*SHORT, *GRANTS])}, "What it may ask for tokens with; may be repeated."),
            ("--scope", many, "What it may ask for; may be repeated."),
            ("--origin", many, "The origin of its pages, if not that of the redirect addresses; may be repeated."),
            ("--resource", many, "The audience of its access tokens (RFC 8707); may be repeated."),
            ("--logo", one, "The address of its picture."),
            ("--site", one, "The address of its home page."),
            ("--policy", one, "The address of its privacy policy."),
            ("--terms", one, "The address of its terms of service."),
            ("--post-logout", many, "Where browsers may go after signing out; may be repeated."),
            ("--backchannel", one, "Where it is told that somebody signed out (Back-Channel Logout)."),
            ("--frontchannel", one, "The same through the browser (Front-Channel Logout)."),
            ("--pkce/--no-pkce", flag, "Whether PKCE is required; the default."),
            ("--trusted/--untrusted", flag, "Whether people are not asked for consent, because it is your own."),
            ("--claims-in-id-token/--claims-at-userinfo", flag, "Whether the ID token holds what the scopes release, too."),
            ("--id-token-alg", {**one, "type": click.Choice(["RS256", "ES256", "EdDSA"])}, "How ID tokens are signed."),
            ("--subject", {**one, "type": click.Choice(["public", "pairwise"])}, "Whether people have another id in it than elsewhere."),
            (
                "--auth-method",
                {**one, "type": click.Choice(["client_secret_basic", "client_secret_post", "private_key_jwt", "none"])},
                "How it proves who it is.",
            ),
            ("--jwks-uri", one, "Where it publishes its keys, for private_key_jwt."),
            ("--access-token-seconds", {**one, "type": click.IntRange(30, LONGEST_TOKEN)}, "How long its access tokens live."),
            ("--refresh-token-days", {**one, "type": click.IntRange(1, 30)}, "How long its refresh tokens live."),
        )
    ):
        command = click.option(names, help=text, **more)(command)
    return command


def said(options: dict[str, Any]) -> dict[str, Any]:
    """The metadata that the options say; what is not given is left out."""
    public, scopes = options.pop("public"), options.pop("scope")
    metadata = {
        WORDS[name]: list(value) if isinstance(value, tuple) else value for name, value in options.items() if value not in (None, ())
    }
    if "grant_types" in metadata:
        metadata["grant_types"] = [SHORT.get(one, one) for one in metadata["grant_types"]]
        if CODE not in metadata["grant_types"]:
            metadata["response_types"] = []
    if public is not None and "token_endpoint_auth_method" not in metadata:
        metadata["token_endpoint_auth_method"] = "none" if public else "client_secret_basic"
    if any(not uri.startswith(("https:", "http:")) for uri in metadata.get("redirect_uris", ())):
        metadata["application_type"] = "native"
    return {**metadata, **({"scope": " ".join(scopes)} if scopes else {})}


@click.group("apps")
def command() -> None:
    """The applications that sign people in here. ID is a client id, as `authenticator apps list` shows it."""


@command.command("add", short_help="Register an application, and see what to paste into it.")
@click.argument("name")
@facts
@click.option("--for", "wanted", multiple=True, type=click.Choice(paste.FRAMEWORKS), help="What to paste for; without it, for all.")
@click.option("--json", "as_json", is_flag=True, help='For programs: {"client_id": …, "client_secret": …}.')
def add(name: str, wanted: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Register the application NAME, and print what to paste into it. Its secret is shown this once."""
    service = context.service()
    made = service.register_application({"client_name": name, **said(options)})
    issuer = service.settings.public_url
    if as_json:
        click.echo(json.dumps({"client_id": made.application.id, "client_secret": made.secret or None, "issuer": issuer}, indent=2))
        return
    click.echo(f"{made.application.name} is registered.\n")
    click.echo(click.style("For its environment" + (", and shown this once:" if made.secret else ":"), bold=True))
    click.echo(paste.environment(made.application, made.secret))
    for framework in wanted or paste.frameworks_for(made.application):
        click.echo(f"\n{click.style(f'── {framework} ' + '─' * (60 - len(framework)), bold=True)}")
        click.echo(paste.snippet(framework, made.application, issuer), nl=False)


@command.command("list")
@click.option("--after", default=None, help="Go on after this cursor.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 200))
@click.option("--json", "as_json", is_flag=True, help='For programs: {"applications": [...], "next": cursor or null}.')
def show_all(after: str | None, limit: int, as_json: bool) -> None:
    """All applications, oldest first, a page at a time."""
    page = context.service().applications(after=after, limit=limit)
    found = [one for one in page.items if one.id != OWN]
    if as_json:
        click.echo(json.dumps({"applications": [summary(one) for one in found], "next": page.next}, indent=2))
        return
    rows = [(one.id, "enabled" if one.enabled else "disabled", whose(one), one.name) for one in found]
    click.echo(
        table(("ID", "STATUS", "WHOSE", "NAME"), rows) if rows else "There are none yet. Next: authenticator apps add NAME --redirect-uri …"
    )
    if page.next:
        click.echo(f"There are more: authenticator apps list --after {page.next}")


def _found(service: Service, client_id: str) -> Application:
    """AuthError `not_found` in words that help."""
    try:
        return service.application(client_id)
    except AuthError as error:
        if error.code != "not_found":
            raise
        raise AuthError("not_found", "There is no such application. `authenticator apps list` shows them.") from None


def whose(application: Application) -> str:
    """Who registered it."""
    return application.owner if application.registration == "owner" else application.registration


def summary(application: Application) -> dict[str, Any]:
    """An application as JSON, without secrets."""
    return {
        "client_id": application.id,
        "enabled": application.enabled,
        "registration": application.registration,
        "owner": application.owner or None,
        "created_at": application.created_at.isoformat().replace("+00:00", "Z"),
        "secrets": [
            {"id": secret_name(one), "created_at": one.created_at.isoformat(), "expires_at": one.expires_at and one.expires_at.isoformat()}
            for one in application.secrets
        ],
        **described(application),
    }


@command.command("show")
@ID
@click.option("--for", "wanted", multiple=True, type=click.Choice(paste.FRAMEWORKS), help="Print what to paste for this framework.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def show(client_id: str, wanted: tuple[str, ...], as_json: bool) -> None:
    """One application, with all that is registered of it."""
    service = context.service()
    found = _found(service, client_id)
    if wanted:
        click.echo("\n".join(paste.snippet(framework, found, service.settings.public_url) for framework in wanted), nl=False)
        return
    if as_json:
        click.echo(json.dumps(summary(found), indent=2))
        return
    for name, value in summary(found).items():
        if value not in (None, [], {}) and name != "secrets":
            click.echo(
                f"{name:<38} {' '.join(value) if isinstance(value, list) else json.dumps(value) if isinstance(value, dict) else value}"
            )
    for one in found.secrets:
        end = f", until {one.expires_at:%Y-%m-%d %H:%M} UTC" if one.expires_at else ""
        click.echo(f"{'secret':<38} {secret_name(one)}, made {one.created_at:%Y-%m-%d %H:%M} UTC{end}")


@command.command("change", short_help="Change an application: its name, addresses, rules.")
@ID
@click.option("--name", default=None, help="What people read.")
@facts
def change(client_id: str, name: str | None, **options: Any) -> None:
    """Change what the options name, and leave the rest; a repeated option puts its values in the place of all there were."""
    service = context.service()
    metadata = {**said(options), **({"client_name": name} if name is not None else {})}
    changed = service.change_application(_found(service, client_id), metadata)
    click.echo(f"{changed.id} {changed.name} is changed.")


@command.command("disable")
@ID
def disable(client_id: str) -> None:
    """Shut an application out, and end all that it was given at once."""
    service = context.service()
    found = service.disable_application(_found(service, client_id))
    click.echo(f"{found.id} {found.name} is disabled, and its tokens have ended.")


@command.command("enable")
@ID
def enable(client_id: str) -> None:
    """Let a disabled application in again."""
    service = context.service()
    found = service.enable_application(_found(service, client_id))
    click.echo(f"{found.id} {found.name} is enabled.")


@command.command("remove", short_help="Remove an application, with all consents to it.")
@ID
@click.confirmation_option(prompt="Everybody's consent and all tokens of this application will be gone. Go on?")
def remove(client_id: str) -> None:
    """Remove an application, with all consents to it and all that it was given."""
    service = context.service()
    found = _found(service, client_id)
    service.remove_application(found)
    click.echo(f"{found.id} {found.name} is gone.")


@command.group("secret")
def secret() -> None:
    """Secrets of an application. To rotate: add a second one, give it to the app, then remove the first."""


@secret.command("add", short_help="Make one more secret, and show it this once.")
@ID
def add_secret(client_id: str) -> None:
    """Make one more secret, and show it this once; the others go on working."""
    service = context.service()
    found, text = service.add_client_secret(_found(service, client_id))
    click.echo(f"AUTHENTICATOR_CLIENT_SECRET={text}")
    if len(found.secrets) > 1:
        old = secret_name(found.secrets[0])
        click.echo(f"When the app has it: authenticator apps secret remove {found.id} {old}", err=True)


@secret.command("remove")
@ID
@click.argument("name", metavar="SECRET")
@click.option("--after-hours", default=0, show_default=True, type=click.IntRange(0, 8760), help="Let it go on for so many hours.")
def remove_secret(client_id: str, name: str, after_hours: int) -> None:
    """Let a secret end; SECRET is its name in `authenticator apps show`."""
    service = context.service()
    found = _found(service, client_id)
    if name not in [secret_name(one) for one in found.secrets]:
        raise AuthError("not_found", f"It has no such secret. `authenticator apps show {client_id}` names them.")
    service.remove_client_secret(found, name, after=timedelta(hours=after_hours))
    click.echo(f"The secret {name} ends in {after_hours} hours." if after_hours else f"The secret {name} has ended.")
