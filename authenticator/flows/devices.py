"""Browsers and programs that a person signed in with: which are new, and which need not show a second step."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from authenticator.agents import describe
from authenticator.crypto import digest
from authenticator.errors import AuthError
from authenticator.flows.changes import change
from authenticator.flows.core import Core
from authenticator.flows.notices import send
from authenticator.identifiers import network_of
from authenticator.models import Client, Device, User

MOST = 20
SEEN_EVERY = timedelta(days=7)  # how exactly the last use is noted
LABEL = 120  # characters


def mark_of(client: Client, door: Literal["web", "api"]) -> str:
    """By what this browser or program is known again: a browser by its own cookie, a program by its name and network."""
    return client.device if door == "web" else digest(f"program {network_of(client.address)} {client.agent}")


def first(client: Client, door: Literal["web", "api"], now: datetime) -> tuple[Device, ...]:
    """What a new account begins with: where it was made is no news to its owner."""
    mark = mark_of(client, door)
    return (Device(mark, now, label=client.agent[:LABEL]),) if mark else ()


def is_trusted(core: Core, user: User, client: Client, door: Literal["web", "api"]) -> bool:
    """Whether this browser showed the second step lately and its owner wished not to be asked again in it."""
    if door != "web" or not client.device or not core.settings.trusted_device_days:
        return False
    now = core.clock.now()
    return any(device.mark == client.device and device.trusted_until and device.trusted_until > now for device in user.devices)


def trust(core: Core, user: User, client: Client, mark: str) -> User:
    """Spare the browser of this mark the second step for some weeks. It takes the place of what the browser was known by."""
    now = core.clock.now()
    until = now + timedelta(days=core.settings.trusted_device_days)
    trusted = Device(mark, now, until, client.agent[:LABEL])
    changed = change(core, user, lambda found: _with(found, trusted, instead=client.device))
    core.history.record("device_trusted", user_id=user.id, client=client)
    return changed


def forget(core: Core, user: User, client: Client) -> int:
    """Ask for the second step in every browser again; how many were spared it."""
    number = len(trusted(core, user))
    change(core, user, untrusted)
    if number:
        core.history.record("devices_forgotten", user_id=user.id, client=client, number=str(number))
    return number


def trusted(core: Core, user: User) -> tuple[Device, ...]:
    """The browsers that are spared the second step now."""
    now = core.clock.now()
    return tuple(device for device in user.devices if device.trusted_until and device.trusted_until > now)


def untrusted(user: User) -> User:
    """The user, with no browser spared the second step."""
    if not any(device.trusted_until for device in user.devices):
        return user
    return replace(user, devices=tuple(replace(device, trusted_until=None) for device in user.devices))


def seen(core: Core, user: User, client: Client, door: Literal["web", "api"]) -> User:
    """Note a sign-in, and tell the owner of one from where she never was before. It stops no sign-in, whatever happens."""
    mark, now = mark_of(client, door), core.clock.now()
    known = next((device for device in user.devices if device.mark == mark), None)
    if not mark or (known and now - known.seen_at < SEEN_EVERY):
        return user
    this = replace(known, seen_at=now) if known else Device(mark, now, label=client.agent[:LABEL])
    try:
        changed = change(core, user, lambda found: _with(found, this))
        if known is None and user.devices:
            _tell(core, user, client)
    except AuthError as error:
        core.log.warning("a sign-in from a new device could not be noted: %s", error.code)
        return user
    return changed


def _with(user: User, device: Device, *, instead: str = "") -> User:
    others = [one for one in user.devices if one.mark not in (device.mark, instead)]
    newest = sorted((*others, device), key=lambda one: one.seen_at)[-MOST:]
    return replace(user, devices=tuple(newest))


def _tell(core: Core, user: User, client: Client) -> None:
    core.history.record("new_device", user_id=user.id, client=client)
    agent = describe(client.agent)
    known = {
        "device": " · ".join(part for part in (agent.browser, agent.system) if part) or client.agent[:LABEL] or "?",
        "place": " ".join(part for part in (client.address, client.country) if part),
    }
    send(core, user, "new_device", about="new_device", at=core.clock.now(), link=f"{core.settings.public_url}/account/sessions", **known)
