"""Events: by user and over everybody, and written together with what they tell of."""

from __future__ import annotations

from typing import Any

import pytest

from authenticator.errors import AuthError
from authenticator.events import Event
from authenticator.limits import Backoff, Limit
from authenticator.models import Client
from authenticator.storage.port import KeyTaken, Store
from authenticator.testing.stores.promises import StorePromises
from authenticator.testing.stores.samples import NOW, a_key, a_session, a_user, later, race


def an_event(number: int | str = 1, kind: str = "signed_in", user_id: str | None = "u1", **detail: str) -> Event:
    return Event(f"e{number}", kind, NOW, user_id, Client("203.0.113.77", "CanaryBrowser/1.0", "en", "GB"), detail)


def told(store: Store) -> list[Event]:
    return list(store.events().items)


class HistoryPromises(StorePromises):
    """Events: by user and over everybody, and written together with what they tell of."""

    def test_a_users_events_come_newest_first_in_pages(self, store: Store) -> None:
        client = Client("203.0.113.77", "CanaryBrowser/1.0", "en")
        events = [Event(f"e{number}", "signed_in", later(seconds=number // 2), "u1", client, {"provider": "google"}) for number in range(5)]
        for event in (*events, Event("other", "signed_in", NOW, "u2"), Event("nobody", "sign_in_refused", NOW)):
            store.append_event(event)
        first = store.events_of("u1", limit=2)
        second = store.events_of("u1", after=first.next, limit=2)
        third = store.events_of("u1", after=second.next, limit=2)
        assert [*first.items, *second.items, *third.items] == list(reversed(events))
        assert third.next is None
        assert store.events_of("nobody").items == ()

    def test_everybodys_events_come_newest_first_in_pages(self, store: Store) -> None:
        owners = ("u1", None, "u2")
        events = [Event(f"e{number}", "signed_in", later(seconds=number // 2), owners[number % 3]) for number in range(7)]
        for event in events:
            store.append_event(event)
        seen: list[Event] = []
        page = store.events(limit=3)
        while True:
            assert len(page.items) <= 3
            seen += page.items
            if page.next is None:
                break
            page = store.events(after=page.next, limit=3)
        assert seen == list(reversed(events))

    def test_an_event_is_appended_once(self, store: Store) -> None:
        store.append_event(an_event())
        with pytest.raises(AuthError, match="conflict"):
            store.append_event(an_event(kind="sign_in_failed"))
        assert told(store) == [an_event()]

    @pytest.mark.parametrize("allowed", [0, 1, 9])
    @pytest.mark.parametrize("others", [0, 1, 2])
    def test_an_attempt_is_written_down_whether_it_was_admitted_or_not(self, store: Store, allowed: int, others: int) -> None:
        counters: list[Limit | Backoff] = [Limit("a", allowed, 60), *(Backoff(f"b{number}", free=50) for number in range(others))]
        waits = [store.count_attempts(counters, NOW, event=an_event(turn, "sign_in_failed")) for turn in range(3)]
        assert waits == [0 if turn < allowed else 60 for turn in range(3)]
        assert told(store) == [an_event(turn, "sign_in_failed") for turn in (2, 1, 0)]

    def test_an_attempt_without_counters_is_written_down(self, store: Store) -> None:
        assert store.count_attempts([], NOW, event=an_event()) == 0
        assert told(store) == [an_event()]

    def test_a_crowd_is_counted_exactly_and_each_written_down(self, store: Store) -> None:
        waits = race(lambda number: store.count_attempts([Limit("a", 7, 60)], NOW, event=an_event(number, "sign_in_failed")), 20)
        assert waits.count(0) == 7
        assert len(told(store)) == 20

    def test_a_sign_in_takes_the_place_of_its_attempt(self, store: Store) -> None:
        store.create_user(a_user(), [a_key()])
        store.count_attempts([Limit("a", 1, 60)], NOW, event=an_event(1, "sign_in_failed", None, why="event-canary"))
        store.count_attempts([Limit("a", 1, 60)], NOW, event=an_event(2, "sign_in_failed"))
        store.open_session(a_session(), forgive=["a"], event=an_event(1, "signed_in", provider="password"))
        assert told(store) == [an_event(2, "sign_in_failed"), an_event(1, "signed_in", provider="password")]
        assert store.events_of("u1").items == tuple(told(store))
        assert store.count_attempts([Limit("a", 1, 60)], NOW) == 0
        store.open_session(a_session(2), event=an_event(3))
        assert len(told(store)) == 3

    def test_a_session_that_cannot_be_opened_is_not_written_down(self, store: Store) -> None:
        store.create_user(a_user(), [a_key()], a_session())
        with pytest.raises(AuthError, match="conflict"):
            store.open_session(a_session(cookie=None), event=an_event())
        assert told(store) == []

    @pytest.mark.parametrize("session", [None, a_session(2, "u2")])
    def test_a_new_user_comes_with_an_event_or_not_at_all(self, store: Store, session: Any) -> None:
        store.create_user(a_user(), [a_key("taken")])
        made = an_event(2, "user_created", "u2")
        with pytest.raises(KeyTaken):
            store.create_user(a_user(2), [a_key("free"), a_key("taken")], session, event=made)
        assert told(store) == []
        store.create_user(a_user(2), [a_key("free")], session, event=made)
        assert told(store) == [made]
        assert (store.session_by_id("s2") is None) == (session is None)
