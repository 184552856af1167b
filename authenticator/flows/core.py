"""What every story needs at hand: settings, time, ids, store, plug-ins, messages, history."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from authenticator.clock import Clock
from authenticator.errors import AuthError
from authenticator.events import Event
from authenticator.flows.attributes import Attributes
from authenticator.flows.errands import Errands
from authenticator.flows.fleeting import Fleeting
from authenticator.flows.history import History
from authenticator.flows.letters import Letters
from authenticator.flows.messages import Messages
from authenticator.ids import Ids
from authenticator.limits import Backoff, Limit
from authenticator.options import DoorOptions, OidcOptions
from authenticator.registry import Registry
from authenticator.settings import Settings
from authenticator.storage.port import Store
from authenticator.web_client import WebClient


@dataclass(frozen=True)
class Core:
    """Handed to every flow. `secret` derives keys for single purposes.

    `outside` calls addresses that people and applications gave, and no inner ones. `fleeting` is what this process remembers for a while.
    """

    settings: Settings
    clock: Clock
    ids: Ids
    store: Store
    registry: Registry
    messages: Messages
    history: History
    letters: Letters
    errands: Errands
    secret: bytes = field(repr=False)
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("authenticator"))
    attributes: Attributes = field(default_factory=Attributes)
    oidc: OidcOptions = field(default_factory=lambda: OidcOptions.model_validate({}))
    door: DoorOptions = field(default_factory=lambda: DoorOptions.model_validate({}))
    outside: WebClient = field(default_factory=WebClient)
    fleeting: Fleeting = field(default_factory=Fleeting)

    def spend(self, *counters: Limit | Backoff, event: Event | None = None) -> None:
        """Count an attempt before it is acted on; AuthError `rate_limited` when one of the counters is over.

        The event is written in the same trip, whatever comes of it.
        """
        wait = self.store.count_attempts(counters, self.clock.now(), event=event)
        if wait:
            raise AuthError("rate_limited", retry_after=wait)
