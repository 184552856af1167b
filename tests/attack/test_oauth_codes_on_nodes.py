"""OA-04 on two nodes: a crowd that redeems one code on both leaves one living set of tokens, whichever clock is ahead."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from authenticator.flows.redeeming import Redeeming
from authenticator.testing.oauth import OAuthApp

if TYPE_CHECKING:
    from tests.attack.conftest import Builder, House, Visitor

AtOnce = Callable[[Sequence[Callable[[], Any]]], list[Any]]


@pytest.fixture(scope="module")
def shop(house: House) -> OAuthApp:
    return OAuthApp.register(house.app)


@pytest.fixture(scope="module")
def browser(house: House) -> Visitor:
    return house.browser_of(house.sign_up())


@pytest.fixture(scope="module")
def second(house: House, build: Builder) -> House:
    return build(url=house.url)


@pytest.fixture
def there(house: House, second: House, shop: OAuthApp) -> Iterator[OAuthApp]:
    """The same application at the second node, whose clock shows the same time at first."""
    second.clock.advance(seconds=(house.clock.now() - second.clock.now()).total_seconds())
    yield OAuthApp(second.app, shop.application, shop.secret)
    house.clock.advance(seconds=5)


@pytest.fixture
def together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's code is looked at before all fifty are there, so that they overlap on each node, however busy this machine is."""
    all_there, arrived = threading.Barrier(50), Redeeming.arrived

    @contextmanager
    def waiting(self: Redeeming, text: str) -> Iterator[None]:
        with arrived(self, text):
            all_there.wait(60)
            yield

    monkeypatch.setattr(Redeeming, "arrived", waiting)


def alive(app: OAuthApp, tokens: Any) -> bool:
    works = {app.userinfo(tokens["access_token"]).status_code, app.refresh(tokens["refresh_token"]).status_code}
    assert len(works & {200}) == len(works), works
    return True


@pytest.mark.parametrize("ahead", [0, 0.2, 1, -0.2, -1], ids=lambda ahead: f"{ahead} s ahead")
@pytest.mark.usefixtures("together")
def test_oa_04_of_fifty_on_two_nodes_one_is_given_tokens_that_stay(
    shop: OAuthApp, there: OAuthApp, second: House, browser: Visitor, at_once: AtOnce, ahead: float
) -> None:
    second.clock.advance(seconds=ahead)
    code = shop.code(browser)
    answers = at_once([lambda node=node: node.token(**code) for node in (shop, there) * 25])  # type: ignore[misc]
    given = [answer.json for answer in answers if answer.status_code == 200]
    assert len(given) == 1
    assert {(answer.status_code, answer.json["error"]) for answer in answers if answer.status_code != 200} == {(400, "invalid_grant")}
    assert alive(shop, given[0])


def test_oa_04_who_comes_later_to_the_other_node_ends_it_at_once(shop: OAuthApp, there: OAuthApp, browser: Visitor) -> None:
    for first, then in ((shop, there), (there, shop)):
        code = shop.code(browser)
        tokens: Any = first.token(**code).json
        first.auth.core.clock.advance(seconds=0.01)  # type: ignore[attr-defined]
        then.auth.core.clock.advance(seconds=0.01)  # type: ignore[attr-defined]
        assert then.token(**code).status_code == 400
        assert shop.refresh(tokens["refresh_token"]).status_code == 400
        assert shop.introspect(tokens["access_token"]) == {"active": False}
