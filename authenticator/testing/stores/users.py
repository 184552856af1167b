"""Users, their status and its history."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from authenticator.crypto import digest
from authenticator.errors import AuthError
from authenticator.models import (
    Name,
    Status,
    StatusChange,
)
from authenticator.storage.port import KeyTaken, Store
from authenticator.testing.stores.promises import StorePromises
from authenticator.testing.stores.samples import GRACE, NOW, a_key, a_session, a_user, later, race


class UserPromises(StorePromises):
    """Users, their status and its history."""

    def test_a_new_user_is_found_again_with_every_field(self, store: Store) -> None:
        store.create_user(a_user(), [a_key()], a_session())
        assert store.user_by_id("u1") == a_user()
        assert store.session_by_id("s1") == a_session()
        assert store.user_by_id("nobody") is None

    @pytest.mark.parametrize("odd", ["", "\x00", "\ud800", "ü", "a b", "x" * 5000, "$where", "' OR 1=1 --"])
    def test_an_id_that_cannot_be_one_finds_nobody(self, store: Store, odd: str) -> None:
        assert store.user_by_id(odd) is None
        assert store.session_by_id(odd) is None
        assert store.rotate_refresh(odd, digest("a"), digest("b"), NOW, GRACE).outcome == "closed"
        assert tuple(store.keys_of(odd)) == ()
        assert store.remove_login_key("u1", odd) is False

    def test_a_moment_comes_back_to_the_millisecond_in_utc(self, store: Store) -> None:
        odd = datetime(2051, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)
        store.create_user(a_user(created_at=odd, updated_at=odd), [a_key()])
        found = store.user_by_id("u1")
        assert found is not None
        assert found.created_at == odd
        assert found.created_at.utcoffset() == timedelta(0)

    def test_a_taken_key_leaves_nothing_of_the_second_user(self, store: Store) -> None:
        store.create_user(a_user(1), [a_key("taken")])
        free, taken = a_key("free"), a_key("taken")
        for keys in ([free, taken], [taken, free]):
            with pytest.raises(KeyTaken) as refused:
                store.create_user(a_user(2), keys, a_session(2, "u2"))
            assert refused.value.key == taken.key
            assert store.user_by_id("u2") is None
            assert store.session_by_id("s2") is None
            assert store.find_login(free.key) is None
            assert tuple(store.keys_of("u2")) == ()
        store.create_user(a_user(2), [free], a_session(2, "u2"))
        assert store.owners([free.key, taken.key]) == {free.key: "u2", taken.key: "u1"}

    def test_fifty_who_sign_up_with_one_address_at_once_make_one_account(self, store: Store) -> None:
        def sign_up(number: int) -> bool:
            try:
                store.create_user(a_user(number), [a_key(f"own-{number}"), a_key("shared")], a_session(number, f"u{number}"))
            except KeyTaken:
                return False
            return True

        won = race(sign_up)
        assert won.count(True) == 1
        winner = f"u{won.index(True)}"
        assert [user.id for user in store.users().items] == [winner]
        assert set(store.owners([a_key(f"own-{number}").key for number in range(50)]).values()) == {winner}
        assert sum(store.session_by_id(f"s{number}") is not None for number in range(50)) == 1

    def test_an_id_is_never_given_twice(self, store: Store) -> None:
        store.create_user(a_user(1), [a_key("one")])
        with pytest.raises(AuthError) as refused:
            store.create_user(a_user(1, name=Name("Eve")), [a_key("two")])
        assert refused.value.code == "conflict"
        assert store.user_by_id("u1") == a_user(1)
        assert store.find_login(a_key("two").key) is None
        assert len(store.keys_of("u1")) == 1

    def test_users_come_in_pages_oldest_first(self, store: Store) -> None:
        for number in range(7):
            store.create_user(a_user(f"{number}", created_at=later(seconds=number // 2)), [a_key(f"k{number}")])
        seen: list[str] = []
        page = store.users(limit=3)
        while True:
            assert len(page.items) <= 3
            seen += [user.id for user in page.items]
            if page.next is None:
                break
            page = store.users(after=page.next, limit=3)
        assert seen == [f"u{number}" for number in range(7)]

    @pytest.mark.parametrize("odd", ["", "\x00", "u1", "9.", "-1.u1", "99999999999999999999.u1", '{"$gt":""}'])
    def test_a_made_up_cursor_is_refused(self, store: Store, odd: str) -> None:
        for ask in (store.users, lambda after: store.events_of("u1", after=after), lambda after: store.sessions_of("u1", NOW, after=after)):
            with pytest.raises(AuthError) as refused:
                ask(after=odd)
            assert refused.value.code == "invalid_request"

    def test_of_two_changes_at_once_one_is_told_to_look_again(self, store: Store) -> None:
        store.create_user(a_user(), [a_key()])
        user = a_user()
        assert store.save_user(replace(user, name=Name("First"), updated_at=later(seconds=1)))
        assert not store.save_user(replace(user, name=Name("Second")))
        found = store.user_by_id("u1")
        assert found is not None
        assert (found.name, found.version, found.updated_at) == (Name("First"), 2, later(seconds=1))
        assert race(lambda number: store.save_user(replace(found, level=number))).count(True) == 1
        assert not store.save_user(a_user("nobody"))

    def test_suspending_ends_all_sessions_and_is_remembered(self, store: Store) -> None:
        store.create_user(a_user(), [a_key()], a_session(1))
        store.open_session(a_session(2))
        change = StatusChange(Status.ACTIVE, Status.SUSPENDED, "reason-canary", "operator", later(seconds=1))
        assert store.change_status("u1", change)
        assert not store.change_status("u1", change)
        assert store.session_by_cookie(digest("cookie 1"), later(seconds=2)) is None
        ended = store.session_by_id("s2")
        assert ended is not None
        assert (ended.closed_at, ended.close_reason) == (later(seconds=1), "suspended")
        back = StatusChange(Status.SUSPENDED, Status.ACTIVE, "", "u9", later(seconds=3))
        assert store.change_status("u1", back)
        assert tuple(store.status_history("u1")) == (change, back)
        user = store.user_by_id("u1")
        assert user is not None
        assert user.status is Status.ACTIVE
        assert not store.save_user(a_user())  # what was read before the change may not undo it
        assert not store.change_status("nobody", back)
