"""What applications hold of a person: what she lets each have, when it was last read, and the keys it was given for that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from authenticator.applications import Application, Grant
from authenticator.flows.core import Core
from authenticator.models import Session, User

MOST_KEYS = 200


@dataclass(frozen=True, slots=True)
class Holder:
    """One application. `application` is None where its registration is gone; `grant` where she was never asked (trusted ones)."""

    id: str
    application: Application | None
    grant: Grant | None
    keys: tuple[Session, ...]

    @property
    def name(self) -> str:
        return self.application.name if self.application else self.id

    @property
    def scopes(self) -> tuple[str, ...]:
        """All that it may have, by consent or by a key."""
        agreed = self.grant.scopes if self.grant else ()
        return tuple(dict.fromkeys((*agreed, *(scope for key in self.keys for scope in key.scopes))))


def all_of(core: Core, user: User) -> Sequence[Holder]:
    """Every application that has something of this person, those that she let in first at the top."""
    grants = {grant.application: grant for grant in core.store.grants_of(user.id)}
    keys: dict[str, list[Session]] = {}
    for session in core.store.sessions_of(user.id, core.clock.now(), kinds=("grant",), limit=MOST_KEYS).items:
        keys.setdefault(session.application, []).append(session)
    names = [*grants, *(name for name in keys if name not in grants)]
    return [Holder(name, core.store.application(name), grants.get(name), tuple(keys.get(name, ()))) for name in names]
