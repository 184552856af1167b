"""Emulators for a whole run of tests: each is started once, and lent to one test after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime

from authenticator.clock import Clock
from authenticator.emulator import Emulator
from authenticator.kinds.oauth import OAuthProvider

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
