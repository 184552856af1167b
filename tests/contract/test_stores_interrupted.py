"""What a store makes good when a process died in the middle of a verb, and how it reads what an earlier version wrote."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from pymongo import MongoClient
from pymongo.collection import Collection
from sqlalchemy import create_engine, text

from authenticator.crypto import digest
from authenticator.models import Status, StatusChange
from authenticator.storage.mongo.client import Mongo
from authenticator.storage.open import open_store
from authenticator.storage.port import Store
from authenticator.storage.sealing import Sealer
from authenticator.storage.sql.tables import whole
from authenticator.testing.store_contract import NOW, a_key, a_session, a_user, later
from authenticator.testing.stores.applications import a_grant, an_application
from authenticator.testing.stores.avatars import an_avatar
from authenticator.testing.stores.bulk import people
from authenticator.testing.stores.erasure import lived
from authenticator.testing.stores.errands import an_errand
from authenticator.testing.stores.given import furnished
from authenticator.testing.stores.history import an_event
from authenticator.testing.stores.samples import a_grant_session

Fresh = Callable[[str], str]


def opened(url: str) -> Store:
    store = open_store(url, sealer=Sealer(b"s" * 32))
    store.prepare()
    return store


class Killed(BaseException):
    """Stands for the end of the process: nothing after it runs, no cleaning up either."""


def dies_at(monkeypatch: pytest.MonkeyPatch, verb: str, at: int) -> None:
    """The driver's verb, or our own where that is a plain command, kills the process when it is used for the `at`th time."""
    owner: Any = Mongo if hasattr(Mongo, verb) else Collection
    real, used = getattr(owner, verb), [0]

    def dies(self: Any, *arguments: Any, **options: Any) -> Any:
        used[0] += 1
        if used[0] == at:
            raise Killed
        return real(self, *arguments, **options)

    monkeypatch.setattr(owner, verb, dies)


@pytest.mark.parametrize(
    ("verb", "at"),
    [("delete_many", 1), ("delete_many", 2), ("delete_many", 3), ("delete_many", 4), ("update_many", 1), ("find_one_and_delete", 1)],
)
def test_an_erasure_killed_half_way_is_finished_by_the_next(
    prepared_database: Fresh, monkeypatch: pytest.MonkeyPatch, verb: str, at: int
) -> None:
    store = opened(prepared_database("mongodb"))
    lived(store)
    with monkeypatch.context() as patch:
        dies_at(patch, verb, at)
        with pytest.raises(Killed):
            store.erase_user("u1", "gone-1", NOW)
    assert store.user_by_id("u1") is not None
    assert store.erase_user("u1", "gone-1", NOW) is True
    assert store.user_by_id("u1") is None
    assert store.session_by_id("s1") is None
    assert store.avatar("a1") is None
    assert len(store.events_of("gone-1").items) == 3
    store.create_user(a_user(2), [a_key("one-1"), a_key("two-1", "google")])
    store.close()


