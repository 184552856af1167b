"""RF: stolen, replayed, raced and forged refresh tokens, and what outlives a revocation."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from authenticator.errors import AuthError

if TYPE_CHECKING:
    from tests.attack.conftest import Builder, House, Person

GRACE = 11  # seconds: the immediate predecessor is forgiven for ten


@pytest.fixture
def house(build: Builder) -> House:
    """Each test has a clock of its own."""
    return build()


@pytest.fixture
def person(house: House) -> Person:
    return house.sign_up()


def next_of(house: House, token: str) -> dict[str, Any]:
    answer = house.refresh(token)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json
    return found


def test_rf_01_a_stolen_refresh_token_ends_the_whole_family(house: House, person: Person) -> None:
    """RFC 9700 §4.14.2: who came second is unknown, so nobody keeps anything."""
    second = next_of(house, person.refresh)
    third = next_of(house, second["refresh_token"])
    elsewhere = house.sign_in(person)
    mails = len(house.mail_to(person.email))
    thief = house.refresh(person.refresh)
    assert (thief.status_code, thief.json["code"]) == (401, "refresh_reused")
    for token in (person.refresh, second["refresh_token"], third["refresh_token"]):
        assert house.refresh(token).status_code == 401
    for token in (person.access, second["access_token"], third["access_token"]):
        assert house.get("/me", token).status_code == 401
    assert house.get("/me", elsewhere.access).status_code == 200, "another sign-in of hers is not of this family"
    notices = house.mail_to(person.email)[mails:]
    assert len(notices) == 1, "she is told, and told once"
    assert person.refresh not in notices[0].text
    kinds = [event.kind for event in house.service.core.store.events_of(person.id).items]
    assert kinds.count("refresh_reused") == 1


def test_rf_01_the_predecessor_is_forgiven_for_seconds_only(house: House, person: Person) -> None:
    second = next_of(house, person.refresh)
    house.clock.advance(seconds=GRACE)
    assert house.refresh(person.refresh).json["code"] == "refresh_reused"
    assert house.refresh(second["refresh_token"]).status_code == 401
    assert house.get("/me", second["access_token"]).status_code == 401


def test_rf_01_the_thief_who_was_first_loses_it_when_the_owner_comes(house: House, person: Person) -> None:
    stolen = next_of(house, person.refresh)
    house.clock.advance(seconds=60)
    for _ in range(3):
        stolen = next_of(house, stolen["refresh_token"])
    assert house.refresh(person.refresh).status_code == 401
    assert house.refresh(stolen["refresh_token"]).status_code == 401
    assert house.get("/me", stolen["access_token"]).status_code == 401


def test_rf_01_fifty_refreshes_at_once_make_one_successor(house: House, person: Person, at_once: Any) -> None:
    """Two tabs, or a thief beside the owner, never hold two live families."""
    answers = at_once([lambda: house.refresh(person.refresh)] * 50)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json["refresh_token"] for answer in answers}) == 1
    assert len(house.get("/me/sessions", answers[0].json["access_token"]).json) == 1
    next_of(house, answers[0].json["refresh_token"])


def test_rf_01_owner_and_thief_at_once_leave_nothing_alive(house: House, person: Person, at_once: Any) -> None:
    second = next_of(house, person.refresh)["refresh_token"]
    house.clock.advance(seconds=GRACE)
    answers = at_once([lambda token=token: house.refresh(token) for token in (person.refresh, second) * 20])
    told = Counter(answer.status_code for answer in answers)
    assert set(told) <= {200, 401}
    assert told[401] >= 20
    for token in {second, *(answer.json["refresh_token"] for answer in answers if answer.status_code == 200)}:
        assert house.refresh(token).status_code == 401


def test_rf_01_signing_out_wins_over_a_refresh_at_the_same_moment(house: House, at_once: Any) -> None:
    for _ in range(5):
        person = house.sign_up()
        work = [
            lambda person=person: house.post("/sign-out", None, headers=person.bearer),
            *[lambda person=person: house.refresh(person.refresh)] * 9,
        ]
        answers = at_once(work)
        assert answers[0].status_code == 204
        for answer in answers[1:]:
            if answer.status_code == 200:
                assert house.refresh(answer.json["refresh_token"]).status_code == 401
                assert house.get("/me", answer.json["access_token"]).status_code == 401


def test_rf_04_the_family_ends_thirty_days_after_the_sign_in_however_often_it_is_used(house: House, person: Person) -> None:
    token, left = person.refresh, 30 * 86_400 + 1
    for _ in range(9):
        house.clock.advance(days=3)
        answer = next_of(house, token)
        assert answer["refresh_expires_in"] < left, "the end must come nearer"
        token, left = answer["refresh_token"], answer["refresh_expires_in"]
    house.clock.advance(days=4)
    assert house.refresh(token).status_code == 401
    assert house.refresh(person.refresh).status_code == 401


def test_rf_04_a_suspended_person_gets_no_new_tokens_even_when_restored(house: House, person: Person) -> None:
    from authenticator.models import Status

    second = next_of(house, person.refresh)
    house.suspend(person)
    assert house.refresh(second["refresh_token"]).status_code == 401
    house.service.change_status(house.service.find_user(person.id), Status.ACTIVE, why="attack test", by="operator")
    assert house.refresh(second["refresh_token"]).status_code == 401, "what has ended stays so"
    assert house.get("/me", second["access_token"]).status_code == 401
    assert house.try_password(person.email, person.password).status_code == 200


def test_rf_04_the_state_of_the_account_is_read_at_each_refresh(house: House, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when a crash left a session open that the suspension should have ended."""
    from dataclasses import replace

    from authenticator.models import Status

    store = house.service.core.store
    user = replace(house.service.find_user(person.id), status=Status.SUSPENDED)
    monkeypatch.setattr(store, "user_by_id", lambda _: user, raising=False)
    assert house.refresh(person.refresh).status_code == 401
    assert house.get("/me", person.access).status_code == 401
    assert house.post("/sign-out", None, headers=person.bearer).status_code == 401


