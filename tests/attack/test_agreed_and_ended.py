"""OA-14, RF-04, DV-01, SE-03: what was agreed counts as it stands when tokens are given, not as it stood when it was asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from authenticator.models import Client
from authenticator.testing.oauth import OAuthApp

if TYPE_CHECKING:
    from tests.attack.conftest import House, Person, Visitor

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS = "urn:ietf:params:oauth:token-type:access_token"
TELLY = {"grant_types": [DEVICE, "refresh_token"], "redirect_uris": [], "token_endpoint_auth_method": "none"}
ALL = "openid profile email offline_access"


@pytest.fixture(scope="module")
def ada(house: House) -> Person:
    return house.sign_up()


@pytest.fixture(scope="module")
def browser(house: House, ada: Person) -> Visitor:
    return house.browser_of(ada)


def approved(house: House, browser: Visitor, *, asked: str = ALL, **metadata: Any) -> tuple[OAuthApp, str]:
    """A device that a person has let in, which has not asked since; and its code."""
    telly = OAuthApp.register(house.app, client_name="Telly", **{"scope": ALL, **TELLY, **metadata})
    begun = telly.post("/oauth/device", scope=asked).json
    page = browser.send_form("/device", {"user_code": begun["user_code"]}, page="/device")
    fields = {name: page.text.partition(f'name="{name}" value="')[2].partition('"')[0] for name in ("csrf_token", "user_code", "seal")}
    assert browser.post("/device/decide", data={**fields, "decision": "allow"}).status_code == 303
    return telly, begun["device_code"]


def error(answer: Any) -> str:
    assert answer.status_code == 400, answer.text
    return str(answer.json["error"])


@pytest.mark.parametrize("how", ["everywhere", "suspended and restored", "this sign-in", "consent"])
def test_dv_01_what_a_thief_let_in_gets_nothing_after_the_owner_has_shut_her_out(house: House, how: str) -> None:
    """A device waits for minutes: long enough for its owner to end the sign-in in which a thief let it in."""
    from authenticator.models import Status

    person = house.sign_up()
    telly, code = approved(house, house.browser_of(person))
    auth = house.service
    user = auth.find_user(person.id)
    if how == "everywhere":
        auth.end_sessions(user, "test", Client())
    elif how == "this sign-in":
        for session in auth.sessions(user).items:
            auth.end_session(user, session.id, Client())
    elif how == "consent":
        auth.take_back(user, telly.id, Client())
    else:
        house.suspend(person)
        auth.change_status(auth.find_user(person.id), Status.ACTIVE, why="test", by="operator")
    assert error(telly.token(DEVICE, device_code=code)) in ("access_denied", "invalid_grant")
    assert not auth.core.store.sessions_of(person.id, house.clock.now(), kinds=("grant",)).items


def test_oa_14_what_an_application_is_registered_for_no_more_it_is_given_no_more(house: House, browser: Visitor) -> None:
    """The operator narrows a registration: neither a code on its way nor a family that lives on is worth more than that."""
    app = OAuthApp.register(house.app, client_name="Narrowed", scope=ALL)
    tokens, code = app.tokens(browser), app.code(browser)
    telly, device = approved(house, browser)
    for one in (app, telly):
        one.change(scopes=("openid", "offline_access"))
    assert error(app.refresh(tokens["refresh_token"], scope="openid email")) == "invalid_scope"
    for answer in (app.refresh(tokens["refresh_token"]), app.token(**code), telly.token(DEVICE, device_code=device)):
        assert answer.status_code == 200, answer.text
        assert set(answer.json["scope"].split()) == {"openid", "offline_access"}
        assert "email" not in app.userinfo(answer.json["access_token"]).json


def test_oa_14_nor_what_it_asked_for_singly(house: House, browser: Visitor) -> None:
    app = OAuthApp.register(house.app, client_name="Singly", scope="openid email")
    asked = '{"userinfo": {"email": null}, "id_token": {"email": null}}'
    tokens = app.tokens(browser, scope="openid", claims=asked)
    assert "email" in app.userinfo(tokens["access_token"]).json
    app.change(scopes=("openid",))
    assert "email" not in app.userinfo(tokens["access_token"]).json
    renewed = app.refresh(tokens["refresh_token"]).json
    for token, there in ((tokens["id_token"], True), (renewed["id_token"], False)):
        assert ("email" in jwt.decode(token, options={"verify_signature": False})) == there


def test_oa_03_an_application_that_she_trusts_as_much_redeems_no_code_of_another(house: House, browser: Visitor) -> None:
    """Everything fits but the client: the address, the verifier, what she agreed to."""
    first, second = (OAuthApp.register(house.app, client_name=name, scope=ALL) for name in ("First", "Second"))
    assert second.tokens(browser)["access_token"]
    code = first.code(browser)
    assert error(second.token(**code)) == "invalid_grant"
    assert error(first.token(**code)) == "invalid_grant", "and it is spent"


def test_oa_14_a_token_that_was_taken_back_is_exchanged_no_more(house: House, browser: Visitor) -> None:
    """One that came by exchange has no family of its own to end."""
    apis = {"scope": "openid", "resources": ["https://b.example"]}
    machine = {"grant_types": ["client_credentials", EXCHANGE], "redirect_uris": []}
    front = OAuthApp.register(house.app, client_name="Front", **apis)
    back = OAuthApp.register(house.app, client_name="Back", **apis, **machine)
    further = OAuthApp.register(house.app, client_name="Further", **apis, **machine)

    def swapped(app: OAuthApp, token: str) -> Any:
        return app.token(EXCHANGE, subject_token=token, subject_token_type=ACCESS)

    second = swapped(back, front.tokens(browser)["access_token"]).json["access_token"]
    assert swapped(further, second).status_code == 200
    back.revoke(second)
    assert error(swapped(further, second)) == "invalid_request"
    assert error(swapped(back, second)) == "invalid_request"


Ending = Callable[["House", "Person", OAuthApp], object]
ENDINGS: dict[str, Ending] = {
    "consent": lambda house, person, app: house.service.take_back(house.service.find_user(person.id), app.id, Client()),
    "disabled": lambda house, _person, app: house.service.disable_application(app.application),
    "removed": lambda house, _person, app: house.service.remove_application(app.application),
    "suspended": lambda house, person, _app: house.suspend(person),
    "everywhere": lambda house, person, _app: house.service.end_sessions(house.service.find_user(person.id), "test", Client()),
}


@pytest.mark.parametrize("grant", ["code", "device"])
@pytest.mark.parametrize("how", ENDINGS)
def test_rf_04_what_ends_while_tokens_are_being_made_gives_none_that_live(
    house: House, monkeypatch: pytest.MonkeyPatch, how: str, grant: str
) -> None:
    """Between the last look and the write there is always a moment: whatever ends in it must have ended."""
    person = house.sign_up()
    browser = house.browser_of(person)
    if grant == "code":
        app = OAuthApp.register(house.app, client_name="Late", scope=ALL)
        asked = app.code(browser)
    else:
        app, code = approved(house, browser)
        asked = {"grant_type": DEVICE, "device_code": code}
    store = house.service.core.store
    write = store.open_session

    def late(session: Any, **more: Any) -> None:
        monkeypatch.undo()
        ENDINGS[how](house, person, app)
        write(session, **more)

    monkeypatch.setattr(store, "open_session", late)
    answer = app.token(**asked)
    assert answer.status_code in (400, 401), answer.text
    assert not store.sessions_of(person.id, house.clock.now(), kinds=("grant",)).items
