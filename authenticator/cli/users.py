"""`authenticator users`: accounts, by the operator's hand."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import click

from authenticator.applications import OWN, Assignment
from authenticator.cli import context, transfer
from authenticator.cli.permissions import APPLICATION
from authenticator.cli.terminal import table
from authenticator.flows import permissions, roles
from authenticator.models import Client, Status, User
from authenticator.service import Service

REASON = click.option("--reason", default="", help="Why, for the history.")


@click.group("users")
def command() -> None:
    """Accounts, by the operator's hand. WHO is an id, an e-mail address, a phone number (+44…) or a user name (@ada)."""


command.add_command(transfer.bring_in)
command.add_command(transfer.write_out)


@command.command("add", short_help="Make an account for somebody whom you know.")
@click.argument("email")
@click.option("--given-name", default="", help="Her first name.")
@click.option("--family-name", default="", help="Her last name.")
@click.option("--provider", default="password", show_default=True, help="The way in to make; empty for none.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead of asking.")
def add(email: str, given_name: str, family_name: str, provider: str, password_stdin: bool) -> None:
    """Make an account for EMAIL, whose owner you know: no code is sent."""
    service = context.service()
    secret = _secret(password_stdin) if provider else ""
    user = service.add_user(email, given=given_name, family=family_name, provider=provider, secret=secret)
    click.echo(f"{user.id} {user.label}")


def _secret(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    text: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return text


@command.command("list")
@click.option("--after", default=None, help="Go on after this id.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 200))
@click.option("--json", "as_json", is_flag=True, help='For programs: {"users": [...], "next": id or null}.')
def show_all(after: str | None, limit: int, as_json: bool) -> None:
    """Accounts by id, oldest first, a page at a time."""
    page = context.service().users(after=after, limit=limit)
    if as_json:
        click.echo(json.dumps({"users": [summary(user) for user in page.items], "next": page.next}, indent=2))
        return
    rows = [(user.id, user.status.value, summary(user)["email"] or "-", user.name.shown or "-") for user in page.items]
    click.echo(table(("ID", "STATUS", "E-MAIL", "NAME"), rows) if rows else "There are no accounts yet.")
    if page.next:
        click.echo(f"There are more: authenticator users list --after {page.next}")


def summary(user: User) -> dict[str, Any]:
    """An account as JSON."""
    email = user.contact("email")
    return {
        "id": user.id,
        "status": user.status.value,
        "email": email.shown if email else None,
        "name": user.name.shown,
        "created_at": user.created_at.isoformat().replace("+00:00", "Z"),
    }


@command.command("show", short_help="Show an account: ways in, sign-ins, status.")
@click.argument("who", metavar="WHO")
def show(who: str) -> None:
    """One account: its ways in, where it is signed in, and its history of status."""
    service = context.service()
    user = service.find_user(who)
    facts = {**summary(user), "type": user.type, "level": user.level, "locale": user.locale}
    click.echo("\n".join(f"{name:<11} {value}" for name, value in facts.items() if value not in ("", None)))
    click.echo("\nWays in")
    for key in service.identities(user):
        click.echo(f"  {key.provider:<12} {key.label}")
    click.echo("\nSigned in")
    for session in service.sessions(user).items:
        click.echo(f"  {session.created_at:%Y-%m-%d %H:%M} UTC  {session.provider:<12} {session.client.address}")
    if user.assignments:
        click.echo("\nMay")
    for item in user.assignments:
        until = f", until {item.expires_at:%Y-%m-%d %H:%M} UTC" if item.expires_at else ""
        click.echo(f"  {item.application:<16} {item.role or item.permission} for {item.resource or 'everything'}{until}")
    changes = service.core.store.status_history(user.id)
    if changes:
        click.echo("\nStatus")
    for change in changes:
        click.echo(f"  {change.at:%Y-%m-%d %H:%M} UTC  {change.before} → {change.after} by {change.by}: {change.why or 'no reason given'}")


@command.command("suspend")
@click.argument("who", metavar="WHO")
@REASON
def suspend(who: str, reason: str) -> None:
    """Keep somebody out, and end every session at once."""
    _change(who, Status.SUSPENDED, reason)


@command.command("activate")
@click.argument("who", metavar="WHO")
@REASON
def activate(who: str, reason: str) -> None:
    """Let somebody in again."""
    _change(who, Status.ACTIVE, reason)


def _change(who: str, status: Status, reason: str) -> None:
    service = context.service()
    user = service.find_user(who)
    service.change_status(user, status, why=reason, by="operator")
    click.echo(f"{user.id} {user.label} is {status.value}.")


@command.command("close", short_help="Close an account for good; nothing is erased.")
@click.argument("who", metavar="WHO")
@REASON
def close(who: str, reason: str) -> None:
    """Close an account for good; nothing is erased, and `activate` opens it again."""
    _change(who, Status.CLOSED, reason)


@command.command("invite", short_help="Mail a link by which its owner enters an account.")
@click.argument("who", metavar="WHO")
def invite(who: str) -> None:
    """Mail a link that lives for seven days, by which the owner of an account enters it."""
    service = context.service()
    user = service.find_user(who)
    service.invite(user, by="operator")
    service.core.messages.flush()
    click.echo(f"An invitation to {user.label} is on its way.")


@command.command("require-reset", short_help="Let no password in until a new one is chosen.")
@click.argument("who", metavar="WHO")
def require_reset(who: str) -> None:
    """End every session of somebody, and let no password in until its owner chooses a new one by a mailed link."""
    service = context.service()
    user = service.find_user(who)
    service.require_reset(user, by="operator")
    service.core.messages.flush()
    click.echo(f"{user.id} {user.label} must choose a new password; a link is on its way.")


@command.command("remove-second-steps", short_help="Let somebody in who has lost her second steps.")
@click.argument("who", metavar="WHO")
def remove_second_steps(who: str) -> None:
    """Remove the second steps of somebody who has lost them, once you are sure that it is she who asks; her sessions end, and she is told."""
    service = context.service()
    user = service.find_user(who)
    service.remove_factors(user, by="operator")
    service.core.messages.flush()
    click.echo(f"{user.id} {user.label} signs in without a second step until one is set up anew.")


@command.command("sign-out")
@click.argument("who", metavar="WHO")
def sign_out(who: str) -> None:
    """End every session of somebody at once."""
    service = context.service()
    ended = service.end_sessions(service.find_user(who), "ended_by_operator", Client(), by="operator")
    click.echo(f"{ended} sign-ins were ended.")


WHAT = (
    click.argument("who", metavar="WHO"),
    click.argument("what", metavar="(ROLE|PERMISSION)"),
    APPLICATION,
    click.option("--resource", default="", help="For what: projects/7, or projects/* for all that begin so; without it, everything."),
)


def _given(function: Callable[..., None]) -> Callable[..., None]:
    """The words that say what is given."""
    for word in reversed(WHAT):
        function = word(function)
    return function


@command.command("grant", short_help="Give somebody a role or a permission.")
@_given
@click.option("--until", default=None, type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]), help="When it ends by itself, in UTC.")
def grant(who: str, what: str, application: str, resource: str, until: datetime | None) -> None:
    """Give somebody a role or a permission of an application; without one, of this service: `administrator`, `users:read` …"""
    service = context.service()
    given = replace(_assignment(service, what, application, resource), expires_at=until.replace(tzinfo=UTC) if until else None)
    user = service.assign("operator", service.find_user(who), given)
    if application != OWN:
        click.echo(f"{user.id} {user.label} was given {what} of {application}.")
        return
    may = ", ".join(service.permissions_of(user)) or "nothing that is for everything"
    click.echo(f"{user.id} {user.label} may now: {may}. In production this needs a second step at sign-in.")