def test_rf_04_the_proof_of_a_session_does_not_grow_by_refreshing(house: House, person: Person) -> None:
    import jwt

    house.clock.advance(minutes=20)
    later = next_of(house, person.refresh)
    was, now = (jwt.decode(token, options={"verify_signature": False}) for token in (person.access, later["access_token"]))
    for claim in ("sub", "sid", "aud", "iss", "auth_time", "amr", "acr", "client_id"):
        assert was[claim] == now[claim], claim
    assert was["jti"] != now["jti"]


def _forgeries(token: str, other: str) -> dict[str, str]:
    session, _, secret = token.partition(".")
    foreign, _, strange = other.partition(".")
    return {
        "another's secret": f"{session}.{strange}",
        "another's session": f"{foreign}.{secret}",
        "made up": f"{session}.{'A' * 65}",
        "made up, of the old length": f"{session}.{'A' * 43}",
        "session only": session,
        "session and dot": f"{session}.",
        "secret only": f".{secret}",
        "blank in front": f" {token}",
        "blank behind": f"{token} ",
        "line end": f"{token}\n",
        "longer": f"{token}A",
        "shorter": token[:-1],
        "one character changed": token[:-1] + ("A" if token[-1] != "A" else "B"),
        "first character changed": token[:-60] + ("A" if token[-60] != "A" else "B") + token[-59:],
        "other case": token.swapcase(),
        "twice": f"{token}.{secret}",
        "padded": f"{token}=",
        "surrogate": f"{session}.\u00e9{secret}",
        "star": f"{session}.*",
        "sql": f"{session}' OR '1'='1.{secret}",
        "empty": "",
    }


def test_rf_04_a_forged_refresh_token_is_refused_and_harms_nobody(house: House, person: Person) -> None:
    """Who knows a session's id, which stands in every access token, must not be able to end it by making a token up."""
    other = house.sign_up()
    mails = len(house.mail_to(person.email))
    for name, forged in _forgeries(person.refresh, other.refresh).items():
        answer = house.refresh(forged)
        assert (answer.status_code, answer.json["code"]) == (401, "invalid_token"), name
    assert house.get("/me", person.access).status_code == 200
    assert next_of(house, person.refresh)
    assert next_of(house, other.refresh)
    assert len(house.mail_to(person.email)) == mails


