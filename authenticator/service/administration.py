"""The part of the facade that looks after other people's accounts: for administrators, by program and by command."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from authenticator.events import Event
from authenticator.flows import accounts, factors, recovery, transfer
from authenticator.models import Client, Page, Status, StatusChange, User
from authenticator.service.facade import Facade


class Administration(Facade):
    """What may be done to accounts by those who run the service."""

    def users(self, *, after: str | None = None, limit: int = 50) -> Page[User]:
        return self.core.store.users(after=after, limit=limit)

    def find_user(self, who: str) -> User:
        """A user by id, e-mail address, phone number or `@name`; AuthError `not_found`."""
        return accounts.find(self.core, who)

    def search_user(self, kind: str, text: str) -> User | None:
        """The user of exactly this id, e-mail address, phone number or user name; AuthError `validation_failed` for what is none."""
        return self.core.store.user_by_id(text) if kind == "id" else accounts.holder(self.core, kind, text)

    def add_user(self, email: str, *, given: str = "", family: str = "", provider: str = "", secret: str = "") -> User:
        """Make an account by the operator's word, which stands for the proof of the address."""
        return accounts.add(self.core, email, given=given, family=family, provider=provider, secret=secret)

    def change_status(self, user: User, status: Status, *, why: str, by: str, client: Client | None = None) -> None:
        """Suspend, close or reactivate; all sessions end unless the account becomes active."""
        accounts.change_status(self.core, user, status, why=why, by=by, client=client)
        self.ended.look_again()

    def create_user(self, person: accounts.NewPerson, *, by: str, invite: bool = False, client: Client | None = None) -> User:
        """Make an account that its owner has yet to enter; with `invite` she is mailed a link."""
        user = accounts.create(self.core, person, by=by, client=client)
        if invite:
            self.invite(user, by=by, client=client)
        return user

    def status_history(self, user: User) -> Sequence[StatusChange]:
        return self.core.store.status_history(user.id)

    def all_events(self, *, after: str | None = None, limit: int = 50) -> Page[Event]:
        """What happened to everybody, newest first."""
        return self.core.store.events(after=after, limit=limit)

    def invite(self, user: User, *, by: str, client: Client | None = None) -> None:
        """Mail an invitation, by which its owner enters the account; only the newest works."""
        recovery.invite(self.core, user, by=by, client=client)

    def require_reset(self, user: User, *, by: str, client: Client | None = None) -> None:
        """End all sessions, and let no password in until its owner chooses a new one."""
        recovery.require_reset(self.core, user, by=by, client=client)
        self.ended.look_again()

    def remove_factors(self, user: User, *, by: str, client: Client | None = None) -> None:
        """Take away the second steps of somebody who has lost them; all her sessions end, and she is told. AuthError `conflict` without any."""
        factors.take_away(self.core, user, by=by, client=client)
        self.ended.look_again()

    def bring_in(
        self,
        rows: Iterable[tuple[int, Mapping[str, Any] | transfer.Fault]],
        *,
        told: Callable[[transfer.Fault], None],
        dry: bool = False,
    ) -> transfer.Tally:
        """Make an account of each row; a broken one is told, and the rest goes on."""
        return transfer.bring_in(self.core, rows, told=told, dry=dry)

    def write_out(self, *, with_hashes: bool = False) -> Iterator[dict[str, Any]]:
        """Every account as a row that `bring_in` takes."""
        return transfer.write_out(self.core, with_hashes=with_hashes)
