"""Whether nginx, Traefik and Caddy, with the files in deploy/, let in whom the door lets in, and hand on nothing but what it says."""

from __future__ import annotations

import json
import posixpath
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import pytest
from werkzeug.serving import make_server

from authenticator.applications import Application, Assignment, Permission
from authenticator.testing.people import PASSWORD

from .proxies import APP, AUTH, KINDS, Answer, Proxy, application, running

if TYPE_CHECKING:
    from flask import Flask

    from authenticator.service import Service
    from authenticator.testing.people import Account, AsUser

pytestmark = pytest.mark.interop
SPELLINGS = (
    "/reports",
    "/reports?x=/",
    "/reports%2f1",
    "/reports%2F1",
    "/%72eports/1",
    "/r%65ports%2f1",
    "//reports/1",
    "/%2freports/1",
    "/./reports/1",
    "/%2e/reports/1",
    "/x/../reports/1",
    "/x/%2e%2e/reports/1",
    "/x/..%2freports/1",
    "/x%2f..%2freports/1",
    "/reports%5c1",
    "/reports/../reports/1",
    "/other/..//reports/1",
)
DEEP = "/things/7?from=2026-01-01&to=2026-02-01&tag=a%20b&tag=c&url=https%3A%2F%2Fx.example%2F%3Fa%3Db"
PAGE = {"Accept": "text/html,application/xhtml+xml"}
FORGED = {
    "X-Auth-User": "1",
    "x-auth-email": "root@example.com",
    "X-AUTH-NAME": "root",
    "X-Auth-Permissions": "reports:read users:write",
    "X-Auth-Token": "forged",
    "X-Auth-Sign-In": "forged",
    "X_Auth_User": "forged",
    "X-Auth_User": "forged",
    "X_Auth-Permissions": "forged",
    "x_auth_email": "forged",
}


@pytest.fixture
def auth_settings() -> dict[str, Any]:
    return {
        "PUBLIC_URL": f"https://{AUTH}",
        "TRUSTED_PROXIES": "127.0.0.1",
        "RETURN_ORIGINS": f'["https://{APP}"]',
        "DOOR_COOKIE_DOMAIN": "example.com",
    }


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'authenticator.db'}"


@pytest.fixture(params=sorted(KINDS))
def proxy(request: pytest.FixtureRequest, auth_app: Flask, tmp_path: Path) -> Iterator[Proxy]:
    server = make_server("127.0.0.1", 0, auth_app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with application() as behind, running(request.param, tmp_path / "proxy", server.server_port, behind) as proxy:
        proxy.__dict__["stop_service"] = server.shutdown
        yield proxy
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def service(auth_app: Flask) -> Service:
    found: Service = auth_app.extensions["authenticator"]
    return found


@pytest.fixture
def ada(as_user: AsUser) -> Account:
    return as_user("ada@example.com")


def ask(proxy: Proxy, path: str, jar: Mapping[str, str] | None = None, *, host: str = APP, **more: Any) -> Answer:
    headers = {**more.pop("headers", PAGE), **({"Cookie": "; ".join(f"{k}={v}" for k, v in jar.items())} if jar else {})}
    return proxy.ask(host, path, headers=headers, **more)


def only(jar: Mapping[str, str], host: str) -> dict[str, str]:
    """The cookies that a browser would send to this host."""
    return {name: value for name, value in jar.items() if value and (host == AUTH or not name.startswith("__Host-"))}


def sign_in(proxy: Proxy, url: str, email: str) -> tuple[Answer, dict[str, str]]:
    """Through the proxy, by the page at this URL; its last answer, and the browser's cookies."""
    parts = urlsplit(url)
    assert parts.netloc == AUTH
    page = ask(proxy, f"{parts.path}?{parts.query}", host=AUTH)
    jar = dict(page.cookies)
    text = page.body.decode()
    token = re.search(r'name="csrf_token" value="([^"]+)"', text)
    assert token
    fields = {"csrf_token": token[1], "email": email, "password": PASSWORD, **{k: v[0] for k, v in parse_qs(parts.query).items()}}
    form = {**PAGE, "Content-Type": "application/x-www-form-urlencoded"}
    done = ask(proxy, "/sign-in/password", jar, host=AUTH, method="POST", headers=form, body=urlencode(fields).encode())
    return done, {**jar, **done.cookies}


def test_a_person_is_led_to_the_sign_in_and_back_to_the_very_page(proxy: Proxy, ada: Account) -> None:
    sent = ask(proxy, DEEP)
    assert sent.status == 303
    assert parse_qs(urlsplit(sent.location).query) == {"return_to": [f"https://{APP}{DEEP}"]}
    done, jar = sign_in(proxy, sent.location, ada.email)
    assert (done.status, done.location) == (303, f"https://{APP}{DEEP}")
    there = ask(proxy, DEEP, only(jar, APP), headers=PAGE | FORGED)
    assert there.status == 200
    assert there.seen["x-auth-user"] == ada.id
    assert there.seen["x-auth-email"] == ada.email
    assert there.seen["x-auth-name"] == "Ada Lovelace"
    assert not {"forged", "root", "1"} & set(there.seen.values()), there.seen
    assert not [name for name in there.seen if "_" in name]
    assert "root" not in str(there.seen)


def test_nobody_gets_in_by_writing_headers_herself(proxy: Proxy, service: Service) -> None:
    for headers in (FORGED, PAGE | FORGED, {"X-Original-URL": "https://evil.example/", "X-Forwarded-User": "1"}):
        for path in ("/", "/reports/1", "/static/x.css", "/verify", "/-/door", "/./", "//"):
            answer = proxy.ask(APP, path, headers=headers)
            assert answer.status in (301, 303, 307, 308, 401, 403, 404), (path, answer)
            assert "evil" not in answer.location
    lie = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Uri": "/evil",
        "X-Forwarded-Proto": "http",
        "X-Original-URL": f"https://{APP}/evil",
    }
    assert "evil" not in ask(proxy, "/", headers=PAGE | lie).location