@command.command("revoke", short_help="Take a role or a permission back.")
@_given
def revoke(who: str, what: str, application: str, resource: str) -> None:
    """Take a role or a permission back."""
    service = context.service()
    user, resource = service.find_user(who), permissions.canonical_resource(resource)
    found = [item for item in roles.assigned(user, application) if what in (item.role, item.permission) and item.resource == resource]
    for item in found:
        user = service.unassign("operator", user, item)
    if not found:
        click.echo(f"{user.id} {user.label} did not have that.")
    elif application == OWN:
        click.echo(f"{user.id} {user.label} may now: {', '.join(service.permissions_of(user)) or 'nothing'}.")
    else:
        click.echo(f"{user.id} {user.label} has {what} of {application} no more.")


def _assignment(service: Service, what: str, application: str, resource: str) -> Assignment:
    """A role of that name, else a permission."""
    is_role = what in permissions.roles(service.application_with_roles(application))
    return Assignment(application, role=what if is_role else "", permission="" if is_role else what, resource=resource)


@command.command("history")
@click.argument("who", metavar="WHO")
@click.option("--after", default=None, help="Go on after this cursor.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 200))
def history(who: str, after: str | None, limit: int) -> None:
    """What happened to an account, newest first."""
    service = context.service()
    page = service.events(service.find_user(who), after=after, limit=limit)
    for event in page.items:
        detail = " ".join(f"{name}={value}" for name, value in event.detail.items())
        click.echo(f"{event.at:%Y-%m-%d %H:%M:%S} UTC  {event.kind:<22} {event.client.address:<16} {detail}".rstrip())
    if page.next:
        click.echo(f"There is more: authenticator users history {who} --after {page.next}")