@pytest.mark.parametrize("value", [None, 0, 1.5, True, [], ["x"], {}, {"$ne": None}, {"$gt": ""}], ids=repr)
def test_rf_04_a_refresh_token_is_text(house: House, value: Any) -> None:
    assert house.refresh(value).status_code == 400


@pytest.mark.parametrize(
    "body",
    [{}, {"token": "x"}, {"refresh_token": "x", "scope": "admin"}, {"refresh_token": "x", "user_id": "1"}, {"refresh_token": "x" * 257}],
    ids=repr,
)
def test_rf_04_nothing_can_be_asked_for_beside_the_refresh(house: House, body: Any) -> None:
    assert house.post("/token/refresh", body).status_code in (401, 422)


def test_rf_06_a_revoked_token_stays_refused_for_as_long_as_it_could_live(house: House, person: Person) -> None:
    """Also when thousands ended after it: the entry may not be dropped before token and leeway are over (ASVS 5.0 16.5.3)."""
    assert house.post("/sign-out", None, headers=person.bearer).status_code == 204
    for number in range(1500):
        house.service.ended.add(f"other{number}")
    for seconds in (60, 55, 12):  # at last within the leeway after the token's end
        house.clock.advance(seconds=seconds)
        house.service.ended.look_again()
        assert house.get("/me", person.access).json["code"] == "token_revoked"


def test_rf_06_a_node_that_starts_later_knows_what_was_revoked(build: Builder, house: House, person: Person) -> None:
    house.post("/sign-out", None, headers=person.bearer)
    late = build(url=house.url)
    for node in (house, late):
        node.clock.advance(seconds=115)
    assert late.get("/me", person.access).json["code"] == "token_revoked"


def test_rf_06_no_tokens_while_the_store_is_away(house: House, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    store = house.service.core.store

    def away(*_: Any, **__: Any) -> Any:
        raise AuthError("store_unavailable")

    for verb in ("rotate_refresh", "closed_since", "session_by_cookie", "find_login", "take_ticket", "count_attempts"):
        monkeypatch.setattr(store, verb, away, raising=False)
    house.service.ended.look_again()
    browser = house.visitor()
    browser.set_cookie("auth_session", "a" * 43, domain="localhost")
    answers = [house.refresh(person.refresh), house.get("/me", person.access), house.try_password(person.email, person.password)]
    answers += [browser.get("/api/v1/me"), browser.get("/account")]
    for answer in answers:
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) >= 1
    monkeypatch.undo()
    assert next_of(house, person.refresh)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
def test_rf_07_only_a_post_refreshes(house: House, person: Person, method: str) -> None:
    answer = house.visitor().open(
        "/api/v1/token/refresh", method=method, query_string={"refresh_token": person.refresh}, headers=person.bearer
    )
    assert answer.status_code == 405
    assert house.visitor().post("/api/v1/token/refresh", query_string={"refresh_token": person.refresh}).status_code in (400, 415, 422)
    assert next_of(house, person.refresh)


def test_rf_07_what_is_no_refresh_token_refreshes_nothing(house: House, person: Person) -> None:
    browser = house.browser_of(person)
    cookie = browser.get_cookie("auth_session", "localhost").value
    session = next(one["id"] for one in house.get("/me/sessions", person.access).json if not one["current"])
    for value in (person.access[:256], cookie, f"{session}.{cookie}", f"{person.session}.{cookie}", session):
        assert house.refresh(value).status_code in (401, 422)
    assert browser.get("/account").status_code == 200
    assert next_of(house, person.refresh)


def test_rf_07_a_lost_answer_may_be_asked_for_again_and_leaves_one_family(house: House, person: Person) -> None:
    lost = next_of(house, person.refresh)["refresh_token"]
    again = next_of(house, person.refresh)["refresh_token"]
    assert lost == again
    third = next_of(house, again)["refresh_token"]
    assert third != again
    assert house.refresh(person.refresh).json["code"] == "refresh_reused", "two steps back is never a lost answer"
    assert house.refresh(third).status_code == 401


def test_rf_07_no_answer_about_a_refresh_repeats_the_token(house: House, person: Person) -> None:
    next_of(house, next_of(house, person.refresh)["refresh_token"])
    assert person.refresh not in house.refresh(person.refresh).text
    assert person.refresh.encode() not in house.dump()
