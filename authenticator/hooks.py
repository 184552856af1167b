"""The hook specifications: every place where a plug-in can take part."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pluggy

from authenticator.events import Event
from authenticator.kinds.base import Factor, Identity, Proof, Provider
from authenticator.kinds.sender import Sender
from authenticator.models import Client, User
from authenticator.settings import Settings
from authenticator.storage.port import Store

if TYPE_CHECKING:
    from flask import Flask

    from authenticator.service import Service

hookspec = pluggy.HookspecMarker("authenticator")
hookimpl = pluggy.HookimplMarker("authenticator")


@hookspec
def auth_providers(settings: Settings) -> Sequence[type[Provider]]:  # type: ignore[empty-body]
    """Ways to say who you are. Return classes; the core builds them with their options."""


@hookspec
def auth_factors(settings: Settings) -> Sequence[type[Factor]]:  # type: ignore[empty-body]
    """Second steps, asked for after the first proof of a person who has set one up."""


@hookspec
def auth_senders(settings: Settings) -> Sequence[type[Sender]]:  # type: ignore[empty-body]
    """Ways to carry a message to a person."""


@hookspec
def auth_listeners(settings: Settings) -> Sequence[Callable[[Event], None]]:  # type: ignore[empty-body]
    """Callables that take one event, called one by one after it was written. An exception is logged and stops nothing."""


@hookspec(firstresult=True)
def auth_store(url: str) -> Store | None:
    """Another database for this URL, or None: not mine. An exception means: mine, and the URL is bad."""


@hookspec(firstresult=True)
def auth_check_sign_up(identity: Identity, client: Client) -> str | None:
    """A code of errors.CODES that refuses a new account, or None. An exception refuses."""


@hookspec(firstresult=True)
def auth_check_sign_in(user: User, proof: Proof, client: Client) -> str | None:
    """A code of errors.CODES that refuses this sign-in, or None. An exception refuses."""


@hookspec
def auth_claims(user: User, audience: str, scopes: Sequence[str]) -> Mapping[str, Any]:  # type: ignore[empty-body]
    """Further claims for an access token. A reserved name, or one that two plug-ins give, is an error."""


@hookspec
def auth_mount(app: Flask, auth: Service) -> None:
    """Add routes, commands or servers to the service's own Flask application."""