@pytest.mark.parametrize("at", [1, 2])
def test_a_crowd_killed_half_way_leaves_every_key_free(prepared_database: Fresh, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    store = opened(prepared_database("mongodb"))
    with monkeypatch.context() as patch:
        dies_at(patch, "insert_many", at)
        with pytest.raises(Killed):
            store.create_users(people(0, 20))
    assert store.users().items == ()
    assert store.owners([new.key for _, keys in people(0, 20) for new in keys]) == {}
    again = [(a_user(f"x{number}"), keys) for number, (_, keys) in enumerate(people(0, 20))]
    assert list(store.create_users(again)) == [None] * 20
    assert len(store.users().items) == 20
    store.close()


@pytest.mark.parametrize(("verb", "at"), [("update_one", 1), ("touched", 2)])
def test_a_suspension_killed_half_way_leaves_no_session_open(
    prepared_database: Fresh, monkeypatch: pytest.MonkeyPatch, verb: str, at: int
) -> None:
    store = opened(prepared_database("mongodb"))
    store.create_user(a_user(), [a_key()], a_session())
    with monkeypatch.context() as patch:
        dies_at(patch, verb, at)
        with pytest.raises(Killed):
            store.change_status("u1", StatusChange(Status.ACTIVE, Status.SUSPENDED, "", "operator", NOW))
    assert store.session_by_cookie(digest("cookie 1"), NOW) is None
    store.close()


@pytest.mark.parametrize(("verb", "at"), [("delete_many", 1), ("touched", 1), ("delete_one", 1), ("delete_many", 2), ("touched", 2)])
def test_a_removal_of_an_application_killed_half_way_is_finished_by_the_next(
    prepared_database: Fresh, monkeypatch: pytest.MonkeyPatch, verb: str, at: int
) -> None:
    store = opened(prepared_database("mongodb"))
    furnished(store)
    store.save_grant(a_grant())
    with monkeypatch.context() as patch:
        dies_at(patch, verb, at)
        with pytest.raises(Killed):
            store.remove_application("app_1", NOW)
    removed = store.application("app_1") is None
    assert store.remove_application("app_1", NOW) is not removed
    assert (store.application("app_1"), store.grant("u1", "app_1")) == (None, None)
    assert [session.application for session in store.sessions_of("u1", NOW, kinds=("grant",)).items] == ["app_2"]
    store.close()


@pytest.mark.parametrize(("verb", "at"), [("delete_one", 1), ("touched", 2)])
def test_a_withdrawal_killed_half_way_leaves_nothing_open(
    prepared_database: Fresh, monkeypatch: pytest.MonkeyPatch, verb: str, at: int
) -> None:
    store = opened(prepared_database("mongodb"))
    furnished(store)
    store.save_grant(a_grant())
    with monkeypatch.context() as patch:
        dies_at(patch, verb, at)
        with pytest.raises(Killed):
            store.remove_grant("u1", "app_1", NOW)
    assert [session.application for session in store.sessions_of("u1", NOW, kinds=("grant",)).items] == ["app_2"]
    store.close()


def test_a_sign_out_is_one_command_so_that_no_crash_comes_in_between(prepared_database: Fresh, monkeypatch: pytest.MonkeyPatch) -> None:
    store = opened(prepared_database("mongodb"))
    furnished(store)
    with monkeypatch.context() as patch:
        dies_at(patch, "count_documents", 1)
        with pytest.raises(Killed):
            store.close_session("s1", "signed_out", NOW)
    assert [session.id for session in store.sessions_under("s1", NOW)] == ["soffline"]
    ended = store.session_by_id("s1")
    assert ended is not None
    assert ended.closed_at == NOW
    store.close()


@pytest.mark.parametrize(("verb", "at"), [("insert_one", 1), ("update_one", 1), ("update_one", 2)])
def test_a_key_added_half_way_can_be_added_again(prepared_database: Fresh, monkeypatch: pytest.MonkeyPatch, verb: str, at: int) -> None:
    store = opened(prepared_database("mongodb"))
    store.create_user(a_user(), [a_key("one")])
    with monkeypatch.context() as patch:
        dies_at(patch, verb, at)
        with pytest.raises(Killed):
            store.add_login_key("u1", a_key("two", "google", secret="first"), NOW)
    store.add_login_key("u1", a_key("two", "google", secret="first"), NOW)
    login = store.find_login(a_key("two", "google").key)
    assert login is not None
    assert login.secret == "first"
    assert store.remove_login_key("u1", a_key("one").key)
    store.close()


def test_a_key_removed_half_way_does_not_come_back_with_its_old_secret(prepared_database: Fresh, monkeypatch: pytest.MonkeyPatch) -> None:
    store = opened(prepared_database("mongodb"))
    store.create_user(a_user(), [a_key("one", secret="old"), a_key("two", "google")])
    with monkeypatch.context() as patch:
        dies_at(patch, "delete_one", 1)
        with pytest.raises(Killed):
            store.remove_login_key("u1", a_key("one").key)
    assert store.find_login(a_key("one").key) is None
    store.add_login_key("u1", a_key("one", secret="new"), NOW)
    login = store.find_login(a_key("one").key)
    assert login is not None
    assert login.secret == "new"
    store.close()


SECOND = (
    "DROP TABLE grants",
    "DROP TABLE applications",
    *(f"DROP INDEX sessions_{name}" for name in ("by_parent", "by_application", "by_user", "open")),
    *(f"ALTER TABLE sessions DROP COLUMN {name}" for name in ("kind", "application", "parent", "offline", "given", "seen_from")),
    "CREATE INDEX sessions_by_user ON sessions (user_id, created_at, id)",
    "CREATE INDEX sessions_open ON sessions (user_id, created_at, id) WHERE closed_at IS NULL",
    "UPDATE alembic_version SET version_num = '0002'",
)
FIRST = (
    *SECOND,
    "DROP TABLE avatars",
    "DROP TABLE errands",
    "DROP INDEX events_by_time",
    "DROP INDEX sessions_open",
    "ALTER TABLE sessions DROP COLUMN seen_at",
    "ALTER TABLE sessions DROP COLUMN mfa_at",
    "UPDATE alembic_version SET version_num = '0001'",
)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("version", [FIRST, SECOND], ids=["first", "second"])
def test_a_database_of_a_former_version_is_brought_up_with_all_that_is_in_it(
    kind: str, version: tuple[str, ...], fresh_database: Fresh
) -> None:
    url = fresh_database(kind)
    store = opened(url)
    store.create_user(a_user(), [a_key()], a_session())
    store.append_event(an_event())
    store.close()
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in version:
            connection.execute(text(statement))
    store = opened(url)
    known = a_session() if version is SECOND else a_session(seen_at=None, mfa_at=None)
    assert store.session_by_cookie(digest("cookie 1"), NOW) == (known, a_user())
    assert store.sessions_of("u1", NOW).items == (known,)
    assert store.events().items == (an_event(),)
    store.put_errands([an_errand()])
    assert store.add_avatar(an_avatar(), 1)
    store.touch_session("s1", later(minutes=1))
    store.add_application(an_application())
    store.open_session(a_grant_session("given", parent="s1"))
    assert store.close_session("s1", "signed_out", NOW)
    assert tuple(store.sessions_under("s1", NOW)) == ()
    store.close()
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), whole()) == []
    engine.dispose()


def test_sessions_written_before_there_were_applications_are_sign_ins(fresh_database: Fresh) -> None:
    url = fresh_database("mongodb")
    store = opened(url)
    store.create_user(a_user(), [a_key()], a_session())
    with MongoClient[dict[str, Any]](url) as client:
        activity = client.get_default_database()["activity"]
        activity.update_many({}, {"$unset": dict.fromkeys(("application", "parent", "offline", "given", "seen_from"), "")})
        assert activity.find_one({"_id": "s:s1", "kind": "s", "offline": {"$exists": False}})
        activity.drop_index("open_by_kind")
        activity.create_index(
            [("owner", 1), ("created_at", -1), ("_id", -1)], name="by_opening", partialFilterExpression={"close_reason": ""}
        )
        store.prepare()
        assert {"open_by_kind", "by_parent", "by_application"} <= set(activity.index_information())
        assert "by_opening" not in activity.index_information()
    assert store.sessions_of("u1", NOW).items == (a_session(),)
    assert store.session_by_cookie(digest("cookie 1"), NOW) == (a_session(), a_user())
    assert store.close_session("s1", "signed_out", NOW) is True
    assert [session.id for session in store.sessions_of("u1", NOW, ended=True).items] == ["s1"]
    store.close()
