"""RF-04, RL-02: who lost the answer to a refresh because the database went away is no thief for asking again when it is back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from authenticator.errors import AuthError
from authenticator.testing.oauth import OAuthApp
from tests.attack.test_oauth_clients import proof

if TYPE_CHECKING:
    from tests.attack.conftest import Builder, House, Person

HOLDERS = ("a program of her own", "a confidential application", "a public application with a key")


@pytest.fixture
def house(build: Builder) -> House:
    return build()


@dataclass
class Holder:
    """Somebody with a refresh token, and how it is refreshed."""

    person: Person
    token: str
    refresh: Callable[[str], TestResponse]


@pytest.fixture(params=HOLDERS)
def holder(request: pytest.FixtureRequest, house: House) -> Holder:
    person = house.sign_up()
    if request.param == HOLDERS[0]:
        return Holder(person, person.refresh, house.refresh)
    if request.param == HOLDERS[1]:
        app = OAuthApp.register(house.app)
        return Holder(person, app.tokens(house.browser_of(person))["refresh_token"], app.refresh)
    app, key = OAuthApp.register(house.app, token_endpoint_auth_method="none"), ECKey.generate_key("P-256", private=True)

    def keyed() -> dict[str, str]:
        return proof(house, key, "POST", "/oauth/token")

    token: str = app.token(**app.code(house.browser_of(person)), headers=keyed()).json["refresh_token"]
    return Holder(person, token, lambda token: app.refresh(token, headers=keyed()))


def breaks(house: House, patch: pytest.MonkeyPatch, verb: str, *, done: bool) -> None:
    """The database goes away with this question, which it has answered or not; nobody hears of that."""
    store: Any = house.service.core.store
    real = getattr(store._store, verb)

    def lost(*what: Any, **more: Any) -> Any:
        if done:
            real(*what, **more)
        raise AuthError("store_unavailable")

    patch.setattr(store._store, verb, lost)


def kinds(house: House, holder: Holder) -> list[str]:
    return [event.kind for event in house.service.events(house.service.find_user(holder.person.id)).items]


@pytest.mark.parametrize(("verb", "done"), [("rotate_refresh", True), ("rotate_refresh", False), ("user_by_id", False)])
def test_rl_02_a_refresh_whose_answer_was_lost_is_answered_when_the_database_is_back(
    house: House, holder: Holder, monkeypatch: pytest.MonkeyPatch, verb: str, done: bool
) -> None:
    with monkeypatch.context() as patch:
        breaks(house, patch, verb, done=done)
        for _ in range(3):
            answer = holder.refresh(holder.token)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
            house.clock.advance(seconds=7)
    first, second = holder.refresh(holder.token), holder.refresh(holder.token)
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json["refresh_token"] == second.json["refresh_token"], "never two that live"
    assert holder.refresh(first.json["refresh_token"]).status_code == 200
    assert "refresh_reused" not in kinds(house, holder)


def test_rf_04_what_was_spent_before_an_outage_stays_spent(house: House, holder: Holder, monkeypatch: pytest.MonkeyPatch) -> None:
    successor = holder.refresh(holder.token).json["refresh_token"]
    house.clock.advance(seconds=20)
    with monkeypatch.context() as patch:
        breaks(house, patch, "rotate_refresh", done=False)
        assert holder.refresh(successor).status_code == 503
    assert holder.refresh(holder.token).status_code in (400, 401)
    assert "refresh_reused" in kinds(house, holder)
    assert holder.refresh(successor).status_code in (400, 401)


def test_rf_04_nor_is_a_spent_one_good_for_long_after_it(house: House, holder: Holder, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        breaks(house, patch, "rotate_refresh", done=True)
        assert holder.refresh(holder.token).status_code == 503
    house.clock.advance(seconds=31)
    assert holder.refresh(holder.token).status_code in (400, 401)
    assert "refresh_reused" in kinds(house, holder)
