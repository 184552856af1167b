"""The door for reverse proxies: who it is, whether she may, and where to sign in."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

import jwt
import pytest

from authenticator.applications import OWN, Application, Assignment, Permission

if TYPE_CHECKING:
    from flask import Flask

    from authenticator.clock import SetClock
    from authenticator.service import Service
    from authenticator.testing.client import Browser, Page
    from authenticator.testing.people import Account, AsUser, SignInVia

APP = "https://app.example.com"
DEEP = "/reports/7?from=2026-01-01&to=2026-02-01&tag=a%20b&tag=c"
IDENTITY = ("X-Auth-User", "X-Auth-Email", "X-Auth-Name", "X-Auth-Permissions", "X-Auth-Token")


@pytest.fixture
def auth_settings() -> dict[str, Any]:
    return {"TRUSTED_PROXIES": "127.0.0.1", "RETURN_ORIGINS": f'["{APP}"]', "DOOR_COOKIE_DOMAIN": "localhost.example"}


@pytest.fixture
def service(auth_app: Flask) -> Service:
    found: Service = auth_app.extensions["authenticator"]
    return found


@pytest.fixture
def ada(as_user: AsUser) -> Account:
    return as_user("ada@example.com", given_name="Zoë", family_name="Müller, 100%")


def at(browser: Browser, query: str = "", **headers: str) -> Page:
    return browser.get(f"/verify{query}", headers={name.replace("_", "-"): value for name, value in headers.items()})


def bearer(browser: Browser, token: str, query: str = "", scheme: str = "Bearer") -> Page:
    return at(browser, query, Authorization=f"{scheme} {token}")


def test_a_browser_and_a_token_are_let_in_under_the_same_name(client: Browser, ada: Account) -> None:
    for page in (at(ada.browser()), bearer(client, ada.access_token)):
        assert page.status == 200
        assert page.headers["X-Auth-User"] == ada.id
        assert page.headers["X-Auth-Email"] == "ada@example.com"
        assert page.headers["X-Auth-Name"] == "Zo%C3%AB M%C3%BCller%2C 100%25"
        assert unquote(page.headers["X-Auth-Name"]) == "Zoë Müller, 100%"
        assert page.headers["X-Auth-Permissions"] == ""
        assert page.headers["X-Auth-Token"].count(".") == 2
        assert page.headers["Cache-Control"] == "no-store"
        assert "Cookie" in page.headers["Vary"]


def test_nobody_is_sent_to_sign_in_and_every_header_is_empty(client: Browser) -> None:
    page = at(client)
    assert page.status == 401
    assert [page.headers[name] for name in IDENTITY] == [""] * 5
    assert page.headers["WWW-Authenticate"] == "Bearer"
    assert page.headers["X-Auth-Sign-In"] == "http://localhost:8000/sign-in"
    assert page.headers["Cache-Control"] == "no-store"


def test_who_need_not_sign_in_is_nobody(client: Browser, ada: Account) -> None:
    page = at(client, "?optional=1")
    assert page.status == 200
    assert [page.headers[name] for name in IDENTITY] == [""] * 5
    assert at(ada.browser(), "?optional=1").headers["X-Auth-User"] == ada.id
    assert bearer(client, "broken", "?optional=1").status == 401
    assert at(client, "?optional=1&permission=users:read").status == 401


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
def test_a_proxy_may_pass_on_any_method(ada: Account, method: str) -> None:
    assert ada.browser()._open(method, "/verify").status == 200


def test_a_permission_is_asked_for_here_and_in_an_application(client: Browser, ada: Account, service: Service, clock: SetClock) -> None:
    now = clock.now()
    declared = (Permission("reports:read"), Permission("reports:write"))
    service.core.store.add_application(Application("app_x", "X", now, now, permissions=declared))
    user = service.user(ada.id)
    assert user
    given = (Assignment("app_x", permission="reports:read", resource="projects/7"), Assignment("app_x", permission="reports:write"))
    assert service.core.store.save_user(replace(user, assignments=(*given, Assignment(OWN, permission="users:read"))))
    expected = {
        "?permission=users:read": 200,
        "?permission=users:write": 403,
        "?permission=reports:write": 403,
        "?permission=reports:write&application=app_x": 200,
        "?permission=reports:read&application=app_x": 403,
        "?permission=reports:read&application=app_x&resource=projects/7": 200,
        "?permission=reports:read&application=app_x&resource=projects/8": 403,
        "?permission=reports:read&application=app_nowhere": 403,
        "?permission=reports:read&application=app_x&resource=projects/../7": 400,
    }
    for query, status in expected.items():
        assert bearer(client, ada.access_token, query).status == status, query
    page = bearer(client, ada.access_token, "?application=app_x")
    assert page.headers["X-Auth-Permissions"] == "reports:write"
    assert bearer(client, ada.access_token).headers["X-Auth-Permissions"] == "users:read"


@pytest.mark.parametrize(
    "query",
    [
        "?permisson=x",
        "?permission=",
        "?permission=a&permission=b",
        "?optional=yes",
        "?resource=x",
        "?a",
        "?x=1",
        "?permission=a&resource=%ff",
    ],
)
def test_a_slip_of_the_pen_opens_nothing(ada: Account, query: str) -> None:
    assert at(ada.browser(), query).status == 400


def test_the_way_back_is_kept_with_all_its_parameters(client: Browser) -> None:
    told = {"X_Forwarded_Proto": "https", "X_Forwarded_Host": "app.example.com", "X_Forwarded_Uri": DEEP}
    for headers in (told, {"X_Original_URL": APP + DEEP}):
        url = at(client, **headers).headers["X-Auth-Sign-In"]
        assert parse_qs(urlsplit(url).query) == {"return_to": [APP + DEEP]}
    stranger = client.browser(address="203.0.113.9")
    assert "return_to" not in at(stranger, **told).headers["X-Auth-Sign-In"]
    assert "return_to" not in at(client, **(told | {"X_Forwarded_Host": "evil.example"})).headers["X-Auth-Sign-In"]


def test_a_deep_link_survives_the_sign_in_with_a_password(client: Browser, ada: Account) -> None:
    url = at(client, X_Original_URL=APP + DEEP).headers["X-Auth-Sign-In"]
    page = client.browser().submit(url, email=ada.email, password=ada.password)
    assert (page.status, page.location) == (303, APP + DEEP)


def test_a_deep_link_survives_the_sign_in_at_a_provider(client: Browser, sign_in_via: SignInVia) -> None:
    journey = sign_in_via("google", "grace@example.com", return_to=APP + DEEP)
    assert journey.page.location == APP + DEEP
    assert at(journey.page.browser).headers["X-Auth-Email"] == "grace@example.com"


def test_a_registered_origin_of_an_application_may_be_returned_to(client: Browser, service: Service, clock: SetClock) -> None:
    now = clock.now()
    service.core.store.add_application(Application("app_y", "Y", now, now, origins=("https://y.example",)))
    service.core.store.add_application(Application("app_z", "Z", now, now, registration="dynamic", origins=("https://z.example",)))
    assert service.allowed_return("https://y.example/a?b=c") == "https://y.example/a?b=c"
    assert service.allowed_return("https://z.example/a") == ""


def test_a_browser_is_sent_on_where_the_proxy_hands_our_answer_out(client: Browser) -> None:
    page = at(client, "?redirect=1", Accept="text/html", X_Original_URL=APP + DEEP)
    assert page.status == 303
    assert parse_qs(urlsplit(page.headers["Location"]).query) == {"return_to": [APP + DEEP]}
    assert at(client, "?redirect=1", Accept="application/json").status == 401
    assert at(client, "?redirect=1", Accept="text/html", X_Forwarded_Method="POST").status == 401
    assert at(client, "?redirect=1", Accept="text/html", Sec_Fetch_Mode="cors").status == 401


def test_an_application_is_handed_a_short_token_that_opens_nothing_here(client: Browser, ada: Account) -> None:
    page = at(ada.browser())
    token = page.headers["X-Auth-Token"]
    assert token
    assert client.api("GET", "me", token=token).status == 403
    assert bearer(client, token).status == 401, "an application that is handed it must not go on to the next one with it"
    assert at(ada.browser(), "?token=0").headers["X-Auth-Token"] == ""
    assert bearer(client, ada.access_token).headers["X-Auth-Token"] == ada.access_token


def test_the_handed_token_dies_soon_and_with_its_session(client: Browser, ada: Account, clock: SetClock, service: Service) -> None:
    browser = ada.browser()
    token = at(browser).headers["X-Auth-Token"]
    clock.advance(seconds=131)
    assert bearer(client, token).status == 401
    service.end_sessions(service.find_user(ada.id), "ended_by_owner", service.core.store.session_by_id(ada.session_id).client)
    assert at(browser).status == 401


def test_the_handed_token_tells_of_proof_that_was_just_shown_again(ada: Account, clock: SetClock) -> None:
    browser = ada.browser()
    before = _claims(at(browser).headers["X-Auth-Token"])
    clock.advance(seconds=30)
    asked = browser.submit("/confirm?return_to=/account", action="/account/confirm/password").follow()
    assert browser.submit(asked, password=ada.password).status == 303
    after = _claims(at(browser).headers["X-Auth-Token"])
    assert after["sid"] == before["sid"]
    assert after["auth_time"] > before["auth_time"]


def test_a_personal_token_tells_only_what_its_scopes_allow(client: Browser, ada: Account, clock: SetClock) -> None:
    def made(*scopes: str) -> str:
        wish = {"name": "x", "scopes": list(scopes), "expires_at": (clock.now() + timedelta(days=1)).isoformat()}
        token: str = client.api("POST", "me/tokens", wish, token=ada.access_token)["token"]
        return token

    page = bearer(client, made("openid"))
    assert [page.headers[name] for name in IDENTITY] == [ada.id, "", "", "", ""]
    assert bearer(client, made("openid", "email")).headers["X-Auth-Email"] == "ada@example.com"
    assert bearer(client, made("account:read")).headers["X-Auth-Token"] == ""
    assert bearer(client, made("email")).status == 403


def test_the_cookie_of_sub_domains_opens_the_door_and_nothing_else(client: Browser, ada: Account) -> None:
    cookies = dict(_cookies(ada.sign_in(client.browser())))
    door = cookies["auth_door"]
    assert at(holding(client, "auth_door", door)).headers["X-Auth-User"] == ada.id
    for name in ("auth_session", "auth_door"):
        stranger = holding(client, name, door)
        assert stranger.api("GET", "me").status == 401
        assert stranger.get("/account").status == 303
    assert at(holding(client, "auth_session", door)).status == 401
    assert at(holding(client, "auth_door", cookies["auth_session"])).status == 401
    for broken in (door[:-1], door + "A", door.partition(".")[0], "." + door.partition(".")[2], "ä", ""):
        assert at(holding(client, "auth_door", broken)).status == 401


def test_the_cookie_of_sub_domains_ends_with_the_sign_in(client: Browser, ada: Account) -> None:
    browser = client.browser()
    door = dict(_cookies(ada.sign_in(browser)))["auth_door"]
    assert at(holding(client, "auth_door", door)).status == 200
    page = browser.submit("/account", action="/sign-out")
    assert dict(_cookies(page))["auth_door"] == ""
    assert at(holding(client, "auth_door", door)).status == 401


def test_who_is_signed_in_already_is_given_the_cookie_of_sub_domains_again(ada: Account) -> None:
    browser = ada.browser()
    page = browser.get("/sign-in", query_string={"return_to": APP})
    assert page.location == APP
    assert dict(_cookies(page)).get("auth_door")


def test_an_application_behind_the_proxy_may_use_other_kinds_of_authorization(ada: Account) -> None:
    assert at(ada.browser(), Authorization="Basic YTpi").status == 200
    assert at(ada.browser(), Authorization="Bearer x").status == 401
    assert at(ada.browser(), Authorization=f"DPoP {ada.access_token}").status == 401


def holding(client: Browser, name: str, value: str) -> Browser:
    """A browser that has this cookie only."""
    browser = client.browser()
    browser._client.set_cookie(name, value, domain="localhost")
    return browser


def _claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def _cookies(page: Page) -> list[tuple[str, str]]:
    lines = [value for name, value in page.response.headers if name == "Set-Cookie"]
    return [(line.partition("=")[0], line.partition("=")[2].partition(";")[0]) for line in lines]
