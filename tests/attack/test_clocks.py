"""SE-03, TK-10 and clocks: one that is set back, and nodes that are half a minute apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from authenticator.testing.oauth import OAuthApp

if TYPE_CHECKING:
    from tests.attack.conftest import Builder, House


@pytest.fixture
def house(build: Builder) -> House:
    return build()


@pytest.mark.parametrize("where", ["the slow one", "the fast one"])
def test_se_03_a_sign_out_counts_at_both_of_two_nodes_that_are_half_a_minute_apart(house: House, build: Builder, where: str) -> None:
    fast = build(url=house.url)
    fast.clock.advance(seconds=30)
    token = house.sign_in(house.sign_up())  # one of the other would seem to come from the future here
    here, there = (house, fast) if where == "the slow one" else (fast, house)
    for _ in range(2):
        there.service.ended.look_again()
        assert there.get("/me", token.access).status_code == 200
    assert here.post("/sign-out", None, headers=token.bearer).status_code == 204
    there.service.ended.look_again()
    assert there.get("/me", token.access).json["code"] == "token_revoked"


def test_tk_10_the_first_key_signs_at_a_node_whose_clock_is_behind_that_of_its_maker(house: House, build: Builder) -> None:
    person, app = house.sign_up(), OAuthApp.register(house.app)
    late = build(url=house.url)
    late.clock.advance(seconds=-30)
    assert late.visitor().get("/readyz").status_code == 200
    assert late.get("/me", late.sign_in(person).access).status_code == 200
    tokens = OAuthApp(late.app, app.application, app.secret).tokens(late.browser_of(person))
    assert app.userinfo(tokens["access_token"]).json["sub"] == person.id


def test_tk_10_a_clock_that_is_set_back_keeps_nobody_out(house: House) -> None:
    """What was made in the meantime seems to come from the future; whoever is told so helps himself with his refresh token."""
    person, app = house.sign_up(), OAuthApp.register(house.app)
    browser = house.browser_of(person)
    tokens = app.tokens(browser)
    house.clock.advance(minutes=-2)
    assert house.get("/me", person.access).status_code == 401
    again = house.refresh(person.refresh)
    assert again.status_code == 200
    assert house.get("/me", again.json["access_token"]).status_code == 200
    assert app.userinfo(app.refresh(tokens["refresh_token"]).json["access_token"]).status_code == 200
    assert browser.get("/account").status_code == 200
    assert app.tokens(house.browser_of(person))["access_token"]
    assert house.post("/sign-out", None, headers={"Authorization": f"Bearer {again.json['access_token']}"}).status_code == 204
    assert house.refresh(again.json["refresh_token"]).status_code == 401
