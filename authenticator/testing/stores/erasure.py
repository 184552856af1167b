"""Erasing a person: nothing of hers stays but that something happened."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest

from authenticator.crypto import digest
from authenticator.errors import AuthError
from authenticator.events import Event
from authenticator.models import Client, Status, StatusChange
from authenticator.storage.port import Store
from authenticator.testing.stores.avatars import an_avatar
from authenticator.testing.stores.promises import StorePromises
from authenticator.testing.stores.samples import CANARIES, NOW, a_key, a_session, a_user, later, race

CLIENT = Client("203.0.113.77", "CanaryBrowser/1.0", "en", "GB")


def lived(store: Store, number: int = 1) -> None:
    """Somebody who left a trace of every sort."""
    user_id = f"u{number}"
    store.create_user(a_user(number), [a_key(f"one-{number}"), a_key(f"two-{number}", "google")], a_session(number, user_id))
    store.add_avatar(an_avatar(number, user_id), 5)
    for turn in range(3):
        store.append_event(Event(f"e{number}-{turn}", "signed_in", later(seconds=turn), user_id, CLIENT, {"why": "event-canary"}))
    store.change_status(user_id, StatusChange(Status.ACTIVE, Status.LEAVING, "reason-canary", user_id, NOW))


class ErasurePromises(StorePromises):
    """Erasing a person: nothing of hers stays but that something happened."""

    def test_an_erased_person_is_gone_with_all_that_was_hers(self, store: Store) -> None:
        for number in (1, 2):
            lived(store, number)
        assert store.erase_user("u1", "gone-1", NOW) is True
        assert store.user_by_id("u1") is None
        assert [user.id for user in store.users().items] == ["u2"]
        assert (tuple(store.keys_of("u1")), tuple(store.status_history("u1")), tuple(store.avatars_of("u1"))) == ((), (), ())
        assert (store.session_by_id("s1"), store.session_by_cookie(digest("cookie 1"), NOW), store.avatar("a1")) == (None, None, None)
        assert store.sessions_of("u1", NOW, ended=True).items == ()
        assert store.find_login(a_key("one-1").key) is None
        assert store.owners([a_key("one-1").key, a_key("two-1", "google").key]) == {}
        assert store.erase_user("u1", "gone-1", NOW) is False
        assert store.user_by_id("u2") is not None
        assert (len(store.keys_of("u2")), len(store.avatars_of("u2")), store.session_by_id("s2") is not None) == (2, 1, True)

    def test_her_events_stay_under_a_pseudonym_and_tell_nothing(self, store: Store) -> None:
        for number in (1, 2):
            lived(store, number)
        store.erase_user("u1", "gone-1", NOW)
        assert store.events_of("u1").items == ()
        bare = tuple(Event(f"e1-{turn}", "signed_in", later(seconds=turn), "gone-1") for turn in (2, 1, 0))
        assert store.events_of("gone-1").items == bare
        assert [event.client for event in store.events_of("u2").items] == [CLIENT] * 3
        assert len(store.events().items) == 6

    def test_an_event_that_was_written_too_late_is_seen_to_by_the_next_call(self, store: Store) -> None:
        lived(store)
        store.erase_user("u1", "gone-1", NOW)
        store.append_event(Event("late", "session_ended", NOW, "u1", CLIENT))
        assert store.erase_user("u1", "gone-1", NOW) is False
        assert store.events_of("u1").items == ()
        assert Event("late", "session_ended", NOW, "gone-1") in store.events_of("gone-1").items

    def test_a_dump_no_longer_knows_her(self, store: Store, dump: Callable[[], bytes]) -> None:
        lived(store)
        assert b"gone-1" not in dump()
        store.erase_user("u1", "gone-1", NOW)
        raw = dump()
        assert b"gone-1" in raw  # it is the right dump
        assert [canary for canary in CANARIES if canary.encode() in raw] == []

    def test_what_she_held_is_free_for_others(self, store: Store) -> None:
        lived(store)
        store.erase_user("u1", "gone-1", NOW)
        store.create_user(a_user(3), [a_key("one-1"), a_key("two-1", "google")], a_session(3, "u3"))
        assert set(store.owners([a_key("one-1").key, a_key("two-1", "google").key]).values()) == {"u3"}

    def test_nothing_is_added_to_an_erased_person(self, store: Store) -> None:
        lived(store)
        store.erase_user("u1", "gone-1", NOW)
        with pytest.raises(AuthError, match="conflict"):
            store.add_login_key("u1", a_key("new"), NOW)
        with pytest.raises(AuthError, match="conflict"):
            store.add_avatar(an_avatar(9), 5)
        assert store.save_user(a_user(1, version=2)) is False
        assert store.owners([a_key("new").key]) == {}
        assert store.avatar("a9") is None

    def test_an_id_that_cannot_be_one_erases_nobody(self, store: Store) -> None:
        lived(store)
        for odd in ("", "\x00", "\ud800", "nobody"):
            assert store.erase_user(odd, "gone", NOW) is False
        assert store.user_by_id("u1") is not None

    def test_what_is_added_while_she_is_erased_goes_too(self, store: Store) -> None:
        lived(store)

        def meddle(number: int) -> None:
            with contextlib.suppress(AuthError):  # to whoever comes too late
                if number == 7:
                    store.erase_user("u1", "gone-1", NOW)
                elif number % 2:
                    store.add_avatar(an_avatar(f"race-{number}"), 50)
                else:
                    store.add_login_key("u1", a_key(f"race-{number}"), NOW)

        race(meddle, 16)
        assert store.user_by_id("u1") is None
        assert tuple(store.avatars_of("u1")) == ()
        assert store.owners([a_key(f"race-{number}").key for number in range(16)]) == {}
