"""A provider's own login keys during one visit, each looked up once."""

from __future__ import annotations

from authenticator.models import Login, LoginKey
from authenticator.storage.port import Store


class VisitLogins:
    """Finds login keys of one provider; what was found is kept for the visit, so a sign-in reads its key once."""

    def __init__(self, store: Store, provider: str) -> None:
        self._store = store
        self._provider = provider
        self._found: dict[str, Login | None] = {}

    def find(self, subject: str) -> Login | None:
        """The user and secret behind this provider's subject."""
        if subject not in self._found:
            self._found[subject] = self._store.find_login(LoginKey(self._provider, subject))
        return self._found[subject]

    def swap_secret(self, subject: str, old: str | None, new: str) -> bool:
        """Replace the secret if it still is `old`; False if somebody was faster."""
        return self._store.swap_secret(LoginKey(self._provider, subject), old, new)
