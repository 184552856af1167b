"""Emulators for a whole run of tests, each started once and lent to one test after the other; and which providers there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import cache
from typing import Any

from authenticator.clock import Clock
from authenticator.emulator import Emulator
from authenticator.kinds.oauth import OAuthProvider
from authenticator.plugin import Provider, hookimpl
from authenticator.registry import find
from authenticator.settings import PREFIX, load

SWITCHES = ("auto", "fault", "tamper", "slow_seconds")


class LentClock(Clock):
    """The clock of whichever test has the emulator just now."""

    def __init__(self) -> None:
        self.of: Clock = Clock()

    def now(self) -> datetime:
        return self.of.now()


class Emulators:
    """Running emulators, by the provider classes for which they stand in."""

    def __init__(self) -> None:
        self._running: dict[tuple[type[OAuthProvider], ...], tuple[Emulator, LentClock]] = {}
        self._servers = ExitStack()

    @contextmanager
    def lent(self, providers: Sequence[type[OAuthProvider]], clock: Clock) -> Iterator[Emulator]:
        """An emulator of these providers that goes by this clock; afterwards its switches are as before."""
        emulator, lent = self._started(tuple(providers))
        before = {name: getattr(emulator, name) for name in SWITCHES}
        lent.of = clock
        yield emulator
        for name, value in before.items():
            setattr(emulator, name, value)

    def _started(self, providers: tuple[type[OAuthProvider], ...]) -> tuple[Emulator, LentClock]:
        if providers not in self._running:
            lent = LentClock()
            emulator = self._servers.enter_context(Emulator(providers, clock=lent).serve())
            self._running[providers] = (emulator, lent)
        return self._running[providers]

    def stop(self) -> None:
        """End all of them."""
        self._servers.close()


class Offer:
    """A plug-in that brings these provider classes, for `auth_plugins`."""

    def __init__(self, *providers: type[Provider]) -> None:
        self._providers = providers

    @hookimpl
    def auth_providers(self) -> Sequence[type[Provider]]:
        return self._providers


def redirect_providers(plugins: Sequence[Any] = ()) -> tuple[type[OAuthProvider], ...]:
    """The classes for which an emulator can stand in: those of the installed plug-ins and of `plugins`."""
    return _offered(plugins) if plugins else _installed()


@cache
def _installed() -> tuple[type[OAuthProvider], ...]:
    return _offered(())


def _offered(plugins: Sequence[Any]) -> tuple[type[OAuthProvider], ...]:
    loaded = load({f"{PREFIX}ENVIRONMENT": "development"}, env_file=None)
    offered = find(loaded, plugins).manager.hook.auth_providers(settings=loaded.settings)
    return tuple(cls for classes in offered for cls in classes or () if issubclass(cls, OAuthProvider))


def plugins_without(name: str) -> list[str]:
    """The installed plug-ins but this one, for AUTHENTICATOR_PLUGINS."""
    loaded = load({f"{PREFIX}ENVIRONMENT": "development"}, env_file=None)
    return sorted(set(find(loaded).distributions) - {name})
