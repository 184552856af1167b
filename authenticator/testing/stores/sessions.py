"""Sessions and their refresh tokens."""

from __future__ import annotations

from authenticator.crypto import digest
from authenticator.storage.port import Store
from authenticator.testing.stores.promises import StorePromises
from authenticator.testing.stores.samples import GRACE, NOW, a_key, a_session, a_user, later, race


class SessionPromises(StorePromises):
    """Sessions and their refresh tokens."""

    def test_a_cookie_leads_to_its_open_session_and_user(self, store: Store) -> None:
        store.create_user(a_user(), [a_key()])
        store.open_session(a_session())
        assert store.session_by_cookie(digest("cookie 1"), NOW) == (a_session(), a_user())
        assert store.session_by_cookie(digest("another"), NOW) is None
        assert store.session_by_cookie(digest("cookie 1"), later(days=30)) is None
        assert store.close_session("s1", "signed_out", later(seconds=5))
        assert store.session_by_cookie(digest("cookie 1"), NOW) is None
        assert not store.close_session("s1", "again", later(seconds=6))
        ended = store.session_by_id("s1")
        assert ended is not None
        assert (ended.closed_at, ended.close_reason) == (later(seconds=5), "signed_out")
        assert not store.close_session("unknown", "x", NOW)

    def test_sessions_without_a_cookie_do_not_clash(self, store: Store) -> None:
        store.create_user(a_user(), [a_key()])
        for number in (1, 2):
            store.open_session(a_session(number, cookie=None))
        assert len(store.sessions_of("u1", NOW).items) == 2

    def test_a_session_list_shows_the_open_ones_newest_first(self, store: Store) -> None:
        store.create_user(a_user(1), [a_key()])
        store.create_user(a_user(2), [a_key("two")])
        for number in range(6):
            store.open_session(a_session(number, created_at=later(seconds=number // 2)))
        store.open_session(a_session(8, expires_at=later(seconds=1)))
        store.open_session(a_session(9, "u2"))
        store.close_session("s3", "signed_out", NOW)
        first = store.sessions_of("u1", later(seconds=5), limit=3)
        rest = store.sessions_of("u1", later(seconds=5), after=first.next, limit=3)
        assert [session.id for session in (*first.items, *rest.items)] == ["s5", "s4", "s2", "s1", "s0"]
        assert rest.next is None

    def test_ended_sessions_are_listed_newest_first_in_pages(self, store: Store) -> None:
        store.create_user(a_user(1), [a_key()])
        store.create_user(a_user(2), [a_key("two")])
        for number in range(6):
            store.open_session(a_session(number, created_at=later(seconds=number // 2)))
        store.open_session(a_session(8, created_at=later(seconds=9), expires_at=later(seconds=10)))
        store.open_session(a_session(9, "u2"))
        for number in (0, 2, 3, 5):
            store.close_session(f"s{number}", "signed_out", later(seconds=20 - number))
        store.close_session("s9", "signed_out", NOW)
        first = store.sessions_of("u1", later(seconds=30), ended=True, limit=3)
        rest = store.sessions_of("u1", later(seconds=30), ended=True, after=first.next, limit=3)
        assert [session.id for session in (*first.items, *rest.items)] == ["s8", "s5", "s3", "s2", "s0"]
        assert rest.next is None
        assert first.items[1].close_reason == "signed_out"
        assert [session.id for session in store.sessions_of("u1", later(seconds=30)).items] == ["s4", "s1"]

    def test_ended_sessions_are_kept_for_ninety_days(self, store: Store) -> None:
        store.create_user(a_user(), [a_key()], a_session(1, expires_at=later(hours=1)))
        for number in (2, 3):
            store.open_session(a_session(number))
        store.close_session("s2", "signed_out", later(days=1))
        assert store.purge(later(days=90)) == 0
        assert store.purge(later(days=90, hours=1)) == 1
        assert store.session_by_id("s1") is None
        assert store.purge(later(days=91)) == 1
        assert store.session_by_id("s2") is None
        assert store.session_by_id("s3") is not None

    def test_the_oldest_sessions_give_way_to_new_ones(self, store: Store) -> None:
        store.create_user(a_user(1), [a_key()])
        store.create_user(a_user(2), [a_key("two")])
        for number in range(6):
            store.open_session(a_session(number, created_at=later(seconds=number // 2)))
        store.open_session(a_session(7, expires_at=later(seconds=5)))
        store.open_session(a_session(9, "u2"))
        store.close_session("s5", "signed_out", NOW)
        assert store.cap_sessions("u1", 5, "too_many", later(seconds=10)) == 0
        assert store.cap_sessions("u1", 2, "too_many", later(seconds=10)) == 3
        assert [session.id for session in store.sessions_of("u1", later(seconds=10)).items] == ["s4", "s3"]
        ended = store.session_by_id("s2")
        assert ended is not None
        assert (ended.closed_at, ended.close_reason) == (later(seconds=10), "too_many")
        assert "s2" in store.closed_since(later(seconds=10))
        assert store.cap_sessions("nobody", 0, "too_many", NOW) == 0

    def test_a_crowd_that_caps_at_once_leaves_exactly_as_many(self, store: Store) -> None:
        store.create_user(a_user(), [a_key()])
        for number in range(12):
            store.open_session(a_session(number, created_at=later(seconds=number)))
        assert sum(race(lambda _: store.cap_sessions("u1", 4, "too_many", later(minutes=1)), 8)) == 8
        assert [session.id for session in store.sessions_of("u1", later(minutes=1)).items] == ["s11", "s10", "s9", "s8"]

    def test_a_session_says_when_it_was_last_used(self, store: Store) -> None:
        store.create_user(a_user(), [a_key()], a_session(seen_at=None, mfa_at=None))
        assert store.session_by_id("s1") == a_session(seen_at=None, mfa_at=None)
        for moment in (later(minutes=5), later(minutes=2)):  # the second one was only slow
            store.touch_session("s1", moment)
        seen = store.session_by_cookie(digest("cookie 1"), NOW)
        assert seen is not None
        assert seen[0] == a_session(seen_at=later(minutes=5), mfa_at=None)
        store.close_session("s1", "signed_out", later(minutes=6))
        store.touch_session("s1", later(minutes=9))
        store.touch_session("unknown", NOW)
        ended = store.session_by_id("s1")
        assert ended is not None
        assert ended.seen_at == later(minutes=5)

    def test_two_factors_shown_once_stay_known_until_shown_again(self, store: Store) -> None:
        store.create_user(a_user(), [a_key()], a_session(mfa_at=None))
        for shown, known in ((None, None), (later(hours=1), later(hours=1)), (None, later(hours=1)), (later(hours=3), later(hours=3))):
            assert store.renew_session("s1", cookie=None, auth_time=NOW, amr=("pwd",), mfa_at=shown)
            session = store.session_by_id("s1")
            assert session is not None
            assert session.mfa_at == known

    def test_a_step_up_gives_a_new_cookie_and_proof(self, store: Store) -> None:
        store.create_user(a_user(), [a_key()], a_session())
        assert store.renew_session("s1", cookie=digest("new"), auth_time=later(hours=1), amr=("pwd", "hwk"))
        assert store.session_by_cookie(digest("cookie 1"), NOW) is None
        found = store.session_by_cookie(digest("new"), NOW)
        assert found is not None
        assert (found[0].auth_time, found[0].amr) == (later(hours=1), ("pwd", "hwk"))
        assert store.renew_session("s1", cookie=None, auth_time=later(hours=2), amr=("pwd",))
        assert store.session_by_cookie(digest("new"), NOW) is not None
        store.close_session("s1", "signed_out", NOW)
        assert not store.renew_session("s1", cookie=digest("newer"), auth_time=NOW, amr=())
        assert not store.renew_session("unknown", cookie=None, auth_time=NOW, amr=())

    def test_signing_out_everywhere_may_keep_this_one(self, store: Store) -> None:
        store.create_user(a_user(1), [a_key()])
        store.create_user(a_user(2), [a_key("two")])
        for number in range(4):
            store.open_session(a_session(number))
        store.open_session(a_session(9, "u2"))
        assert store.close_sessions("u1", "password_changed", later(seconds=1), keep="s2") == 3
        assert [session.id for session in store.sessions_of("u1", NOW).items] == ["s2"]
        assert store.close_sessions("u1", "closed", later(seconds=2)) == 1
        assert store.close_sessions("u1", "closed", later(seconds=2)) == 0
        assert len(store.sessions_of("u2", NOW).items) == 1

    def test_every_process_learns_what_was_closed(self, store: Store) -> None:
        store.create_user(a_user(), [a_key()])
        for number in range(4):
            store.open_session(a_session(number))
        store.close_session("s0", "signed_out", later(seconds=10))
        store.close_session("s1", "signed_out", later(seconds=20))
        store.close_session("s2", "signed_out", later(seconds=30))
        assert {"s1", "s2"} <= set(store.closed_since(later(seconds=20)))
        assert "s3" not in store.closed_since(NOW)
        store.rotate_refresh("s3", digest("stolen"), digest("x"), later(seconds=40), GRACE)
        assert "s3" in store.closed_since(later(seconds=40))
