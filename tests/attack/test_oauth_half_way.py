"""RL-01 and RL-02 in the browser's half: what breaks between two steps leaves nobody who could not do it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from authenticator.errors import AuthError
from authenticator.testing.asking import Asking, answer
from authenticator.testing.oauth import OAuthApp
from tests.attack.test_oauth_consent import ask
from tests.attack.test_oauth_races import DEVICE, TELLY, families, shown

if TYPE_CHECKING:
    from tests.attack.conftest import House, Person, Visitor


@pytest.fixture
def ada(house: House) -> Person:
    return house.sign_up()


@pytest.fixture
def browser(house: House, ada: Person) -> Visitor:
    return house.browser_of(ada)


def breaks(house: House, patch: pytest.MonkeyPatch, verb: str, kind: str = "", *, done: bool = False) -> None:
    """The database goes away with this verb, where the first word is of this kind; what was asked for may have happened all the same."""
    store: Any = house.service.core.store
    real = getattr(store, verb)

    def lost(*what: Any, **more: Any) -> Any:
        if kind and what[0] != kind:
            return real(*what, **more)
        if done:
            real(*what, **more)
        raise AuthError("store_unavailable")

    patch.setattr(store, verb, lost)


@pytest.mark.parametrize(
    ("verb", "kind"), [("grant", ""), ("save_grant", ""), ("append_event", ""), ("issue_ticket", "code"), ("issue_ticket", "authorize")]
)
def test_rl_02_who_agreed_in_vain_agrees_again(
    house: House, browser: Visitor, monkeypatch: pytest.MonkeyPatch, verb: str, kind: str
) -> None:
    page = ask(browser, Asking.of(house.service, scopes=("openid", "profile")))
    token = browser.csrf(page.location)
    form = {"csrf_token": token, "request": page.location.partition("request=")[2], "decision": "allow"}
    with monkeypatch.context() as patch:
        breaks(house, patch, verb, kind)
        refused = browser.post("/oauth/authorize/consent", data=form)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "2")
    house.clock.advance(seconds=20)
    assert "code" in answer(browser.post("/oauth/authorize/consent", data=form).location)


@pytest.mark.parametrize("done", [False, True], ids=["not done", "done, and the answer lost"])
@pytest.mark.parametrize(("verb", "kind"), [("grant", ""), ("save_grant", ""), ("issue_ticket", "device"), ("take_ticket", "user_code")])
def test_dv_01_a_device_whose_answer_broke_off_is_let_in_by_the_next_one_and_once(
    house: House, ada: Person, browser: Visitor, monkeypatch: pytest.MonkeyPatch, verb: str, kind: str, done: bool
) -> None:
    telly = OAuthApp.register(house.app, client_name="Telly", **TELLY)
    begun = telly.post("/oauth/device").json
    form = {**shown(browser, begun["user_code"]), "decision": "allow"}
    with monkeypatch.context() as patch:
        breaks(house, patch, verb, kind, done=done)
        assert browser.post("/device/decide", data=form).status_code == 503
    house.clock.advance(seconds=31)
    again = browser.post("/device/decide", data=form)
    answered = verb == "take_ticket" or (verb == "issue_ticket" and done)
    assert again.status_code == (401 if answered else 303), "it may have been let in already"
    assert telly.token(DEVICE, device_code=begun["device_code"]).status_code == 200
    assert browser.post("/device/decide", data=form).status_code == 401
    assert telly.token(DEVICE, device_code=begun["device_code"]).status_code == 400
    assert families(house, ada) == 1


def test_dv_01_no_change_of_mind_after_an_answer_that_counts(house: House, browser: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    telly = OAuthApp.register(house.app, client_name="Telly", **TELLY)
    begun = telly.post("/oauth/device").json
    form = shown(browser, begun["user_code"])
    with monkeypatch.context() as patch:
        breaks(house, patch, "take_ticket", "user_code")
        assert browser.post("/device/decide", data={**form, "decision": "deny"}).status_code == 503
    house.clock.advance(seconds=31)
    assert browser.post("/device/decide", data={**form, "decision": "allow"}).status_code == 401
    assert telly.token(DEVICE, device_code=begun["device_code"]).json["error"] == "access_denied"
