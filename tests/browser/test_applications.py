"""Whether everybody can use the pages on the way to an application, and those of what applications hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from authenticator.applications import OWN, Assignment, Grant, Permission
from authenticator.clock import SetClock
from authenticator.models import Client
from authenticator.service import Service
from authenticator.testing.asking import VERIFIER, Asking
from authenticator.testing.people import Account, AsUser
from tests.browser.elsewhere import Elsewhere
from tests.browser.everybody import enter

Look = Callable[[str], None]
ORDERS = Permission("orders:read", "See your orders")
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"


@pytest.fixture
def auth_settings(live_url: str) -> dict[str, Any]:
    return {"PUBLIC_URL": live_url, "OIDC_PEOPLE_REGISTER": "true"}


@pytest.fixture
def auth(auth_app: Flask) -> Service:
    found: Service = auth_app.extensions["authenticator"]
    return found


@pytest.fixture
def shop(auth: Service, elsewhere: Elsewhere) -> Asking:
    return an_application(auth, elsewhere, permissions=(ORDERS,), policy_uri=f"{elsewhere.origin}/privacy")


def an_application(auth: Service, elsewhere: Elsewhere, **facts: Any) -> Asking:
    scopes = ("openid", "profile", "email", "phone", "offline_access", "orders:read")
    return Asking.of(auth, **{"redirect_uris": (elsewhere.callback,), "scopes": scopes, **facts})


def ask(page: Page, live: str, shop: Asking, **other: str) -> None:
    page.goto(f"{live}/oauth/authorize?{urlencode(shop.parameters(**other))}")


def test_the_pages_on_the_way_to_an_application(
    page: Page, live: str, auth: Service, shop: Asking, elsewhere: Elsewhere, as_user: AsUser, clock: SetClock, look: Look
) -> None:
    enter(page, live, as_user())
    ask(page, live, shop, scope="openid profile email orders:read")
    look("consent")
    page.get_by_role("button", name="Allow", exact=True).click()
    page.get_by_role("heading", name="Back in the shop").wait_for()
    stranger = an_application(auth, elsewhere, registration="dynamic", name="A Free Photo Printer With a Long Name")
    ask(page, live, stranger, scope="openid profile phone offline_access")
    expect(page.locator(".alert")).to_contain_text("Nobody here has checked")
    look("consent-stranger")
    ask(page, live, shop, prompt="select_account")
    page.get_by_role("heading", name="Which account?").wait_for()
    look("select-account")
    ask(page, live, shop, claims='{"id_token": {"sub": {"value": "somebody else"}}}')
    page.get_by_role("heading", name="Another account is wanted").wait_for()
    look("another-account")
    clock.advance(minutes=6)
    ask(page, live, shop, prompt="login")
    page.get_by_role("heading", name="Confirm that it is you").wait_for()
    look("confirm-for-an-application")
    assert "code" in elsewhere.arrived[0]


@pytest.mark.parametrize("javascript", [False], ids=["without scripts"])
def test_an_answer_by_form_needs_one_click_without_scripts(
    page: Page, live: str, shop: Asking, elsewhere: Elsewhere, as_user: AsUser, javascript: bool
) -> None:
    enter(page, live, as_user())
    ask(page, live, shop, response_mode="form_post")
    page.get_by_role("button", name="Allow", exact=True).click()
    expect(page.get_by_role("heading", name="Back to Shop")).to_be_visible()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("heading", name="Back in the shop").wait_for()
    assert {"code", "state", "iss"} <= set(elsewhere.arrived[-1])


def test_the_page_that_posts_an_answer(page: Page, live: str, shop: Asking, elsewhere: Elsewhere, as_user: AsUser, look: Look) -> None:
    enter(page, live, as_user())
    page.route("**/form_post.js*", lambda route: route.abort())  # axe-core needs scripts itself, so they stay on
    ask(page, live, shop, response_mode="form_post")
    page.get_by_role("button", name="Allow", exact=True).click()
    page.get_by_role("heading", name="Back to Shop").wait_for()
    look("form-post")
    page.unroute("**/form_post.js*")
    ask(page, live, shop, response_mode="form_post")
    page.get_by_role("heading", name="Back in the shop").wait_for()
    assert "code" in elsewhere.arrived[-1], "with scripts it goes by itself"


def test_the_pages_of_a_device(page: Page, live: str, auth: Service, elsewhere: Elsewhere, as_user: AsUser, look: Look) -> None:
    grants = ("urn:ietf:params:oauth:grant-type:device_code",)
    telly = an_application(auth, elsewhere, name="Telly", grants=grants, redirect_uris=()).application
    enter(page, live, as_user())
    page.goto(f"{live}/device")
    look("device")
    page.get_by_label("Code").fill("BCDF-GHJK")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("alert").wait_for()
    look("device-refused")
    for decision, told in (("Do not allow", "not let in"), ("Allow", "being let in")):
        begun = auth.begin_device(telly, scope="openid profile", resources=(), client=Client())
        page.goto(f"{live}/device?user_code={begun.user_code}")
        page.get_by_role("button", name="Continue").click()
        page.get_by_role("heading", name="Let Telly in").wait_for()
        if decision == "Allow":
            look("device-asked")
        page.get_by_role("button", name=decision, exact=True).click()
        expect(page.get_by_role("status")).to_contain_text(told)
        look(f"device-{decision.lower().replace(' ', '-')}")


def test_the_pages_to_sign_out_of_an_application(
    page: Page, live: str, auth_app: Flask, auth: Service, elsewhere: Elsewhere, as_user: AsUser, look: Look
) -> None:
    facts = {"post_logout_redirect_uris": (f"{elsewhere.origin}/bye",), "frontchannel_logout_uri": f"{elsewhere.origin}/out"}
    shop = an_application(auth, elsewhere, trusted=True, auth_method="none", **facts)
    enter(page, live, as_user())
    ask(page, live, shop)
    page.get_by_role("heading", name="Back in the shop").wait_for()
    redeem(auth_app, shop, elsewhere)
    leave = {"client_id": shop.application.id, "post_logout_redirect_uri": f"{elsewhere.origin}/bye", "state": "s"}
    page.goto(f"{live}/oauth/logout?{urlencode(leave)}")
    page.get_by_role("heading", name="Sign out?").wait_for()
    look("sign-out-asked")
    page.goto(f"{live}/oauth/logout")
    look("sign-out-asked-by-nobody")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="You are signed out").wait_for()
    assert page.locator("iframe").get_attribute("src", timeout=5000).startswith(f"{elsewhere.origin}/out")
    page.goto(f"{live}/oauth/logout")
    look("signed-out")


def redeem(auth_app: Flask, shop: Asking, elsewhere: Elsewhere) -> None:
    """The application takes what it was given."""
    facts = {"grant_type": "authorization_code", "client_id": shop.application.id, "redirect_uri": elsewhere.callback}
    code = {"code": elsewhere.arrived[-1]["code"], "code_verifier": VERIFIER}
    answer = auth_app.test_client().post("/oauth/token", data={**facts, **code}, base_url=shop.auth.settings.public_url)
    assert answer.status_code == 200, answer.text


def hold(auth: Service, person: Account, name: str, scopes: tuple[str, ...], *, keys: int = 1, **more: Any) -> None:
    """An application of this name that was let have something, and the sign-ins it was given."""
    shop = Asking.of(auth, name=name, **more)
    user, now = auth.find_user(person.id), auth.core.clock.now()
    assert auth.core.store.save_grant(Grant(user.id, shop.application.id, now, now, scopes, ()))
    auth.core.store.note_read(user.id, shop.application.id, scopes[1:3], now)
    parent = auth.core.store.session_by_id(person.session_id)
    assert parent
    for number in range(keys):
        key = f"{shop.application.id}-{number}"
        facts = {"kind": "grant", "application": shop.application.id, "parent": parent.id, "scopes": scopes, "offline": number == 1}
        auth.core.store.open_session(replace(parent, id=key, cookie=None, refresh=f"digest-{key}", created_at=now, **facts))
        auth.core.clock.advance(minutes=2)
        auth.core.store.touch_session(key, auth.core.clock.now(), client=Client("203.0.113.9", SAFARI))


def test_the_pages_of_applications_that_the_readme_shows(
    page: Page, live: str, auth: Service, as_user: AsUser, picture: Callable[[Page, str], Path]
) -> None:
    ada = as_user("ada@example.com")
    auth.assign("operator", auth.find_user(ada.id), Assignment(OWN, role="administrator"))
    enter(page, live, ada)
    page.set_viewport_size({"width": 760, "height": 900})
    ask(page, live, Asking.of(auth, name="Photo album", redirect_uris=("https://photos.example/callback",)), scope="openid profile email")
    page.get_by_role("heading", name="Allow Photo album?").wait_for()
    picture(page, "consent")
    hold(auth, ada, "Photo album", ("openid", "profile", "email"), redirect_uris=("https://photos.example/callback",))
    hold(auth, ada, "Music", ("openid", "profile"), redirect_uris=("https://music.example/callback",))
    page.goto(f"{live}/account/applications")
    picture(page, "applications")
    page.goto(f"{live}/admin")
    picture(page, "administration")


def test_the_pages_of_what_applications_hold(page: Page, live: str, auth: Service, as_user: AsUser, look: Look) -> None:
    ada = as_user()
    enter(page, live, ada)
    page.goto(f"{live}/account/applications")
    look("applications-none")
    hold(auth, ada, "Photos", ("openid", "profile", "email", "offline_access"), keys=2, redirect_uris=("https://photos.example/back",))
    hold(auth, ada, "Music", ("openid", "profile"), keys=0)
    page.goto(f"{live}/account/applications")
    look("applications")
    page.get_by_role("button", name="End the sign-in of Photos 1").click()
    expect(page.get_by_role("status")).to_contain_text("was ended")
    expect(page.get_by_role("button", name="End the sign-in of Photos")).to_have_count(1)
    page.get_by_role("button", name="Remove access of Photos").click()
    expect(page.get_by_role("heading", name="Photos")).to_have_count(0)


def test_the_pages_of_access_tokens(page: Page, live: str, as_user: AsUser, look: Look) -> None:
    enter(page, live, as_user())
    page.goto(f"{live}/account/tokens")
    look("tokens-none")
    page.get_by_role("button", name="Make the token").click()
    page.get_by_role("alert").first.wait_for()
    look("tokens-refused")
    page.get_by_label("Name", exact=True).fill("Backup at home")
    page.get_by_label("See everything in your account").check()
    page.get_by_role("button", name="Make the token").click()
    page.get_by_role("heading", name="Your new token").wait_for()
    look("tokens-made")
    page.goto(f"{live}/account/tokens")
    look("tokens")


def test_the_pages_of_ones_own_applications(page: Page, live: str, as_user: AsUser, look: Look) -> None:
    enter(page, live, as_user())
    page.goto(f"{live}/account/own-applications")
    look("own-applications-none")
    page.get_by_role("button", name="Register it").click()
    page.get_by_role("alert").first.wait_for()
    look("own-applications-refused")
    page.get_by_label("Name").fill("My shop")
    page.locator("#redirect_uris").fill("https://shop.example/callback")
    page.get_by_role("button", name="Register it").click()
    page.get_by_role("heading", name="Its new secret").wait_for()
    look("own-application-made")
    page.goto(f"{live}/account/own-applications")
    look("own-applications")
