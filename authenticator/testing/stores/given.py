"""Sessions that are what an application was given, and personal access tokens: they end with what they stand on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from authenticator.crypto import digest
from authenticator.errors import AuthError
from authenticator.models import Client, Session, Status, StatusChange
from authenticator.storage.port import Store
from authenticator.testing.stores.applications import a_grant, an_application
from authenticator.testing.stores.promises import StorePromises
from authenticator.testing.stores.samples import GRACE, NOW, a_grant_session, a_key, a_session, a_user, later, race

EVERY = ("sign_in", "grant", "token")


def furnished(store: Store) -> None:
    """A browser with a bound and an offline grant, another browser with a grant, and a token."""
    store.create_user(a_user(), [a_key()], a_session(1))
    for number in (1, 2):
        store.add_application(an_application(number))
    store.open_session(a_session(2, created_at=later(seconds=1)))
    store.open_session(a_grant_session("bound", parent="s1", created_at=later(seconds=2)))
    store.open_session(a_grant_session("offline", parent="s1", offline=True, created_at=later(seconds=3)))
    store.open_session(a_grant_session("other", application="app_2", parent="s2", created_at=later(seconds=4)))
    store.open_session(a_token(created_at=later(seconds=5)))


def a_token(**changes: object) -> Session:
    return replace(a_session("token"), kind="token", refresh=None, scopes=("account:read",), name="token-name-canary", **changes)  # type: ignore[arg-type]


def still_open(store: Store, user_id: str = "u1") -> list[str]:
    return [session.id for session in store.sessions_of(user_id, later(minutes=1), kinds=EVERY).items]


class GivenPromises(StorePromises):
    """Sessions that are what an application was given, and personal access tokens: they end with what they stand on."""

    def test_what_was_given_comes_back_as_it_was_kept(self, store: Store) -> None:
        furnished(store)
        wanted = a_grant_session("offline", parent="s1", offline=True, created_at=later(seconds=3))
        assert store.session_by_id("soffline") == wanted
        turn = store.rotate_refresh("soffline", digest("refresh offline"), digest("next"), later(minutes=1), GRACE)
        assert turn.session == replace(wanted, refresh=digest("next"), spent=digest("refresh offline"), rotated_at=later(minutes=1))
        found = store.session_by_cookie(digest("cookie token"), NOW)
        assert found is not None
        assert (found[0], found[1].id) == (a_token(created_at=later(seconds=5)), "u1")

    def test_sessions_are_listed_by_kind(self, store: Store) -> None:
        furnished(store)
        assert [session.id for session in store.sessions_of("u1", NOW).items] == ["s2", "s1"]
        assert [session.id for session in store.sessions_of("u1", NOW, kinds=("token",)).items] == ["stoken"]
        first = store.sessions_of("u1", NOW, kinds=("grant", "token"), limit=3)
        rest = store.sessions_of("u1", NOW, kinds=("grant", "token"), after=first.next, limit=3)
        assert [session.id for session in (*first.items, *rest.items)] == ["stoken", "sother", "soffline", "sbound"]
        store.close_sessions("u1", "x", NOW)
        assert [session.id for session in store.sessions_of("u1", NOW, ended=True).items] == ["s2", "s1"]
        assert len(store.sessions_of("u1", NOW, ended=True, kinds=("grant",)).items) == 3

    def test_what_was_given_in_a_session_is_found_by_it(self, store: Store) -> None:
        furnished(store)
        assert [session.id for session in store.sessions_under("s1", NOW)] == ["sbound", "soffline"]
        store.close_session("sbound", "revoked", NOW)
        assert [session.id for session in store.sessions_under("s1", NOW)] == ["soffline"]
        assert tuple(store.sessions_under("s1", later(days=30))) == ()
        assert tuple(store.sessions_under("\x00", NOW)) == ()

    def test_a_sign_out_ends_what_was_given_but_not_what_was_given_for_longer(self, store: Store) -> None:
        furnished(store)
        assert store.close_session("s1", "signed_out", later(seconds=9)) is True
        assert still_open(store) == ["stoken", "sother", "soffline", "s2"]
        assert set(store.closed_since(later(seconds=9))) == {"s1", "sbound"}
        bound = store.session_by_id("sbound")
        assert bound is not None
        assert (bound.closed_at, bound.close_reason) == (later(seconds=9), "signed_out")

    def test_the_end_of_a_grant_ends_nothing_else(self, store: Store) -> None:
        furnished(store)
        assert store.close_session("sbound", "revoked", NOW) is True
        assert still_open(store) == ["stoken", "sother", "soffline", "s2", "s1"]

    def test_a_reused_refresh_token_of_an_application_ends_its_family_alone(self, store: Store) -> None:
        furnished(store)
        assert store.rotate_refresh("sbound", digest("stolen"), digest("x"), NOW, GRACE).outcome == "reused"
        assert still_open(store) == ["stoken", "sother", "soffline", "s2", "s1"]

    def test_the_cap_counts_sign_ins_and_ends_what_was_given_in_them(self, store: Store) -> None:
        furnished(store)
        assert store.cap_sessions("u1", 2, "too_many", NOW) == 0
        assert store.cap_sessions("u1", 1, "too_many", later(seconds=9)) == 1
        assert still_open(store) == ["stoken", "sother", "soffline", "s2"]

    def test_all_sessions_of_a_person_end_with_all_that_was_given(self, store: Store) -> None:
        furnished(store)
        assert store.close_sessions("u1", "password_changed", later(seconds=9)) == 6
        assert still_open(store) == []

    def test_the_session_that_is_kept_keeps_what_was_given_in_it(self, store: Store) -> None:
        furnished(store)
        assert store.close_sessions("u1", "password_changed", NOW, keep="s1") == 3
        assert still_open(store) == ["soffline", "sbound", "s1"]

    def test_sessions_end_by_kind_and_by_application(self, store: Store) -> None:
        furnished(store)
        assert store.close_sessions("u1", "x", NOW, kinds=("grant",), application="app_2") == 1
        assert store.close_sessions("u1", "x", NOW, kinds=("token",)) == 1
        assert store.close_sessions("u1", "x", NOW, application="app_1", keep="s1") == 0
        assert still_open(store) == ["soffline", "sbound", "s2", "s1"]

    def test_a_suspension_ends_every_kind(self, store: Store) -> None:
        furnished(store)
        store.change_status("u1", StatusChange(Status.ACTIVE, Status.SUSPENDED, "reason-canary", "operator", later(seconds=9)))
        assert still_open(store) == []
        assert len(store.closed_since(later(seconds=9))) == 6

    def test_a_session_says_from_where_it_was_last_used(self, store: Store) -> None:
        furnished(store)
        here, there = Client("203.0.113.77", "CanaryBrowser/1.0"), Client("198.51.100.1", "curl", country="FR")
        store.touch_session("stoken", later(minutes=5), there)
        store.touch_session("stoken", later(minutes=2), here)  # this one was only slow
        store.touch_session("\x00", NOW, here)
        kept = store.session_by_id("stoken")
        assert kept is not None
        assert (kept.seen_at, kept.seen_from) == (later(minutes=5), there)

    @pytest.mark.parametrize("gone", ["the application", "the session", "a session of somebody else"])
    def test_nothing_is_given_on_what_is_gone(self, store: Store, gone: str) -> None:
        furnished(store)
        if gone == "the application":
            store.remove_application("app_1", NOW)
        elif gone == "the session":
            store.close_session("s1", "signed_out", NOW)
        store.create_user(a_user(2), [a_key("two")], a_session("hers", "u2"))
        late = a_grant_session("late", parent="shers" if gone == "a session of somebody else" else "s1", offline=True)
        with pytest.raises(AuthError, match="conflict"):
            store.open_session(late)
        assert store.session_by_id("slate") is None

    @pytest.mark.parametrize("way", ["sign-out", "password", "suspension", "cap", "erasure"])
    def test_what_is_given_while_its_session_ends_does_not_outlive_it(self, store: Store, way: str) -> None:
        store.create_user(a_user(), [a_key()], a_session())
        store.open_session(a_session("newer", created_at=later(seconds=1)))
        store.add_application(an_application())
        ends: dict[str, Callable[[], object]] = {
            "sign-out": lambda: store.close_session("s1", "signed_out", later(seconds=1)),
            "password": lambda: store.close_sessions("u1", "password_changed", later(seconds=1)),
            "suspension": lambda: store.change_status("u1", StatusChange(Status.ACTIVE, Status.SUSPENDED, "", "operator", NOW)),
            "cap": lambda: store.cap_sessions("u1", 1, "too_many", later(seconds=1)),
            "erasure": lambda: store.erase_user("u1", "gone-1", NOW),
        }

        def meddle(number: int) -> None:
            with contextlib.suppress(AuthError):  # to whoever comes too late
                if number == 9:
                    ends[way]()
                else:
                    store.open_session(a_grant_session(f"g{number}", parent="s1"))

        race(meddle, 20)
        if way == "erasure":
            ends[way]()
        assert [session for session in still_open(store) if session != "snewer"] == []

    def test_endings_that_cross_leave_nothing_open_and_nobody_waiting(self, store: Store) -> None:
        store.create_user(a_user(), [a_key()], a_session())
        store.add_application(an_application())
        for number in range(20):
            store.open_session(a_grant_session(f"g{number}", parent="s1"))
        ways: tuple[Callable[[], object], ...] = (
            lambda: store.close_session("s1", "signed_out", NOW),
            lambda: store.close_sessions("u1", "password_changed", NOW),
            lambda: store.end_given("app_1", "disabled", NOW),
            lambda: store.remove_grant("u1", "app_1", NOW),
            lambda: store.close_sessions("u1", "x", NOW, application="app_1"),
        )
        race(lambda number: ways[number % len(ways)](), 20)
        assert still_open(store) == []

    def test_an_erased_person_takes_her_applications_and_what_was_given_to_them_along(self, store: Store) -> None:
        furnished(store)
        store.create_user(a_user(2), [a_key("two")], a_session("theirs", "u2"))
        store.add_application(an_application("hers", owner="u1"))
        for user_id, application in (("u2", "app_hers"), ("u1", "app_1"), ("u2", "app_1")):
            store.save_grant(a_grant(user_id, application))
        store.open_session(a_grant_session("lent", "u2", application="app_hers", parent="stheirs", offline=True))
        assert store.erase_user("u1", "gone-1", later(seconds=9)) is True
        assert (store.application("app_hers"), store.grant("u2", "app_hers")) == (None, None)
        assert (store.grant("u1", "app_1"), store.session_by_id("stoken"), store.session_by_id("sbound")) == (None, None, None)
        assert still_open(store, "u2") == ["stheirs"]
        assert "slent" in store.closed_since(later(seconds=9))
        assert store.grant("u2", "app_1") is not None
        with pytest.raises(AuthError, match="conflict"):
            store.add_application(an_application("late", owner="u1"))
        with pytest.raises(AuthError, match="conflict"):
            store.save_grant(a_grant("u1", "app_1"))
