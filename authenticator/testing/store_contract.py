"""The promises of the storage port as a test suite: subclass StoreContract, give it a `store`, and run it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest

from authenticator.crypto import digest, random_token
from authenticator.errors import AuthError
from authenticator.events import Event
from authenticator.models import (
    Backoff,
    Client,
    Contact,
    Limit,
    LoginKey,
    Name,
    NewKey,
    Session,
    SigningKey,
    Status,
    StatusChange,
    User,
)
from authenticator.storage.port import KeyTaken, LastWayIn, Store

T = TypeVar("T")

NOW = datetime(2040, 3, 1, 12, 0, 0, 123000, tzinfo=UTC)
GRACE = timedelta(seconds=10)
CANARIES = (
    "ada.lovelace@canary.example",
    "Augusta-Canary",
    "countess-canary",
    "Dr-Canary",
    "203.0.113.77",
    "CanaryBrowser/1.0",
    "$argon2id$canary",
    "ticket-canary",
    "PEM-canary",
    "picture-canary",
    "attribute-canary",
    "event-canary",
    "reason-canary",
)


def race(work: Callable[[int], T], takers: int = 50) -> list[T]:
    """What `work(number)` gave each of many threads that started at the same moment."""
    barrier = threading.Barrier(takers)

    def run(number: int) -> T:
        barrier.wait(30)
        return work(number)

    with ThreadPoolExecutor(takers) as pool:
        return list(pool.map(run, range(takers)))


def a_user(number: int | str = 1, **changes: object) -> User:
    """A person with everything filled in."""
    contacts = (
        Contact("c1", "email", "ada.lovelace@canary.example", "Ada.Lovelace@canary.example", NOW, primary=True),
        Contact("c2", "phone", "+441234567", "01234 567", None),
    )
    user = User(
        id=f"u{number}",
        created_at=NOW,
        updated_at=NOW,
        name=Name("Ada", "Augusta-Canary", "countess-canary"),
        salutation="Dr-Canary",
        username="countess-canary",
        contacts=contacts,
        country="GB",
        locale="en",
        picture="https://cdn.example/picture-canary.png",
        attributes={"note": "attribute-canary", "deep": {"list": [1, 2]}},
    )
    return replace(user, **changes)  # type: ignore[arg-type]


def a_key(subject: str = "ada.lovelace@canary.example", provider: str = "password", **more: object) -> NewKey:
    facts = {"label": "ada.lovelace@canary.example", "secret": "$argon2id$canary", **more}
    return NewKey(LoginKey(provider, subject), **facts)  # type: ignore[arg-type]


def a_session(number: int | str = 1, user_id: str = "u1", **changes: object) -> Session:
    session = Session(
        id=f"s{number}",
        user_id=user_id,
        provider="password",
        amr=("pwd", "otp"),
        auth_time=NOW,
        created_at=NOW,
        expires_at=NOW + timedelta(days=30),
        client=Client("203.0.113.77", "CanaryBrowser/1.0", "en"),
        cookie=digest(f"cookie {number}"),
        refresh=digest(f"refresh {number}"),
    )
    return replace(session, **changes)  # type: ignore[arg-type]


def later(**ahead: float) -> datetime:
    return NOW + timedelta(**ahead)


class StoreContract:
    """Override the fixture `store` with an empty, prepared store; `dump` with its raw bytes if they can be had."""

    @pytest.fixture
    def store(self) -> Store:
        raise NotImplementedError("override the fixture `store`")

    @pytest.fixture
    def dump(self) -> Callable[[], bytes]:
        pytest.skip("this store gives no raw bytes to look into")

    # Users

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

    # Login keys

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
    def _remove(store: Store, user_id: str, key_id: str) -> str:
        try:
            return "removed" if store.remove_login_key(user_id, key_id) else "not hers"
        except LastWayIn:
            return "last"

    def test_a_secret_is_swapped_only_for_the_one_that_was_read(self, store: Store) -> None:
        store.create_user(a_user(), [a_key(), a_key("s", "totp", secret=None)])
        key = a_key().key
        assert not store.swap_secret(key, "wrong", "new")
        assert not store.swap_secret(key, None, "new")
        assert race(lambda number: store.swap_secret(key, "$argon2id$canary", f"new-{number}")).count(True) == 1
        assert store.swap_secret(LoginKey("totp", "s"), None, "step 1")
        assert not store.swap_secret(LoginKey("totp", "s"), None, "step 1")
        assert not store.swap_secret(LoginKey("totp", "nobody"), None, "x")
        login = store.find_login(key)
        assert login is not None
        assert (login.secret or "").startswith("new-")

    # Tickets

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

    # Sessions

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

    # Refresh

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

    # Attempts

    def test_a_limit_holds_for_its_window(self, store: Store) -> None:
        limit = Limit("sign-in 203.0.113.77", 3, 60)
        assert [store.count_attempts([limit], NOW) for _ in range(3)] == [0, 0, 0]
        assert store.count_attempts([limit], later(seconds=20)) == 40
        assert store.count_attempts([limit], later(seconds=59, milliseconds=500)) == 1
        assert store.count_attempts([Limit("another", 3, 60)], NOW) == 0
        assert [store.count_attempts([limit], later(seconds=60)) for _ in range(4)] == [0, 0, 0, 60]

    def test_fifty_at_once_are_admitted_exactly_as_often_as_allowed(self, store: Store) -> None:
        waits = race(lambda _: store.count_attempts([Limit("a", 7, 60)], NOW))
        assert waits.count(0) == 7
        assert set(waits) == {0, 60}
        waits = race(lambda _: store.count_attempts([Limit("a", 7, 60), Limit("b", 40, 60)], later(seconds=61)))
        assert waits.count(0) <= 7  # who was within one bound need not be who was within the other
        for counter in (Limit("a", 8, 60), Limit("b", 41, 60)):
            assert [store.count_attempts([counter], later(seconds=61)) for _ in range(2)] == [0, 60]  # so 7 and 40 were counted
        waits = race(lambda _: store.count_attempts([Backoff("d", free=4)], NOW))
        assert waits.count(0) == 5
        assert set(waits) == {0, 30}

    def test_an_allowance_of_none_admits_nobody(self, store: Store) -> None:
        assert store.count_attempts([Limit("none", 0, 60)], NOW) == 60
        assert store.count_attempts([], NOW) == 0

    def test_the_longest_wait_counts_and_a_refused_counter_is_not_counted_up(self, store: Store) -> None:
        wide, tight = Limit("wide", 3, 600), Limit("tight", 1, 60)
        assert store.count_attempts([wide, tight], NOW) == 0
        assert store.count_attempts([tight, wide], NOW) == 60
        assert store.count_attempts([wide, tight], NOW) == 60
        assert store.count_attempts([wide, tight], NOW) == 600
        for _ in range(5):
            store.count_attempts([tight], later(seconds=1))
        assert store.count_attempts([tight], later(seconds=60)) == 0

    def test_failures_in_a_row_wait_longer_and_longer(self, store: Store) -> None:
        backoff = Backoff("ada", free=2, first=30, longest=100, dead=7)
        now, waits = NOW, []
        assert [store.count_attempts([backoff], now) for _ in range(3)] == [0, 0, 0]
        for _ in range(4):
            wait = store.count_attempts([backoff], now)
            waits.append(wait)
            assert store.count_attempts([backoff], now + timedelta(seconds=wait, milliseconds=-1)) == 1
            now += timedelta(seconds=wait)
            assert store.count_attempts([backoff], now) == 0
        assert waits == [30, 60, 100, 100]
        assert store.count_attempts([backoff], now + timedelta(days=400)) == 3600
        store.forgive(["ada"])
        assert store.count_attempts([backoff], now) == 0

    def test_signing_in_forgives(self, store: Store) -> None:
        store.create_user(a_user(), [a_key()])
        backoff = Backoff("ada", free=1, first=30)
        for _ in range(3):
            store.count_attempts([backoff, Limit("other", 9, 60)], NOW)
        assert store.count_attempts([backoff], NOW) == 30
        store.open_session(a_session(), forgive=["ada", "unknown"])
        assert store.count_attempts([backoff], NOW) == 0
        store.forgive([])

    # Signing keys and events

    def test_of_many_who_rotate_the_signing_key_one_wins(self, store: Store) -> None:
        def key(generation: int, number: int) -> SigningKey:
            return SigningKey(generation, f"kid-{generation}-{number}", "ES256", "PEM-canary", NOW, later(minutes=10))

        assert race(lambda number: store.add_signing_key(key(2, number)), 10).count(True) == 1
        assert store.add_signing_key(key(1, 0))
        kept = store.signing_keys()
        assert [item.generation for item in kept] == [1, 2]
        assert kept[0] == key(1, 0)

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

    # The whole

    def test_tidying_up_removes_only_what_has_expired(self, store: Store) -> None:
        store.create_user(a_user(), [a_key()], a_session(1, expires_at=later(hours=1)))
        store.open_session(a_session(2))
        store.issue_ticket("state", digest("old"), {}, later(hours=1))
        store.issue_ticket("state", digest("new"), {}, later(days=2))
        store.count_attempts([Limit("a", 1, 60), Backoff("b", free=0)], NOW)
        store.add_signing_key(SigningKey(1, "k1", "ES256", "pem", NOW, NOW, later(hours=1)))
        store.add_signing_key(SigningKey(2, "k2", "ES256", "pem", NOW, NOW))
        assert store.purge(NOW) == 0
        assert store.purge(later(days=1)) == 4
        assert store.session_by_id("s1") is None
        assert store.session_by_id("s2") is not None
        assert store.take_ticket("state", digest("new"), later(days=1)) == {}
        assert [key.generation for key in store.signing_keys()] == [2]
        assert store.user_by_id("u1") is not None

    def test_a_dump_tells_nothing(self, store: Store, dump: Callable[[], bytes]) -> None:
        client = Client("203.0.113.77", "CanaryBrowser/1.0", "en")
        store.create_user(a_user(), [a_key()], a_session())
        store.swap_secret(a_key().key, "$argon2id$canary", "$argon2id$canary-two")
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


__all__: Sequence[str] = ["StoreContract", "a_key", "a_session", "a_user", "race"]
