"""Whether everybody, with the one way in that she has, looks after what applications and her own programs hold: by page and by program alike."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask

from authenticator.clock import SetClock
from authenticator.testing.client import Browser
from authenticator.testing.oauth import OAuthApp
from authenticator.testing.people import Outbox, SignInVia
from tests.flow.test_parity import WAYS, ByProgram, OnPages, store_url

__all__ = ["store_url"]
NAME = "Backup at home"


class LetIn:
    """An application that she let in, and what it holds."""

    def __init__(self, app: Flask, browser: Browser) -> None:
        facts = {"scope": "openid email offline_access", "grant_types": ["authorization_code", "refresh_token"]}
        self.shop = OAuthApp.register(app, **facts)
        self.tokens = self.shop.tokens(browser)
        assert self.shop.userinfo(self.tokens["access_token"]).status_code == 200

    def has_nothing_more(self, clock: SetClock) -> None:
        """Neither of its tokens is good for anything."""
        clock.advance(seconds=2)
        assert self.shop.userinfo(self.tokens["access_token"]).status_code == 401
        assert self.shop.refresh(self.tokens["refresh_token"]).json["error"] == "invalid_grant"


def opens(client: Browser, token: str) -> bool:
    """Whether a program with this token is let in, and no further than it may."""
    answer = client.browser().api("GET", "me", token=token)
    if answer.status == 200:
        assert client.browser().api("PATCH", "me", {"locale": "de"}, token=token).code == "forbidden"
    return answer.status == 200


@pytest.mark.parametrize("way", WAYS)
def test_she_looks_after_them_by_page(
    way: str, client: Browser, auth_app: Flask, outbox: Outbox, sign_in_via: SignInVia, clock: SetClock
) -> None:
    grace = OnPages(way, client, outbox, sign_in_via, clock)
    assert grace.enter("/sign-up").path == "/account"
    held = LetIn(auth_app, client)
    assert "See your e-mail address" in client.get("/account/applications")
    assert "has no access any more" in client.submit("/account/applications", application=held.shop.id).follow()
    held.has_nothing_more(clock)
    assert "No application has access" in client.get("/account/applications")
    wish = {"name": NAME, "expires_at": f"{clock.now() + timedelta(days=30):%Y-%m-%d}", "scope": "account:read"}
    grace.wait()
    grace.prove(client.submit("/account/tokens", **wish))
    made = re.search(r"pat_[\w-]+", client.submit("/account/tokens", **wish).html)
    assert made
    assert opens(client, made[0])
    page = client.get("/account/tokens")
    assert NAME in page
    assert made[0] not in page.html
    assert "was deleted" in client.submit("/account/tokens", action="/delete").follow()
    assert not opens(client, made[0])
    _is_told(client.api("GET", "me/events?limit=200").body)


@pytest.mark.parametrize("way", WAYS)
def test_she_looks_after_them_by_program(
    way: str, client: Browser, auth_app: Flask, outbox: Outbox, sign_in_via: SignInVia, clock: SetClock
) -> None:
    pages = OnPages(way, client.browser(), outbox, sign_in_via, clock)
    assert pages.enter("/sign-up").path == "/account"
    held = LetIn(auth_app, pages.client)  # what an application asks for is agreed to on a page, always
    grace = ByProgram(way, client, outbox, sign_in_via, clock)
    grace.key = pages.key
    grace.wait()
    grace.take(grace.go())
    [one] = grace.call("GET", "me/grants").body
    assert (one["client_id"], "email" in one["scopes"]) == (held.shop.id, True)
    grace.call("DELETE", f"me/grants/{held.shop.id}", expect=204)
    held.has_nothing_more(clock)
    assert grace.call("GET", "me/grants").body == []
    wish = {"name": NAME, "scopes": ["account:read"], "expires_at": (clock.now() + timedelta(days=30)).isoformat()}
    grace.fresh(lambda: client.api("POST", "me/tokens", wish, token=grace.access))
    made = grace.call("POST", "me/tokens", wish, 201)
    assert opens(client, made["token"])
    [listed] = grace.call("GET", "me/tokens").body
    assert (listed["name"], "token" in listed) == (NAME, False)
    grace.call("DELETE", f"me/tokens/{made['id']}", expect=204)
    assert not opens(client, made["token"])
    _is_told(grace.call("GET", "me/events?limit=200").body)


def _is_told(events: list[dict[str, str]]) -> None:
    """The history is the same whichever way it was done."""
    assert {"consent_given", "consent_withdrawn", "token_made", "token_removed"} <= {event["kind"] for event in events}
