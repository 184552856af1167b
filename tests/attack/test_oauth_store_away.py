"""FA-01, OA-14, RF-06, SE-03 with the database away: every endpoint of applications says 503 and when to come again, and gives nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.test import TestResponse

from authenticator.errors import AuthError
from authenticator.storage.port import Store
from authenticator.testing.oauth import OAuthApp

if TYPE_CHECKING:
    from tests.attack.conftest import House, Person, Visitor

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
ACCESS = "urn:ietf:params:oauth:token-type:access_token"
GRANTS = ["authorization_code", "refresh_token", "client_credentials", EXCHANGE, DEVICE]


@pytest.fixture(scope="module")
def app(house: House) -> OAuthApp:
    return OAuthApp.register(house.app, grant_types=GRANTS, scope="openid email offline_access reports:read")


@pytest.fixture(scope="module")
def ada(house: House) -> Person:
    return house.sign_up()


@pytest.fixture
def browser(house: House, ada: Person) -> Visitor:
    return house.browser_of(ada)


Asked = Callable[[], TestResponse]


@pytest.fixture
def requests(app: OAuthApp, browser: Visitor) -> dict[str, Asked]:
    """One good request for each endpoint."""
    tokens, code = app.tokens(browser), app.code(browser)
    device = app.post("/oauth/device", scope="openid").json["device_code"]
    token = tokens["access_token"]
    query = {"client_id": app.id, "response_type": "code", "redirect_uri": app.application.redirect_uris[0], "scope": "openid"}
    pkce = {"state": "s", "code_challenge": "A" * 43, "code_challenge_method": "S256"}
    return {
        "code": lambda: app.token(**code),
        "refresh": lambda: app.refresh(tokens["refresh_token"]),
        "itself": lambda: app.token("client_credentials"),
        "exchange": lambda: app.token(EXCHANGE, subject_token=token, subject_token_type=ACCESS),
        "device": lambda: app.token(DEVICE, device_code=device),
        "begin device": lambda: app.post("/oauth/device", scope="openid"),
        "par": lambda: app.post("/oauth/par", **query, **pkce),
        "introspect": lambda: app.post("/oauth/introspect", token=token),
        "introspect refresh": lambda: app.post("/oauth/introspect", token=tokens["refresh_token"]),
        "revoke": lambda: app.revoke(tokens["refresh_token"]),
        "userinfo": lambda: app.userinfo(token),
        "authorize": lambda: browser.get("/oauth/authorize", query_string={**query, **pkce}),
        "authorize quietly": lambda: browser.get("/oauth/authorize", query_string={**query, **pkce, "prompt": "none"}),
        "device page": lambda: browser.get("/device"),
        "logout": lambda: browser.get("/oauth/logout", query_string={"id_token_hint": tokens["id_token"]}),
        "register": lambda: app.call("GET", f"/oauth/register/{app.id}", headers={"Authorization": "Bearer x"}),
        "door": lambda: browser.get("/verify"),
        "door by token": lambda: browser.get("/verify", headers={"Authorization": f"Bearer {token}"}),
    }


@pytest.fixture
def away(house: House, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Takes verbs of the store away, all that there are or those that are named."""

    def gone(*_: Any, **__: Any) -> Any:
        raise AuthError("store_unavailable", retry_after=2)

    def take(*verbs: str) -> None:
        store = house.service.core.store
        every = [
            name for name in dir(Store) if not name.startswith("_") and name not in ("close", "migrate") and callable(getattr(store, name))
        ]
        for verb in verbs or every:
            monkeypatch.setattr(store, verb, gone)
        time.sleep(0.6)  # what was read of a person counts that long
        house.service.ended.look_again()

    return take


def test_se_03_nothing_is_given_and_nothing_breaks_while_the_database_is_away(
    house: House, requests: dict[str, Asked], away: Callable[..., None]
) -> None:
    away()
    for name, ask in requests.items():
        if name == "door by token":
            continue  # for another audience, which shows without the database
        answer = ask()
        assert answer.status_code == 503, (name, answer.status_code, answer.text[:300])
        assert int(answer.headers["Retry-After"]) > 0, name
        assert answer.headers.get("Location") is None, name
        assert "code=" not in answer.text, name


@pytest.mark.parametrize(
    "verb", ["application", "session_by_id", "user_by_id", "session_by_cookie", "grant", "take_ticket", "rotate_refresh", "open_session"]
)
def test_se_03_nor_where_only_one_question_is_not_answered(
    house: House, requests: dict[str, Asked], away: Callable[..., None], verb: str
) -> None:
    """What fails in the middle gives nothing that a later look would have refused, and says so as the beginning does."""
    away(verb)
    seen = set()
    for name, ask in requests.items():
        answer = ask()
        seen.add(answer.status_code)
        assert answer.status_code < 500 or answer.status_code == 503, (name, answer.status_code, answer.text[:300])
        if answer.status_code == 503:
            assert "access_token" not in answer.text, name
            assert int(answer.headers["Retry-After"]) > 0, name
    assert 503 in seen, "nobody asks that"
