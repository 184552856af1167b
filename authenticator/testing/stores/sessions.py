"""Sessions and their refresh tokens."""

from __future__ import annotations

from authenticator.crypto import digest
from authenticator.storage.port import Store
from authenticator.testing.stores.promises import StorePromises
from authenticator.testing.stores.samples import GRACE, NOW, a_key, a_session, a_user, later


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
