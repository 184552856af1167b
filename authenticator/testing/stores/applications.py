"""Applications, and the grants that people give them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from authenticator.applications import Application, ClientSecret, Grant, Permission, Role
from authenticator.crypto import digest
from authenticator.errors import AuthError
from authenticator.storage.port import Store
from authenticator.testing.stores.promises import StorePromises
from authenticator.testing.stores.samples import CANARIES, NOW, a_grant_session, a_key, a_session, a_user, later, race


def an_application(number: int | str = 1, **changes: object) -> Application:
    """An application with everything filled in."""
    application = Application(
        id=f"app_{number}",
        name="Application-canary",
        created_at=NOW,
        updated_at=NOW,
        registration="dynamic",
        enabled=False,
        redirect_uris=("https://redirect-canary.example/cb", "http://127.0.0.1/cb"),
        post_logout_redirect_uris=("https://redirect-canary.example/bye",),
        origins=("https://redirect-canary.example",),
        resources=("https://api.example/",),
        auth_method="private_key_jwt",
        secrets=(ClientSecret(digest("secret-canary"), NOW, later(days=1)), ClientSecret(digest("next"), NOW)),
        registration_token=digest("registration"),
        jwks={"keys": [{"kty": "EC", "kid": "jwks-canary"}]},
        require_pkce=False,
        subject_type="pairwise",
        sector="redirect-canary.example",
        default_max_age=3600,
        access_token_seconds=300,
        backchannel_logout_uri="https://redirect-canary.example/logout",
        backchannel_session=True,
        contacts=("ada.lovelace@canary.example",),
        permissions=(Permission("reports:read", "Permission-text-canary"),),
        roles=(Role("auditor", "Looks", ("reports:read",)),),
        metadata={"client_name#de": "metadata-canary", "deep": [1, {"x": None}]},
        refreshed_at=later(hours=1),
    )
    return replace(application, **changes)  # type: ignore[arg-type]


def a_grant(user_id: str = "u1", application: str = "app_1", **changes: object) -> Grant:
    grant = Grant(user_id, application, NOW, NOW, ("openid", "scope-canary"), ("claim-canary",))
    return replace(grant, **changes)  # type: ignore[arg-type]


class ApplicationPromises(StorePromises):
    """Applications, and the grants that people give them."""

    def test_an_application_comes_back_as_it_was_kept(self, store: Store) -> None:
        assert store.add_application(an_application()) is True
        assert store.application("app_1") == an_application()
        plain = Application("https://app.example/client.json", "Plain", NOW, NOW)
        assert store.add_application(plain) is True
        assert store.application("https://app.example/client.json") == plain
        for odd in ("app_2", "", "\x00", "x" * 200):
            assert store.application(odd) is None

    def test_of_fifty_who_take_one_client_id_one_gets_it(self, store: Store) -> None:
        got = race(lambda number: store.add_application(an_application(name=f"Number {number}")))
        assert got.count(True) == 1
        kept = store.application("app_1")
        assert kept is not None
        assert kept.name == f"Number {got.index(True)}"

    def test_applications_are_listed_by_age_in_pages_and_by_owner(self, store: Store) -> None:
        for number in (1, 2):
            store.create_user(a_user(number), [a_key(f"k{number}")])
        for number, owner in enumerate(("", "u1", "u2", "u1", "")):
            store.add_application(an_application(number, owner=owner, created_at=later(seconds=number // 2)))
        first = store.applications(limit=3)
        rest = store.applications(after=first.next, limit=3)
        assert [item.id for item in (*first.items, *rest.items)] == [f"app_{number}" for number in range(5)]
        assert rest.next is None
        one = store.applications(owner="u1", limit=1)
        two = store.applications(owner="u1", after=one.next, limit=1)
        assert [item.id for item in (*one.items, *two.items)] == ["app_1", "app_3"]
        assert [item.id for item in store.applications(owner="").items] == ["app_0", "app_4"]
        assert store.applications(owner="nobody").items == ()

    def test_of_fifty_who_change_an_application_one_wins(self, store: Store) -> None:
        store.add_application(an_application())
        saved = race(lambda number: store.save_application(an_application(name=f"Number {number}", updated_at=later(minutes=1))))
        assert saved.count(True) == 1
        winner = an_application(name=f"Number {saved.index(True)}", updated_at=later(minutes=1), version=2)
        assert store.application("app_1") == winner
        assert store.save_application(replace(winner, enabled=True)) is True
        assert store.save_application(an_application("unknown")) is False

    def test_an_application_may_change_hands(self, store: Store) -> None:
        store.create_user(a_user(), [a_key()])
        store.add_application(an_application(owner="u1"))
        assert store.save_application(an_application()) is True
        assert [item.owner for item in store.applications(owner="").items] == [""]
        with pytest.raises(AuthError, match="conflict"):
            store.save_application(an_application(owner="nobody", version=2))

    def test_nobody_owns_nothing(self, store: Store) -> None:
        with pytest.raises(AuthError, match="conflict"):
            store.add_application(an_application(owner="nobody"))
        assert store.application("app_1") is None

    def test_a_removed_application_takes_along_what_it_was_given(self, store: Store) -> None:
        for number in (1, 2):
            store.create_user(a_user(number), [a_key(f"k{number}")], a_session(number, f"u{number}"))
            store.add_application(an_application(number))
        for number in (1, 2):
            store.save_grant(a_grant("u1", f"app_{number}"))
            store.open_session(a_grant_session(f"g{number}", "u1", application=f"app_{number}", parent="s1"))
        store.open_session(a_grant_session("g3", "u2", application="app_1", offline=True))
        assert store.remove_application("app_1", later(minutes=1)) is True
        assert (store.application("app_1"), store.grant("u1", "app_1")) == (None, None)
        assert set(store.closed_since(later(minutes=1))) == {"sg1", "sg3"}
        ended = store.session_by_id("sg3")
        assert ended is not None
        assert (ended.close_reason, ended.application) == ("application_removed", "app_1")
        assert store.grant("u1", "app_2") is not None
        assert [session.id for session in store.sessions_under("s1", NOW)] == ["sg2"]
        assert store.remove_application("app_1", NOW) is False
        assert store.remove_application("\x00", NOW) is False

    def test_all_that_an_application_was_given_may_end_at_once(self, store: Store) -> None:
        for number in (1, 2):
            store.create_user(a_user(number), [a_key(f"k{number}")])
            store.add_application(an_application(number))
            store.open_session(a_grant_session(f"g{number}", f"u{number}", application="app_1"))
        store.open_session(a_grant_session("g3", "u1", application="app_2"))
        assert store.end_given("app_1", "disabled", later(seconds=5)) == 2
        assert store.end_given("app_1", "disabled", later(seconds=6)) == 0
        assert store.end_given("\x00", "disabled", NOW) == 0
        assert set(store.closed_since(NOW)) == {"sg1", "sg2"}
        assert store.application("app_1") is not None

    def test_a_grant_is_kept_by_person_and_application(self, store: Store) -> None:
        for number in (1, 2):
            store.create_user(a_user(number), [a_key(f"k{number}")])
            store.add_application(an_application(number))
        assert store.grant("u1", "app_1") is None
        for turn, (user_id, application) in enumerate((("u1", "app_2"), ("u1", "app_1"), ("u2", "app_1"))):
            assert store.save_grant(a_grant(user_id, application, created_at=later(seconds=turn))) is True
        assert store.grant("u1", "app_2") == a_grant("u1", "app_2", version=1)
        assert [grant.application for grant in store.grants_of("u1")] == ["app_2", "app_1"]
        more = a_grant("u1", "app_2", scopes=("openid", "email"), claims=(), updated_at=later(hours=1), version=1)
        assert store.save_grant(more) is True
        assert store.save_grant(more) is False
        assert store.grant("u1", "app_2") == replace(more, version=2)
        assert store.save_grant(replace(more, version=0)) is False
        assert store.save_grant(a_grant("u2", "app_2", version=1)) is False
        assert (store.grant("\x00", "app_1"), store.grant("u1", "\x00"), tuple(store.grants_of("\x00"))) == (None, None, ())

    def test_of_fifty_who_agree_at_once_one_is_kept(self, store: Store) -> None:
        store.create_user(a_user(), [a_key()])
        store.add_application(an_application())
        for version in (0, 1):
            saved = race(lambda number, version=version: store.save_grant(a_grant(scopes=(f"s{number}",), version=version)))  # type: ignore[misc]
            assert saved.count(True) == 1
            kept = store.grant("u1", "app_1")
            assert kept is not None
            assert (kept.scopes, kept.version) == ((f"s{saved.index(True)}",), version + 1)

    def test_nothing_is_granted_by_nobody_or_to_nothing(self, store: Store) -> None:
        store.create_user(a_user(), [a_key()])
        store.add_application(an_application())
        for grant in (a_grant("nobody"), a_grant("u1", "app_9")):
            with pytest.raises(AuthError, match="conflict"):
                store.save_grant(grant)
        assert store.grant("nobody", "app_1") is None
        assert store.grant("u1", "app_9") is None

    def test_a_grant_says_when_each_scope_was_last_read(self, store: Store) -> None:
        store.create_user(a_user(), [a_key()])
        store.add_application(an_application())
        store.save_grant(a_grant())
        race(lambda number: store.note_read("u1", "app_1", (f"s{number}",), later(seconds=number)), 8)
        store.note_read("u1", "app_1", ("s1", "s2"), later(hours=1))
        store.note_read("u1", "app_9", ("s1",), NOW)
        kept = store.grant("u1", "app_1")
        assert kept is not None
        wanted = {**{f"s{number}": later(seconds=number) for number in range(8)}, "s1": later(hours=1), "s2": later(hours=1)}
        assert (dict(kept.read_at), kept.version) == (wanted, 1)

    def test_a_grant_taken_back_ends_what_came_of_it(self, store: Store) -> None:
        for number in (1, 2):
            store.create_user(a_user(number), [a_key(f"k{number}")], a_session(number, f"u{number}"))
            store.add_application(an_application(number))
            store.save_grant(a_grant(f"u{number}", "app_1"))
            store.open_session(a_grant_session(f"g{number}", f"u{number}", parent=f"s{number}", offline=True))
        store.open_session(a_grant_session("g3", "u1", application="app_2", parent="s1"))
        assert store.remove_grant("u1", "app_1", later(seconds=1)) is True
        assert store.grant("u1", "app_1") is None
        assert tuple(store.closed_since(NOW)) == ("sg1",)
        assert store.remove_grant("u1", "app_1", NOW) is False
        assert store.remove_grant("u1", "app_2", NOW) is True  # nothing was written down, but something was given
        assert store.remove_grant("\x00", "app_1", NOW) is False
        assert store.remove_grant("u1", "\x00", NOW) is False
        assert store.grant("u2", "app_1") is not None

    @pytest.mark.parametrize("turn", range(3))
    def test_what_is_given_while_an_application_is_removed_does_not_outlive_it(self, store: Store, turn: int) -> None:
        store.create_user(a_user(), [a_key()], a_session())
        store.add_application(an_application())

        def meddle(number: int) -> None:
            with contextlib.suppress(AuthError):  # to whoever comes too late
                if number == 5 + turn:
                    store.remove_application("app_1", later(seconds=1))
                elif number % 2:
                    store.open_session(a_grant_session(f"g{number}", parent="s1" if number % 4 == 1 else "", offline=number % 3 == 0))
                else:
                    store.save_grant(a_grant())

        race(meddle, 20)
        assert store.application("app_1") is None
        assert store.grant("u1", "app_1") is None
        assert store.sessions_of("u1", later(seconds=2), kinds=("grant",)).items == ()

    def test_a_dump_tells_nothing_of_applications(self, store: Store, dump: Callable[[], bytes]) -> None:
        store.create_user(a_user(), [a_key()], a_session())
        store.add_application(an_application())
        store.save_grant(a_grant())
        store.note_read("u1", "app_1", ("openid",), NOW)
        store.open_session(a_grant_session("g1", parent="s1"))
        store.open_session(replace(a_session("t1"), kind="token", name="token-name-canary", scopes=("scope-canary",)))
        store.touch_session("st1", NOW + timedelta(minutes=1), replace(a_session().client, country="GB"))
        raw = dump()
        assert b"app_1" in raw  # it is the right dump
        secrets = (digest("secret-canary"), digest("registration"), "redirect-canary", "permission-text-canary")
        assert [canary for canary in (*CANARIES, *secrets) if canary.encode() in raw] == []
