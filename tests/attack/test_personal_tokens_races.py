"""SE-03 and personal tokens at once: one that is being made while its maker is put out does not outlive that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from authenticator.models import Client, Status
from tests.attack.test_personal_tokens import bearer

if TYPE_CHECKING:
    from tests.attack.conftest import House, Person


def suspended_for_a_while(house: House, person: Person) -> None:
    house.suspend(person)
    house.service.change_status(house.service.find_user(person.id), Status.ACTIVE, why="", by="operator")


ENDS: dict[str, Callable[[House, Person], object]] = {
    "signed out": lambda house, person: house.post("/sign-out", None, headers=person.bearer),
    "all sessions ended": lambda house, person: house.service.end_sessions(house.service.find_user(person.id), "test", Client()),
    "suspended for a while": suspended_for_a_while,
}


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_se_03_no_token_outlives_the_sign_in_that_ended_while_it_was_made(
    house: House, monkeypatch: pytest.MonkeyPatch, how: str, moment: str
) -> None:
    person = house.sign_up()
    store, made = house.service.core.store, []
    real = store.open_session

    def raced(session: Any, **more: Any) -> None:
        if moment == "before":
            ENDS[how](house, person)
        made.append(session.id)
        real(session, **more)
        if moment == "after":
            ENDS[how](house, person)

    wish = {"name": "test", "scopes": ["openid"], "expires_at": (house.clock.now() + timedelta(days=1)).isoformat()}
    with monkeypatch.context() as patch:
        patch.setattr(store, "open_session", raced)
        answer = house.post("/me/tokens", wish, headers=person.bearer)
    assert (answer.status_code, answer.json["code"]) == (401, "token_revoked")
    ended = store.session_by_id(made[0])
    assert ended is not None
    assert ended.closed_at is not None


def test_a_token_outlives_a_sign_out_that_comes_later(house: House) -> None:
    person = house.sign_up()
    wish = {"name": "test", "scopes": ["openid"], "expires_at": (house.clock.now() + timedelta(days=1)).isoformat()}
    token = house.post("/me/tokens", wish, headers=person.bearer).json["token"]
    house.post("/sign-out", None, headers=person.bearer)
    assert house.visitor().get("/verify", headers=bearer(token)).status_code == 200
