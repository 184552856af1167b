"""RF-04 and OA-14: what no longer stands when a token is renewed or exchanged: rights, people, sign-ins; and chains of exchange."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from authenticator.applications import OWN, Assignment
from authenticator.models import Client
from authenticator.testing.oauth import OAuthApp
from tests.attack.forging import ACCESS, EXCHANGE, parts

if TYPE_CHECKING:
    from tests.attack.conftest import Builder, House, Person

BACK = "https://back.example"


@pytest.fixture
def ada(house: House) -> Person:
    return house.sign_up()


@pytest.fixture
def front(house: House) -> OAuthApp:
    return OAuthApp.register(house.app, client_name="Front", resources=[BACK])


@pytest.fixture
def back(house: House) -> OAuthApp:
    facts = {"grant_types": ["client_credentials", EXCHANGE], "redirect_uris": [], "resources": [BACK]}
    return OAuthApp.register(house.app, client_name="Back", scope="openid email", **facts)


def swap(app: OAuthApp, token: str, **more: Any) -> Any:
    return app.token(EXCHANGE, subject_token=token, subject_token_type=ACCESS, **more)


def assign(house: House, person: Person, *assignments: Assignment) -> None:
    user = house.service.find_user(person.id)
    assert house.service.core.store.save_user(replace(user, assignments=assignments))


def test_rf_04_a_scope_that_stands_for_a_right_ends_with_the_right(house: House, ada: Person) -> None:
    app = OAuthApp.register(house.app, client_name="Office", scope="openid users:read offline_access")
    assign(house, ada, Assignment(OWN, permission="users:read"))
    tokens = app.tokens(house.browser_of(ada), scope="openid users:read offline_access")
    again: Any = app.refresh(tokens["refresh_token"])
    assert again.status_code == 200
    assign(house, ada)
    refused: Any = app.refresh(again.json["refresh_token"])
    assert (refused.status_code, refused.json["error"]) == (400, "invalid_grant")


def test_rf_01_who_is_refused_for_a_while_keeps_the_token_and_is_taken_for_no_thief(build: Builder) -> None:
    """A right or a resource that is taken away by mistake and given back: nobody is signed out by that, nor frightened."""
    house = build()
    ada, api = house.sign_up(), "https://api.example"
    app = OAuthApp.register(house.app, scope="openid users:read", resources=[api])
    assign(house, ada, Assignment(OWN, permission="users:read"))
    token = app.tokens(house.browser_of(ada), resource=api)["refresh_token"]

    def tried_twice() -> set[str]:
        answers = [app.refresh(token).json["error"]]
        house.clock.advance(seconds=30)
        return {*answers, app.refresh(token).json["error"]}

    assign(house, ada)
    assert tried_twice() == {"invalid_grant"}
    assign(house, ada, Assignment(OWN, permission="users:read"))
    app.change(resources=())
    assert tried_twice() == {"invalid_target"}
    app.change(resources=(api,))
    assert app.refresh(token).status_code == 200
    assert not [mail for mail in house.mail_to(ada.email) if "thief" in mail.text]


def test_rf_04_a_disabled_application_and_a_suspended_person_are_refused_at_every_grant(
    house: House, front: OAuthApp, back: OAuthApp, ada: Person
) -> None:
    browser = house.browser_of(ada)
    tokens, code = front.tokens(browser), front.code(browser)
    assert swap(back, tokens["access_token"]).status_code == 200
    house.suspend(ada)
    assert front.refresh(tokens["refresh_token"]).status_code == 400
    assert front.token(**code).status_code == 400
    assert swap(back, tokens["access_token"]).status_code in (400, 401)


def test_oa_14_what_was_exchanged_ends_with_the_sign_in_and_the_consent(house: House, front: OAuthApp, back: OAuthApp, ada: Person) -> None:
    for end in ("sign-out", "consent"):
        browser = house.browser_of(ada)
        token = front.tokens(browser, scope="openid email")["access_token"]
        given: Any = swap(back, token).json
        assert back.introspect(given["access_token"])["active"]
        if end == "sign-out":
            assert browser.send_form("/sign-out", {}, page="/account").status_code == 303
        else:
            house.service.take_back(house.service.find_user(ada.id), front.id, Client())
        assert back.introspect(given["access_token"]) == {"active": False}, end
        assert back.userinfo(given["access_token"]).status_code == 401, end
        assert swap(back, token).status_code in (400, 401), end


def test_oa_14_an_exchanged_token_says_who_acts_and_a_chain_has_an_end(house: House, front: OAuthApp, back: OAuthApp, ada: Person) -> None:
    token = front.tokens(house.browser_of(ada), scope="openid email")["access_token"]
    until, depth = parts(token)[1]["exp"], 0
    while depth < 8 and (answer := swap(back, token)).status_code == 200:
        depth += 1
        token = answer.json["access_token"]
        claims = parts(token)[1]
        assert (claims["sub"], claims["client_id"], claims["act"]["sub"]) == (ada.id, back.id, back.id)
        assert claims["exp"] <= until
        assert "id_token" not in answer.json
        assert "refresh_token" not in answer.json
    assert depth == 4, "four that act for each other, and no fifth"


def test_oa_14_a_token_of_an_application_that_was_shut_out_is_exchanged_no_more(
    house: House, front: OAuthApp, back: OAuthApp, ada: Person
) -> None:
    token = swap(back, front.tokens(house.browser_of(ada))["access_token"]).json["access_token"]
    facts = {"grant_types": [EXCHANGE], "redirect_uris": [], "resources": [BACK]}
    next_one = OAuthApp.register(house.app, client_name="Next", scope="openid", **facts)
    assert swap(next_one, token).status_code == 200
    house.service.disable_application(back.application)
    assert swap(next_one, token).json["error"] == "invalid_request"


def test_oa_14_a_token_that_has_just_ended_is_exchanged_for_none(build: Builder) -> None:
    """Clocks may differ by seconds; but what would be made had ended before it was given."""
    house = build()
    front = OAuthApp.register(house.app, client_name="Front", resources=[BACK])
    back = OAuthApp.register(house.app, client_name="Back", grant_types=[EXCHANGE], redirect_uris=[], resources=[BACK])
    given = front.tokens(house.browser_of(house.sign_up()))
    house.clock.advance(seconds=given["expires_in"] - 30)
    assert 20 < swap(back, given["access_token"]).json["expires_in"] <= 30
    house.clock.advance(seconds=31)
    assert swap(back, given["access_token"]).json["error"] == "invalid_request"


def test_oa_14_nobody_exchanges_without_showing_itself_or_the_right_to(house: House, front: OAuthApp, back: OAuthApp, ada: Person) -> None:
    token = front.tokens(house.browser_of(ada))["access_token"]
    alone = back.token(EXCHANGE, subject_token=token, subject_token_type=ACCESS, alone=True, client_id=back.id)
    assert alone.status_code == 401
    other = OAuthApp.register(house.app, client_name="Other", grant_types=[EXCHANGE], redirect_uris=[], scope="openid")
    assert swap(other, token).json["error"] == "invalid_request", "not made for it (RFC 8693 §2.2.2)"
    assert swap(back, token, actor_token=token, actor_token_type=ACCESS).json["error"] == "invalid_request"
    assert swap(back, token, requested_token_type="urn:ietf:params:oauth:token-type:refresh_token").json["error"] == "invalid_request"
    house.service.disable_application(back.application)
    assert swap(back, token).status_code == 401
