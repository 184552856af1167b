"""Whether a person can change her profile, on the page and through the API, and is told what does not fit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from authenticator.testing.client import Browser
from authenticator.testing.people import Account, AsUser

SCHEMA = {
    "properties": {
        "team": {"type": "string", "title": "Team", "maxLength": 10},
        "size": {"enum": ["S", "M", "L"], "title": "Size of shirt"},
        "news": {"type": "boolean", "title": "Send me news"},
        "floor": {"type": "integer", "title": "Floor", "maximum": 40},
        "badge": {"type": "string", "title": "Badge", "readOnly": True},
        "links": {"type": "array", "items": {"type": "string"}},
    }
}


@pytest.fixture
def auth_settings() -> dict[str, Any]:
    return {"ATTRIBUTES_SCHEMA": json.dumps(SCHEMA)}


@pytest.fixture
def ada(as_user: AsUser) -> Account:
    return as_user("ada@example.com")


def patch(person: Account, body: Any, **more: Any) -> Any:
    return person.client.api("PATCH", "me", body, token=person.access_token, **more)


def me(person: Account) -> Any:
    return person.client.api("GET", "me", token=person.access_token).body


def test_she_changes_all_of_it_through_the_api(ada: Account) -> None:
    change = {
        "name": {"given": "Augusta", "display": "Countess of Lovelace"},
        "salutation": "Lady",
        "locale": "en-gb",
        "country": "gb",
        "attributes": {"team": "Engines", "size": "M", "news": True, "floor": 3, "links": ["a", "b"]},
    }
    answer = patch(ada, change)
    assert answer.status == 200, answer
    assert answer.body == me(ada)
    assert answer["name"] == {"given": "Augusta", "family": "Lovelace", "display": "Countess of Lovelace"}
    assert (answer["salutation"], answer["locale"], answer["country"]) == ("Lady", "en-GB", "GB")
    assert answer["attributes"] == change["attributes"]


def test_what_is_not_named_stays_and_null_or_nothing_clears(ada: Account) -> None:
    patch(ada, {"salutation": "Lady", "locale": "de", "attributes": {"team": "Engines", "floor": 1}})
    answer = patch(ada, {"salutation": None, "name": {"family": ""}, "attributes": {"team": None}})
    assert (answer["salutation"], answer["locale"], answer["name"]["family"]) == (None, "de", "")
    assert answer["attributes"] == {"floor": 1}


def test_a_change_is_in_her_history_by_its_fields_alone(ada: Account) -> None:
    patch(ada, {"name": {"given": "Augusta"}, "country": "GB"})
    patch(ada, {"country": "GB"})  # changes nothing
    core = ada.client.app.extensions["authenticator"].core
    events = [event for event in core.store.events_of(ada.id).items if event.kind == "profile_changed"]
    assert [dict(event.detail) for event in events] == [{"fields": "name,country"}]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"locale": "xx-YY"}, 422, "locale"),
        ({"locale": "../../etc"}, 422, "locale"),
        ({"country": "XX"}, 422, "country"),
        ({"country": "Netherlands"}, 422, "country"),
        ({"salutation": "x" * 51}, 422, "salutation"),
        ({"salutation": "Dr\u202e."}, 422, "salutation"),
        ({"name": {"given": "A\u200bda"}}, 422, "name.given"),
        ({"name": {"given": "Ada\r\nBcc: x@example.com"}}, 422, "name.given"),
        ({"name": {"middle": "x"}}, 422, "name"),
        ({"attributes": {"size": "XXL"}}, 422, "attributes.size"),
        ({"attributes": {"badge": "7"}}, 422, "attributes.badge"),
        ({"attributes": {"is_admin": True}}, 422, "attributes.is_admin"),
        ({"status": "active"}, 422, "status"),
        ({"permissions": ["users:write"]}, 422, "permissions"),
        ({"level": 9}, 422, "level"),
        ({"email": "eve@example.com"}, 422, "email"),
        ({"name": "Ada"}, 400, "name"),
        ({"locale": 7}, 400, "locale"),
        ({"attributes": []}, 400, "attributes"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_changed(ada: Account, body: dict[str, Any], status: int, field: str) -> None:
    before = me(ada)
    answer = patch(ada, {"country": "NL", **body} if "country" not in body else body)
    assert answer.status == status, answer
    assert list(answer["errors"]) == [field]
    assert me(ada) == before


def test_a_stranger_or_a_cookie_alone_changes_nothing(ada: Account) -> None:
    assert ada.client.api("PATCH", "me", {"salutation": "Lady"}).status == 401
    assert ada.browser().api("PATCH", "me", {"salutation": "Lady"}).status == 401


def test_two_changes_at_once_are_both_kept(ada: Account) -> None:
    service = ada.client.app.extensions["authenticator"]
    stale = service.signed_by_session(ada.session_id)
    patch(ada, {"country": "GB"})
    from authenticator.models import Client

    service.update_profile(stale, {"salutation": "Lady"}, Client())
    assert (me(ada)["country"], me(ada)["salutation"]) == ("GB", "Lady")


def test_she_takes_a_user_name_and_signs_in_with_it(ada: Account) -> None:
    assert patch(ada, {"username": "Countess"})["username"] == "Countess"
    assert patch(ada, {"username": None})["username"] is None


def test_a_user_name_asks_for_fresh_proof(ada: Account, clock: Any) -> None:
    browser = ada.browser()
    clock.advance(minutes=20)
    page = browser.submit("/account/profile", username="countess")
    assert page.status == 403
    assert "Confirm that it is you" in page


def test_she_fills_in_the_page(ada: Account) -> None:
    browser = ada.browser()
    typed = {
        "name.given": "Augusta",
        "salutation": "Lady",
        "locale": "de",
        "country": "GB",
        "attributes.team": "Engines",
        "attributes.size": "L",
        "attributes.news": "1",
        "attributes.floor": "12",
    }
    page = browser.submit("/account/profile", **typed)
    assert (page.status, page.location) == (303, "/account/profile?done=saved")
    assert "Ihr Profil wurde gespeichert." in page.follow()
    assert me(ada)["attributes"] == {"team": "Engines", "size": "L", "news": True, "floor": 12}
    assert (me(ada)["name"]["given"], me(ada)["locale"], me(ada)["country"]) == ("Augusta", "de", "GB")
    html = browser.get("/account/profile").html
    assert '<option value="GB" selected>' in html
    assert 'value="Engines"' in html


def test_what_is_wrong_is_said_beside_its_field_and_the_rest_is_kept(ada: Account) -> None:
    browser = ada.browser()
    page = browser.submit("/account/profile", **{"salutation": "Lady", "attributes.floor": "upstairs", "attributes.team": "x" * 11})
    assert page.status == 422
    assert 'value="Lady"' in page.html
    assert 'value="upstairs"' in page.html
    assert 'id="attributes.floor-error"' in page.html
    assert "Team: This is too long." in page
    assert me(ada)["salutation"] is None


def test_what_only_the_operator_sets_is_shown_and_not_asked(ada: Account) -> None:
    page = ada.browser().get("/account/profile")
    assert "Badge" in page
    assert 'name="attributes.badge"' not in page.html


def test_a_name_with_markup_stays_text(ada: Account) -> None:
    browser: Browser = ada.browser()
    evil = "<img src=x onerror=alert(1)>{{7*7}}"
    assert browser.submit("/account/profile", **{"name.display": evil}).status == 303
    for path in ("/account", "/account/profile"):
        page = browser.get(path)
        assert "<img src=x" not in page.html
        assert "{{7*7}}" in page.html
