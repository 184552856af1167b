"""A provider's own login keys during one visit, each looked up once."""

from __future__ import annotations

from collections.abc import Sequence

from authenticator.models import Login, LoginKey, User
from authenticator.storage.port import Store


class VisitLogins:
    """Finds login keys of one provider; what was found is kept for the visit, so a sign-in reads its key once."""

    def __init__(self, store: Store, provider: str) -> None:
        self._store = store
        self._provider = provider
        self._found: dict[LoginKey, Login | None] = {}

    def find(self, subject: str) -> Login | None:
        """The user and secret behind this provider's subject."""
        key = LoginKey(self._provider, subject)
        if key not in self._found:
            self._found[key] = self._store.find_login(key)
        return self._found[key]

    def behind(self, alias: LoginKey) -> Login | None:
        """This provider's login key of whoever holds the alias: a proved address or number, or a user name."""
        if alias not in self._found:
            found = self._store.login_behind(alias, self._provider)
            self._found[alias] = found
            if found:
                self._found[LoginKey(self._provider, found.user.id)] = found
        return self._found[alias]

    def of(self, user: User) -> Sequence[Login]:
        """All that this person has with this provider, oldest first."""
        return self._store.logins_of(user.id, self._provider)

    def swap_secret(self, login: Login, new: str) -> bool:
        """Replace the secret if it still is what was found; False if somebody was faster."""
        return self._store.swap_secret(login.key.id, login.secret, new)
