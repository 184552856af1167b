"""Login keys: one owner each, and never the last one gone."""

from __future__ import annotations

import pytest

from authenticator.errors import AuthError
from authenticator.models import LoginKey, NewKey
from authenticator.storage.port import KeyTaken, LastWayIn, Store
from authenticator.testing.stores.promises import StorePromises
from authenticator.testing.stores.samples import NOW, a_key, a_user, later, race


class LoginKeyPromises(StorePromises):
    """Login keys: one owner each, and never the last one gone."""

    def test_a_login_key_leads_to_its_user_and_secret(self, store: Store) -> None:
        store.create_user(a_user(), [a_key(), a_key("plain", "google", secret=None, label="")])
        login = store.find_login(a_key().key)
        assert login is not None
        assert (login.user, login.secret) == (a_user(), "$argon2id$canary")
        assert (login.key.provider, login.key.label) == ("password", "ada.lovelace@canary.example")
        assert (login.key.way_in, login.key.user_id) == (True, "u1")
        other = store.find_login(LoginKey("google", "plain"))
        assert other is not None
        assert (other.secret, other.key.label) == (None, "")

    @pytest.mark.parametrize("near", ["Ada", "ada ", "adá", "ada\x00", "%", "_da", ""])
    def test_a_login_key_is_compared_exactly(self, store: Store, near: str) -> None:
        store.create_user(a_user(), [a_key("ada")])
        assert store.find_login(LoginKey("password", near)) is None
        assert store.find_login(LoginKey("passwordada", "")) is None
        assert store.owners([LoginKey("password", near)]) == {}

    def test_owners_of_no_keys_are_none(self, store: Store) -> None:
        assert store.owners([]) == {}

    def test_a_key_can_be_added_once_and_by_one_only(self, store: Store) -> None:
        store.create_user(a_user(1), [a_key("one")])
        store.create_user(a_user(2), [a_key("two")])
        store.add_login_key("u1", a_key("g", "google", label="first"), later(seconds=1))
        store.add_login_key("u1", a_key("g", "google", label="again", secret="other"), later(seconds=2))
        assert [(key.provider, key.label, key.created_at) for key in store.keys_of("u1")][1] == ("google", "first", later(seconds=1))
        with pytest.raises(KeyTaken):
            store.add_login_key("u2", a_key("g", "google"), NOW)
        assert len(store.keys_of("u2")) == 1
        with pytest.raises(AuthError):
            store.add_login_key("nobody", a_key("x", "google"), NOW)
        assert store.find_login(LoginKey("google", "x")) is None

    def test_a_claim_of_ones_own_may_become_a_way_in(self, store: Store) -> None:
        store.create_user(a_user(1), [a_key("one"), a_key("mail", "email", way_in=False, label="first")])
        store.create_user(a_user(2), [a_key("two")])
        with pytest.raises(KeyTaken):
            store.add_login_key("u2", a_key("mail", "email"), NOW)
        assert [key.way_in for key in store.keys_of("u1") if key.provider == "email"] == [False]
        store.add_login_key("u1", a_key("mail", "email", label="again", secret="other"), NOW)
        store.add_login_key("u1", a_key("mail", "email", way_in=False), NOW)  # and is none the less one afterwards
        (mail,) = [key for key in store.keys_of("u1") if key.provider == "email"]
        assert (mail.way_in, mail.label) == (True, "first")
        assert store.remove_login_key("u1", a_key("one").key) is True
        with pytest.raises(LastWayIn):
            store.remove_login_key("u1", mail.id)

    def test_a_key_that_was_removed_comes_back_with_its_new_secret(self, store: Store) -> None:
        store.create_user(a_user(), [a_key("one"), a_key("two", "google")])
        assert store.remove_login_key("u1", a_key("one").key)
        store.add_login_key("u1", a_key("one", secret="new", label="new"), later(seconds=1))
        login = store.find_login(a_key("one").key)
        assert login is not None
        assert (login.secret, login.key.label, login.key.created_at) == ("new", "new", later(seconds=1))

    def test_a_key_removed_and_added_at_the_same_moment_leaves_a_real_way_in(self, store: Store) -> None:
        for turn in range(5):
            user_id, keys = f"u{turn}", [a_key(f"{turn}-a"), a_key(f"{turn}-b")]
            store.create_user(a_user(turn), keys)

            def flip(number: int, user_id: str = user_id, key: NewKey = keys[0]) -> None:
                if number % 2:
                    store.add_login_key(user_id, key, NOW)
                else:
                    self._remove(store, user_id, key.key)

            race(flip, 8)
            for key in keys:
                self._remove(store, user_id, key.key)
            (left,) = store.keys_of(user_id)
            assert store.find_login(next(key.key for key in keys if store.owners([key.key]))) is not None
            assert left.way_in

    def test_fifty_who_claim_one_key_at_once_leave_one_owner(self, store: Store) -> None:
        for number in range(8):
            store.create_user(a_user(number), [a_key(f"k{number}")])

        def claim(number: int) -> str | None:
            try:
                store.add_login_key(f"u{number % 8}", a_key("contested", "google"), NOW)
            except KeyTaken:
                return None
            return f"u{number % 8}"

        winners = {who for who in race(claim) if who}
        owner = store.owners([LoginKey("google", "contested")])[LoginKey("google", "contested")]
        assert winners == {owner}

    def test_the_last_way_in_stays(self, store: Store) -> None:
        store.create_user(a_user(), [a_key("one"), a_key("mail", "email", way_in=False)])
        store.create_user(a_user(2), [a_key("other")])
        keys = {key.provider: key.id for key in store.keys_of("u1")}
        with pytest.raises(LastWayIn):
            store.remove_login_key("u1", keys["password"])
        assert store.remove_login_key("u2", keys["password"]) is False
        assert store.remove_login_key("u1", "0" * 64) is False
        store.add_login_key("u1", a_key("g", "google"), NOW)
        assert store.remove_login_key("u1", keys["password"]) is True
        assert store.remove_login_key("u1", keys["password"]) is False
        assert store.remove_login_key("u1", keys["email"]) is True
        assert store.find_login(a_key("one").key) is None
        store.add_login_key("u2", a_key("one"), NOW)  # a freed key may be claimed by anybody

    def test_two_ways_in_removed_at_once_leave_one(self, store: Store) -> None:
        for turn in range(5):
            user_id = f"u{turn}"
            store.create_user(a_user(turn), [a_key(f"{turn}-{number}") for number in range(4)])
            ids = [key.id for key in store.keys_of(user_id)]
            results = race(lambda number, ids=ids, user_id=user_id: self._remove(store, user_id, ids[number]), 4)  # type: ignore[misc]
            assert sorted(results) == ["last", "removed", "removed", "removed"]
            assert len(store.keys_of(user_id)) == 1

    @staticmethod
    def _remove(store: Store, user_id: str, key: str | LoginKey) -> str:
        try:
            return "removed" if store.remove_login_key(user_id, key) else "not hers"
        except LastWayIn:
            return "last"

    def test_a_secret_is_swapped_only_for_the_one_that_was_read(self, store: Store) -> None:
        store.create_user(a_user(), [a_key(), a_key("s", "totp", secret=None)])
        key = a_key().key
        ids = {held.provider: held.id for held in store.keys_of("u1")}
        assert not store.swap_secret(ids["password"], "wrong", "new")
        assert not store.swap_secret(ids["password"], None, "new")
        assert race(lambda number: store.swap_secret(ids["password"], "$argon2id$canary", f"new-{number}")).count(True) == 1
        assert store.swap_secret(ids["totp"], None, "step 1")
        assert not store.swap_secret(ids["totp"], None, "step 1")
        assert not store.swap_secret("0" * 64, None, "x")
        login = store.find_login(key)
        assert login is not None
        assert (login.secret or "").startswith("new-")

    def test_a_key_is_found_through_another_of_its_user(self, store: Store) -> None:
        store.create_user(a_user(), [a_key("ada"), a_key("ada@b.c", "email", way_in=False), a_key("+44", "phone", way_in=False)])
        store.create_user(a_user(2), [a_key("bob@b.c", "email", way_in=False)])
        for alias in (LoginKey("email", "ada@b.c"), LoginKey("phone", "+44"), LoginKey("password", "ada")):
            assert store.login_behind(alias, "password") == store.find_login(LoginKey("password", "ada"))
        assert store.login_behind(LoginKey("email", "bob@b.c"), "password") is None
        assert store.login_behind(LoginKey("email", "nobody@b.c"), "password") is None

    def test_the_keys_of_one_provider_come_with_their_secrets(self, store: Store) -> None:
        store.create_user(a_user(), [a_key("one", secret="first"), a_key("mail", "email", way_in=False)])
        store.add_login_key("u1", a_key("two", secret="second"), later(seconds=1))
        assert [login.secret for login in store.logins_of("u1", "password")] == ["first", "second"]
        assert store.logins_of("u1", "password")[0] == store.find_login(LoginKey("password", "one"))
        assert store.logins_of("u1", "google") == ()
        assert store.logins_of("nobody", "password") == ()
