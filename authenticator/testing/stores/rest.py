"""Tickets, signing keys, and the database as a whole."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from authenticator.crypto import digest, random_token
from authenticator.events import Event
from authenticator.limits import Backoff, Limit
from authenticator.models import Client, SigningKey, Status, StatusChange
from authenticator.storage.port import Store
from authenticator.testing.stores.promises import StorePromises
from authenticator.testing.stores.samples import CANARIES, GRACE, NOW, a_key, a_session, a_user, later, race


class RestPromises(StorePromises):
    """Tickets, signing keys, and the database as a whole."""

    def test_fifty_takers_of_a_ticket_get_it_once(self, store: Store) -> None:
        payload = {"a": 1, "b": ["x", None, True], "ü": {"deep": "ticket-canary"}}
        store.issue_ticket("state", digest("t"), payload, later(minutes=10))
        assert store.take_ticket("other", digest("t"), NOW) is None
        taken = [got for got in race(lambda _: store.take_ticket("state", digest("t"), NOW)) if got is not None]
        assert taken == [payload]
        assert store.take_ticket("state", digest("never"), NOW) is None

    def test_a_ticket_ends_on_time_though_nobody_tidied_up(self, store: Store) -> None:
        store.issue_ticket("state", digest("t"), {}, later(seconds=10))
        assert store.take_ticket("state", digest("t"), later(seconds=10)) is None
        store.issue_ticket("state", digest("t"), {}, later(seconds=10))
        assert store.take_ticket("state", digest("t"), later(seconds=9, milliseconds=999)) == {}

    def test_a_ticket_may_be_looked_at_and_still_taken(self, store: Store) -> None:
        store.issue_ticket("state", digest("t"), {"n": 1}, later(seconds=10))
        assert store.read_ticket("state", digest("t"), NOW) == {"n": 1}
        assert store.read_ticket("state", digest("t"), later(seconds=10)) is None
        assert store.read_ticket("other", digest("t"), NOW) is None
        assert store.take_ticket("state", digest("t"), NOW) == {"n": 1}
        assert store.read_ticket("state", digest("t"), NOW) is None

    def test_a_new_ticket_takes_the_place_of_the_old_one(self, store: Store) -> None:
        store.issue_ticket("code", digest("t"), {"n": 1}, later(seconds=10))
        store.issue_ticket("code", digest("t"), {"n": 2}, later(seconds=20))
        assert store.take_ticket("code", digest("t"), later(seconds=15)) == {"n": 2}
        assert store.take_ticket("code", digest("t"), later(seconds=15)) is None

    def test_a_refresh_token_is_swapped_for_its_successor(self, store: Store) -> None:
        store.create_user(a_user(), [a_key()], a_session())
        turn = store.rotate_refresh("s1", digest("refresh 1"), digest("r2"), later(seconds=1), GRACE)
        assert turn.outcome == "rotated"
        assert turn.session == a_session(refresh=digest("r2"), spent=digest("refresh 1"), rotated_at=later(seconds=1))
        assert store.session_by_id("s1") == turn.session
        assert store.rotate_refresh("s1", digest("r2"), digest("r3"), later(seconds=2), GRACE).outcome == "rotated"

    def test_a_lost_answer_may_be_asked_for_again_for_a_moment(self, store: Store) -> None:
        store.create_user(a_user(), [a_key()], a_session())
        store.rotate_refresh("s1", digest("refresh 1"), digest("r2"), NOW, GRACE)
        again = store.rotate_refresh("s1", digest("refresh 1"), digest("r2"), later(seconds=10), GRACE)
        assert again.outcome == "repeated"
        assert again.session == store.session_by_id("s1")
        assert again.session is not None
        assert again.session.rotated_at == NOW
        assert store.rotate_refresh("s1", digest("r2"), digest("r3"), later(seconds=11), GRACE).outcome == "rotated"

    @pytest.mark.parametrize("thief", ["the predecessor, too late", "an older one", "a made-up one"])
    def test_a_reused_refresh_token_ends_its_session(self, store: Store, thief: str) -> None:
        store.create_user(a_user(), [a_key()], a_session())
        store.rotate_refresh("s1", digest("refresh 1"), digest("r2"), NOW, GRACE)
        if thief == "an older one":
            store.rotate_refresh("s1", digest("r2"), digest("r3"), NOW, GRACE)
        presented = digest("made up") if thief == "a made-up one" else digest("refresh 1")
        when = later(seconds=10, milliseconds=1) if thief == "the predecessor, too late" else NOW
        turn = store.rotate_refresh("s1", presented, digest("r9"), when, GRACE)
        assert turn.outcome == "reused"
        assert turn.session is not None
        assert (turn.session.user_id, turn.session.closed_at) == ("u1", when)
        assert store.rotate_refresh("s1", digest("r2"), digest("r3"), when, GRACE).outcome == "closed"
        assert store.session_by_cookie(digest("cookie 1"), NOW) is None

    def test_an_ended_session_cannot_be_refreshed(self, store: Store) -> None:
        store.create_user(a_user(), [a_key()], a_session())
        assert store.rotate_refresh("unknown", digest("x"), digest("y"), NOW, GRACE).outcome == "closed"
        assert store.rotate_refresh("s1", digest("refresh 1"), digest("y"), later(days=30), GRACE).outcome == "closed"
        assert store.rotate_refresh("s1", digest("stolen"), digest("y"), later(days=30), GRACE).outcome == "closed"
        store.close_session("s1", "signed_out", NOW)
        assert store.rotate_refresh("s1", digest("refresh 1"), digest("y"), NOW, GRACE).outcome == "closed"

    def test_fifty_presenters_of_one_refresh_token_rotate_it_once(self, store: Store) -> None:
        store.create_user(a_user(), [a_key()], a_session())
        outcomes = [turn.outcome for turn in race(lambda _: store.rotate_refresh("s1", digest("refresh 1"), digest("r2"), NOW, GRACE))]
        assert sorted(set(outcomes)) == ["repeated", "rotated"]
        assert outcomes.count("rotated") == 1

    def test_of_many_who_rotate_the_signing_key_one_wins(self, store: Store) -> None:
        def key(generation: int, number: int) -> SigningKey:
            return SigningKey(generation, f"kid-{generation}-{number}", "ES256", "PEM-canary", NOW, later(minutes=10))

        assert race(lambda number: store.add_signing_key(key(2, number)), 10).count(True) == 1
        assert store.add_signing_key(key(1, 0))
        kept = store.signing_keys()
        assert [item.generation for item in kept] == [1, 2]
        assert kept[0] == key(1, 0)

    def test_tidying_up_removes_only_what_has_expired(self, store: Store) -> None:
        store.create_user(a_user(), [a_key()], a_session(1, expires_at=later(hours=1)))
        store.open_session(a_session(2))
        store.issue_ticket("state", digest("old"), {}, later(hours=1))
        store.issue_ticket("state", digest("new"), {}, later(days=2))
        store.count_attempts([Limit("a", 1, 60), Backoff("b", free=0)], NOW)
        store.add_signing_key(SigningKey(1, "k1", "ES256", "pem", NOW, NOW, later(hours=1)))
        store.add_signing_key(SigningKey(2, "k2", "ES256", "pem", NOW, NOW))
        assert store.purge(NOW) == 0
        assert store.purge(later(days=1)) == 3
        assert store.session_by_id("s1") is not None
        assert store.session_by_id("s2") is not None
        assert store.take_ticket("state", digest("new"), later(days=1)) == {}
        assert [key.generation for key in store.signing_keys()] == [2]
        assert store.user_by_id("u1") is not None

    def test_a_dump_tells_nothing(self, store: Store, dump: Callable[[], bytes]) -> None:
        client = Client("203.0.113.77", "CanaryBrowser/1.0", "en")
        store.create_user(a_user(), [a_key()], a_session())
        store.swap_secret(store.keys_of("u1")[0].id, "$argon2id$canary", "$argon2id$canary-two")
        store.issue_ticket("state", digest("t"), {"x": "ticket-canary"}, later(days=900))
        store.add_signing_key(SigningKey(1, "kid", "ES256", "PEM-canary", NOW, NOW))
        store.append_event(Event("e1", "signed_in", NOW, "u1", client, {"why": "event-canary"}))
        store.count_attempts([Limit("sign-in 203.0.113.77 ada.lovelace@canary.example", 3, 60)], NOW)
        store.change_status("u1", StatusChange(Status.ACTIVE, Status.CLOSED, "reason-canary", "operator", NOW))
        raw = dump()
        assert b"u1" in raw  # it is the right dump
        found = [canary for canary in (*CANARIES, digest("t")) if canary.encode() in raw]
        assert found == []

    def test_preparing_again_changes_nothing(self, store: Store) -> None:
        store.create_user(a_user(), [a_key()])
        store.prepare()
        store.ping()
        assert store.user_by_id("u1") == a_user()

    def test_many_threads_use_one_store(self, store: Store) -> None:
        def live(number: int) -> bool:
            name = random_token()
            store.create_user(a_user(name), [a_key(name)], a_session(name, f"u{name}"))
            store.count_attempts([Limit(name, 3, 60)], NOW)
            store.open_session(a_session(name + "b", f"u{name}"), forgive=[name])
            store.issue_ticket("state", name, {"n": number}, later(seconds=9))
            return store.take_ticket("state", name, NOW) == {"n": number} and store.close_sessions(f"u{name}", "x", NOW) == 2

        assert all(race(live))