def test_a_program_comes_with_a_token_and_is_told_401_without(proxy: Proxy, ada: Account) -> None:
    bearer = {"Authorization": f"Bearer {ada.access_token}"}
    sent = ask(proxy, "/things", headers=bearer | {"Content-Type": "text/plain"}, method="POST", body=b"hello")
    assert sent.status == 200
    assert sent.seen["x-auth-user"] == ada.id
    assert b'"body": "hello"' in sent.body
    assert ask(proxy, "/things", headers={"Accept": "application/json"}).status == 401
    assert ask(proxy, "/things", headers={"Authorization": "Bearer broken"}).status == 401
    assert ask(proxy, "/things", headers={}, method="POST", body=b"x").status == 401


def test_a_place_is_for_those_with_its_permission(proxy: Proxy, ada: Account, service: Service) -> None:
    now = service.core.clock.now()
    service.core.store.add_application(Application("app_reports", "Reports", now, now, permissions=(Permission("reports:read"),)))
    bearer = {"Authorization": f"Bearer {ada.access_token}"}
    assert ask(proxy, "/reports/1", headers=bearer).status == 403
    assert ask(proxy, "/other", headers=bearer).status == 200
    user = service.user(ada.id)
    assert user
    service.core.store.save_user(replace(user, assignments=(Assignment("app_reports", permission="reports:read"),)))
    there = _until(lambda: ask(proxy, "/reports/1", headers=bearer), 200)
    assert there.seen["x-auth-permissions"] == "reports:read"
    assert ask(proxy, "/reports/1").status == 303


def test_no_other_spelling_of_a_place_gets_round_its_permission(proxy: Proxy, ada: Account) -> None:
    """Applications unquote a path once, and many resolve dots, or take two slashes for one."""
    let_in = {}
    for path in SPELLINGS:
        answer = ask(proxy, path, headers={"Authorization": f"Bearer {ada.access_token}"})
        if answer.status == 200:
            read = unquote(json.loads(answer.body)["path"].partition("?")[0])
            let_in[path] = posixpath.normpath("/" + read.lstrip("/"))
    assert not {path: read for path, read in let_in.items() if read.startswith("/reports")}


def test_who_signed_out_or_was_suspended_is_out_within_a_second(proxy: Proxy, ada: Account, service: Service) -> None:
    from authenticator.models import Status

    _, jar = sign_in(proxy, f"https://{AUTH}/sign-in", ada.email)
    assert ask(proxy, "/", only(jar, APP)).status == 200
    service.change_status(service.find_user(ada.id), Status.SUSPENDED, why="a test", by="operator")
    assert ask(proxy, "/", only(jar, APP)).status == 303
    assert ask(proxy, "/", headers={"Authorization": f"Bearer {ada.access_token}"}).status == 401


def test_where_the_service_is_away_nobody_gets_in(proxy: Proxy, ada: Account) -> None:
    bearer = {"Authorization": f"Bearer {ada.access_token}"}
    assert ask(proxy, "/", headers=bearer).status == 200
    proxy.__dict__["stop_service"]()
    proxy.__dict__["closed"] = True
    assert ask(proxy, "/", headers=bearer).status >= 400


def _until(again: Any, status: int) -> Answer:
    import time

    end = time.monotonic() + 5
    while True:
        answer: Answer = again()
        if answer.status == status or time.monotonic() > end:
            assert answer.status == status
            return answer
        time.sleep(0.1)
