"""OA-14, RF-04: a scope that stands for a right is worth what its person may do now, and nobody who is shut out is given anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from authenticator.applications import OWN, Assignment
from authenticator.models import Status
from authenticator.testing.oauth import OAuthApp
from tests.attack.test_agreed_and_ended import ACCESS, DEVICE, EXCHANGE, approved

if TYPE_CHECKING:
    from tests.attack.conftest import House, Person, Visitor

ALL = "openid users:read offline_access"
GRANTS = ["authorization_code", "refresh_token", EXCHANGE]
Ask = Callable[[], Any]


@pytest.fixture
def ada(house: House) -> Person:
    """Somebody who may see accounts."""
    person = house.sign_up()
    store = house.service.core.store
    user = house.service.find_user(person.id)
    assert store.save_user(replace(user, assignments=(Assignment(OWN, permission="users:read"),)))
    return person


def ways(house: House, browser: Visitor) -> dict[str, Ask]:
    """One good request for tokens of each kind, with the right among the scopes."""
    app = OAuthApp.register(house.app, client_name="Desk", scope=ALL, grant_types=GRANTS)
    tokens, code = app.tokens(browser), app.code(browser)
    telly, device = approved(house, browser, scope=ALL, asked=ALL)
    return {
        "code": lambda: app.token(**code),
        "refresh": lambda: app.refresh(tokens["refresh_token"]),
        "exchange": lambda: app.token(EXCHANGE, subject_token=tokens["access_token"], subject_token_type=ACCESS),
        "device": lambda: telly.token(DEVICE, device_code=device),
    }


@pytest.mark.parametrize("way", ["code", "refresh", "exchange", "device"])
def test_oa_14_a_right_that_was_taken_away_is_given_to_no_application(house: House, ada: Person, way: str) -> None:
    ask = ways(house, house.browser_of(ada))
    assert "users:read" in ask[way]().json["scope"]
    ask = ways(house, house.browser_of(ada))
    assert house.service.core.store.save_user(replace(house.service.find_user(ada.id), assignments=()))
    answer = ask[way]()
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_grant"), answer.text


@pytest.mark.parametrize("way", ["code", "refresh", "exchange", "device"])
def test_rf_04_the_state_of_an_account_is_looked_at_each_time(house: House, ada: Person, way: str) -> None:
    """Not only by what ends with it: a session that was forgotten to be ended gives nothing."""
    ask = ways(house, house.browser_of(ada))
    for status in (Status.SUSPENDED, Status.CLOSED):
        assert house.service.core.store.save_user(replace(house.service.find_user(ada.id), status=status))
        answer = ask[way]()
        assert answer.status_code == 400, answer.text
        assert answer.json["error"] in ("invalid_grant", "invalid_request", "access_denied")
