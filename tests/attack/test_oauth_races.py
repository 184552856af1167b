"""DV-01, OA-03, OA-18, RF-04 at once: of many who come at the same moment with what counts once, one gets something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from authenticator.testing.oauth import OAuthApp
from tests.attack.conftest import at_once

if TYPE_CHECKING:
    from tests.attack.conftest import House, Person, Visitor

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
TELLY = {
    "grant_types": [DEVICE, "refresh_token"],
    "redirect_uris": [],
    "token_endpoint_auth_method": "none",
    "scope": "openid offline_access",
}


@pytest.fixture(scope="module")
def telly(house: House) -> OAuthApp:
    return OAuthApp.register(house.app, client_name="Telly", **TELLY)


def shown(browser: Visitor, user_code: str) -> dict[str, str]:
    """The fields of the page that asks whether the device may come in."""
    page = browser.send_form("/device", {"user_code": user_code}, page="/device")
    return {name: page.text.partition(f'name="{name}" value="')[2].partition('"')[0] for name in ("csrf_token", "user_code", "seal")}


def families(house: House, person: Person) -> int:
    return len(house.service.core.store.sessions_of(person.id, house.clock.now(), kinds=("grant",)).items)


def test_dv_01_two_people_at_once_let_a_device_in_for_one_of_them(house: House, telly: OAuthApp) -> None:
    begun = telly.post("/oauth/device").json
    people = [house.sign_up(), house.sign_up()]
    browsers = [house.browser_of(person) for person in people]
    forms = [{**shown(browser, begun["user_code"]), "decision": "allow"} for browser in browsers]
    answers = at_once([lambda b=b, f=f: b.post("/device/decide", data=f).status_code for b, f in zip(browsers, forms, strict=True)])
    assert sorted(answers) == [303, 401]
    token = telly.token(DEVICE, device_code=begun["device_code"]).json["access_token"]
    assert telly.userinfo(token).json["sub"] == people[answers.index(303)].id
    assert sorted(families(house, person) for person in people) == [0, 1]


def test_dv_01_yes_and_no_at_once_are_one_answer(house: House, telly: OAuthApp) -> None:
    person = house.sign_up()
    browser, other = house.browser_of(person), house.browser_of(person)
    for _ in range(2):
        begun = telly.post("/oauth/device").json
        forms = [(browser, "allow"), (other, "deny")]
        sent = [(one, {**shown(one, begun["user_code"]), "decision": what}) for one, what in forms]
        answers = at_once([lambda b=b, f=f: b.post("/device/decide", data=f).status_code for b, f in sent])
        assert sorted(answers) == [303, 401]
        given = telly.token(DEVICE, device_code=begun["device_code"])
        assert (given.status_code == 200) == (answers[0] == 303)


def test_dv_01_a_device_that_asks_many_times_at_once_is_given_one_family(house: House, telly: OAuthApp) -> None:
    person = house.sign_up()
    browser, begun = house.browser_of(person), telly.post("/oauth/device").json
    assert browser.post("/device/decide", data={**shown(browser, begun["user_code"]), "decision": "allow"}).status_code == 303
    answers = at_once([lambda: telly.token(DEVICE, device_code=begun["device_code"])] * 20)
    assert sorted({answer.status_code for answer in answers}) == [200, 400]
    assert sum(answer.status_code == 200 for answer in answers) == 1
    assert families(house, person) == 1


def test_oa_18_a_pushed_request_is_brought_by_one_browser(house: House) -> None:
    app = OAuthApp.register(house.app, client_name="Pushing")
    browser = house.browser_of(house.sign_up())
    app.tokens(browser)
    asked: dict[str, Any] = {"response_type": "code", "redirect_uri": app.application.redirect_uris[0], "scope": "openid", "state": "s"}
    name = app.post("/oauth/par", **asked, code_challenge="A" * 43, code_challenge_method="S256").json["request_uri"]
    query = {"client_id": app.id, "request_uri": name}
    answers = at_once([lambda: browser.get("/oauth/authorize", query_string=query)] * 10)
    assert sum("code=" in answer.headers.get("Location", "") for answer in answers) == 1
    assert {answer.status_code for answer in answers} == {303, 400}


def test_oa_18_a_pushed_request_is_of_one_application(house: House) -> None:
    """Another application's name for it is worth nothing, and nothing from beside it gets in."""
    app, other = (OAuthApp.register(house.app, client_name=name) for name in ("Pushing", "Other"))
    browser = house.browser_of(house.sign_up())
    asked: dict[str, Any] = {"response_type": "code", "redirect_uri": app.application.redirect_uris[0], "scope": "openid", "state": "s"}
    for client_id, status in ((other.id, 400), (app.id, 303)):
        name = app.post("/oauth/par", **asked, code_challenge="A" * 43, code_challenge_method="S256").json["request_uri"]
        query = {
            "client_id": client_id,
            "request_uri": name,
            "redirect_uri": "https://evil.example/",
            "scope": "openid email",
            "state": "x",
        }
        answer = browser.get("/oauth/authorize", query_string=query)
        assert answer.status_code == status
        assert "evil.example" not in answer.headers.get("Location", "")
        if status == 303:
            page = browser.get(answer.location)
            assert "evil.example" not in page.text
            assert "e-mail" not in page.text.partition("<form")[0].partition("<main")[2]
