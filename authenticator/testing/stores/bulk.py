"""Many users stored at once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from authenticator.errors import AuthError
from authenticator.models import LoginKey, NewKey, User
from authenticator.storage.port import Store
from authenticator.testing.stores.promises import StorePromises
from authenticator.testing.stores.samples import a_key, a_user, race


def people(first: int, count: int, **changes: object) -> list[tuple[User, list[NewKey]]]:
    numbers = range(first, first + count)
    return [(a_user(number, **changes), [a_key(f"own-{number}"), a_key(f"mail-{number}", "email", way_in=False)]) for number in numbers]


class BulkPromises(StorePromises):
    """Many users stored at once."""

    def test_many_users_come_at_once(self, store: Store) -> None:
        assert list(store.create_users([])) == []
        crowd = people(0, 1200)
        assert list(store.create_users(crowd)) == [None] * 1200
        assert store.user_by_id("u1199") == a_user(1199)
        login = store.find_login(LoginKey("password", "own-700"))
        assert login is not None
        assert (login.user, login.secret) == (a_user(700), "$argon2id$canary")
        assert [(key.provider, key.way_in) for key in sorted(store.keys_of("u3"), key=lambda key: key.provider)] == [
            ("email", False),
            ("password", True),
        ]

    def test_whose_key_is_taken_is_left_out_entirely_and_the_others_come(self, store: Store) -> None:
        store.create_user(a_user("old"), [a_key("mail-2", "email")])
        assert list(store.create_users(people(1, 3))) == [None, LoginKey("email", "mail-2"), None]
        assert store.user_by_id("u2") is None
        assert store.find_login(LoginKey("password", "own-2")) is None
        assert tuple(store.keys_of("u2")) == ()
        assert [user.id for user in store.users().items] == ["u1", "u3", "uold"]
        store.add_login_key("u1", a_key("own-2"), a_user().created_at)  # what she did not get is free

    def test_of_two_in_one_crowd_who_want_the_same_key_the_first_gets_it(self, store: Store) -> None:
        crowd = people(0, 1400)
        crowd[1390][1].append(a_key("own-3"))  # far behind, and still behind
        crowd[5][1].append(a_key("own-3"))
        found = list(store.create_users(crowd))
        assert [number for number, clash in enumerate(found) if clash] == [5, 1390]
        assert {clash for clash in found if clash} == {LoginKey("password", "own-3")}
        assert store.owners([LoginKey("password", "own-3")]) == {LoginKey("password", "own-3"): "u3"}
        assert store.user_by_id("u5") is None
        assert store.owners([LoginKey("email", "mail-5")]) == {}

    def test_who_is_left_out_keeps_no_key_from_the_next(self, store: Store) -> None:
        store.create_user(a_user("old"), [a_key("taken")])
        crowd = [(a_user(1), [a_key("taken"), a_key("wanted")]), (a_user(2), [a_key("wanted")])]
        assert list(store.create_users(crowd)) == [LoginKey("password", "taken"), None]
        assert store.owners([LoginKey("password", "wanted")]) == {LoginKey("password", "wanted"): "u2"}

    def test_the_same_crowd_again_changes_nothing(self, store: Store) -> None:
        store.create_users(people(0, 30))
        again = [(a_user(f"x{number}"), keys) for number, (_, keys) in enumerate(people(0, 30))]
        assert all(store.create_users(again))
        assert len(store.users(limit=99).items) == 30

    def test_crowds_that_come_at_once_share_no_key(self, store: Store) -> None:
        def crowd(number: int) -> Sequence[LoginKey | None]:
            everybody = [(a_user(f"{number}-{place}"), [a_key(f"k{place}"), a_key(f"l{(place + 1) % 12}")]) for place in range(12)]
            return store.create_users(everybody[::-1] if number % 2 else everybody)

        outcomes = [clash for clashes in race(crowd, 6) for clash in clashes]
        there = store.users(limit=99).items
        assert outcomes.count(None) == len(there)
        keys = [key.id for user in there for key in store.keys_of(user.id)]
        assert len(keys) == len(set(keys)) == 2 * len(there)
        owners = store.owners([a_key(f"{letter}{place}").key for letter in "kl" for place in range(12)])
        assert set(owners.values()) == {user.id for user in there}

    def test_a_crowd_never_takes_an_id_that_is_there(self, store: Store) -> None:
        store.create_user(a_user(1), [a_key("one")])
        with pytest.raises(AuthError, match="conflict"):
            store.create_users([(a_user(1), [a_key("two")])])
        assert store.find_login(a_key("two").key) is None
        assert len(store.keys_of("u1")) == 1
