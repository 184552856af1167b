"""Pictures of people: bounded in number, sealed, and found by an id that nobody guesses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from authenticator.errors import AuthError
from authenticator.models import Avatar
from authenticator.storage.port import Store
from authenticator.testing.stores.promises import StorePromises
from authenticator.testing.stores.samples import a_key, a_user, later, race

CONTENT = b"avatar-canary" + bytes(range(256)) * 40


def an_avatar(number: int | str = 1, user_id: str = "u1", seconds: int = 0) -> Avatar:
    return Avatar(f"a{number}", user_id, later(seconds=seconds), "image/webp", CONTENT)


class AvatarPromises(StorePromises):
    """Pictures of people: bounded in number, sealed, and found by an id that nobody guesses."""

    def test_a_picture_is_found_by_its_id_and_listed_without_its_content(self, store: Store) -> None:
        store.create_user(a_user(1), [a_key("one")])
        store.create_user(a_user(2), [a_key("two")])
        for number in (3, 1, 2):
            assert store.add_avatar(an_avatar(number, seconds=number), 5)
        assert store.add_avatar(an_avatar("other", "u2"), 5)
        assert store.avatar("a3") == an_avatar(3, seconds=3)
        assert tuple(store.avatars_of("u1")) == tuple(replace(an_avatar(n, seconds=n), content=b"") for n in (1, 2, 3))
        assert store.avatar("unknown") is None
        assert tuple(store.avatars_of("nobody")) == ()

    def test_a_picture_is_removed_by_its_owner_only(self, store: Store) -> None:
        store.create_user(a_user(1), [a_key("one")])
        store.add_avatar(an_avatar(), 1)
        assert store.remove_avatar("u2", "a1") is False
        assert store.remove_avatar("u1", "unknown") is False
        assert store.remove_avatar("u1", "a1") is True
        assert store.remove_avatar("u1", "a1") is False
        assert store.avatar("a1") is None
        assert store.add_avatar(an_avatar(2), 1) is True

    def test_a_crowd_of_pictures_keeps_within_the_bound(self, store: Store) -> None:
        store.create_user(a_user(1), [a_key("one")])
        store.create_user(a_user(2), [a_key("two")])
        assert race(lambda number: store.add_avatar(an_avatar(number), 5), 20).count(True) == 5
        assert len(store.avatars_of("u1")) == 5
        assert store.add_avatar(an_avatar("more"), 4) is False
        assert store.add_avatar(an_avatar("more"), 0) is False
        assert store.add_avatar(an_avatar("other", "u2"), 5) is True

    def test_nobody_has_no_pictures(self, store: Store) -> None:
        with pytest.raises(AuthError, match="conflict"):
            store.add_avatar(an_avatar(1, "nobody"), 5)
        assert store.avatar("a1") is None

    @pytest.mark.parametrize("odd", ["", "\x00", "\ud800", "a b", "x" * 5000])
    def test_an_id_that_cannot_be_one_finds_no_picture(self, store: Store, odd: str) -> None:
        assert store.avatar(odd) is None
        assert tuple(store.avatars_of(odd)) == ()
        assert store.remove_avatar("u1", odd) is False
        assert store.remove_avatar(odd, "a1") is False

    def test_a_dump_shows_no_picture(self, store: Store, dump: Callable[[], bytes]) -> None:
        store.create_user(a_user(1), [a_key("one")])
        store.add_avatar(an_avatar(), 5)
        raw = dump()
        assert b"a1" in raw  # it is the right dump
        assert b"avatar-canary" not in raw
