"""OA-18, RF-06 with documents: who names one while the database is away, or while somebody else does, is not told to be nobody."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from authenticator.errors import AuthError
from authenticator.web_client import Answer, Unreachable, WebClient
from tests.attack.conftest import at_once

if TYPE_CHECKING:
    from tests.attack.conftest import Builder, House

PAGE = "https://mcp.example/client.json"
DOCUMENT = {"client_id": PAGE, "client_name": "MCP", "redirect_uris": ["http://127.0.0.1/callback"]}
ASKED = {
    "client_id": PAGE,
    "response_type": "code",
    "redirect_uri": "http://127.0.0.1/callback",
    "scope": "openid",
    "state": "s",
    "code_challenge": "A" * 43,
    "code_challenge_method": "S256",
}


class Web(WebClient):
    """The rest of the world: one document, which is there unless it is `gone`; `fetched` is called while it is being sent."""

    gone = False
    asked = 0

    def get(self, url: str, **_: Any) -> Answer:
        self.asked += 1
        self.fetched()
        if self.gone:
            raise Unreachable("nobody is there")
        return Answer(200, json.dumps(DOCUMENT).encode())

    def fetched(self) -> None:
        """Nothing happens meanwhile."""


@pytest.fixture
def house(build: Builder) -> House:
    return build(oidc_documents="true")


@pytest.fixture
def web(house: House) -> Web:
    web = Web()
    object.__setattr__(house.service.core, "outside", web)
    return web


def away(*_: object) -> bool:
    raise AuthError("store_unavailable", retry_after=2)


def doors(house: House) -> list[Callable[[], Any]]:
    form = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": PAGE}
    return [lambda: house.visitor().get("/oauth/authorize", query_string=ASKED), lambda: house.visitor().post("/oauth/token", data=form)]


@pytest.mark.usefixtures("web")
def test_oa_18_nobody_is_unknown_because_the_database_went_away_meanwhile(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(house.service.core.store, "add_application", away)
        for ask in doors(house):
            answer = ask()
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert [ask().status_code for ask in doors(house)] == [303, 400], "nothing is remembered of it"


def test_oa_18_two_who_come_with_a_new_document_at_once_are_both_let_in(house: House, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(2, timeout=10)
    monkeypatch.setattr(web, "fetched", together.wait)
    assert [answer.status_code for answer in at_once([doors(house)[0]] * 2)] == [303, 303]
    assert house.service.applications().items[0].id == PAGE


def test_oa_18_while_a_known_document_is_read_again_the_others_go_on_with_it(
    house: House, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = doors(house)[0]
    assert ask().status_code == 303
    house.clock.advance(hours=7)
    others: list[int] = []
    monkeypatch.setattr(web, "fetched", lambda: others.append(ask().status_code))
    assert ask().status_code == 303
    assert (others, web.asked) == ([303], 2)


def test_oa_18_a_document_that_is_too_old_is_not_fetched_without_end(house: House, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = doors(house)[0]
    assert ask().status_code == 303
    house.clock.advance(hours=25)
    web.gone = True
    monkeypatch.setattr(house.service.core.fleeting, "age", lambda *_: float("inf"))
    assert [ask().status_code for _ in range(22)] == [400] * 20 + [429] * 2
