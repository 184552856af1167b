"""FA, and the rows on tokens, sessions and CORS that concern /verify: nobody passes the door who may not, whatever breaks."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.serving import make_server

from authenticator.applications import OWN, Assignment
from authenticator.crypto import digest
from authenticator.errors import AuthError
from authenticator.models import Session, Status
from tests.attack.test_redirects import FOREIGN
from tests.attack.test_web import ORIGINS
from tests.interop.proxies import APP, Proxy, application, running

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.attack.conftest import Builder, House, Person, Visitor

IDENTITY = ("X-Auth-User", "X-Auth-Email", "X-Auth-Name", "X-Auth-Permissions", "X-Auth-Token")
SETTINGS = {"public_url": "https://auth.example.com", "return_origins": [f"https://{APP}"], "trusted_proxies": ["127.0.0.1"]}
COOKIE = "__Host-auth_session"
WITHIN = 1.0  # seconds


@pytest.fixture(scope="module")
def gate(build: Builder) -> House:
    """The service as it runs behind proxies that ask at its door."""
    return build(**SETTINGS, door_cookie_domain="example.com")


def cookie_of(browser: Visitor, name: str = COOKIE) -> str:
    found = browser.get_cookie(name, "auth.example.com") or browser.get_cookie(name, "example.com")
    return found.value if found else ""


def ask(house: House, cookie: str = "", token: str = "", query: str = "", **headers: str) -> TestResponse:
    sent = {**headers, **({"Cookie": f"{COOKIE}={cookie}"} if cookie else {}), **({"Authorization": f"Bearer {token}"} if token else {})}
    return house.visitor("127.0.0.1").get(f"/verify{query}", headers=sent)


def _gone(again: Callable[[], int]) -> bool:
    """Whether it is 401 for whoever asks a second later, or sooner."""
    end = time.monotonic() + WITHIN
    while time.monotonic() < end:
        if again() == 401:
            return True
        time.sleep(0.02)
    return again() == 401


@pytest.fixture
def through(gate: House, tmp_path: Path) -> Iterator[Callable[[str, str], int]]:
    """Ask through the real nginx, with the configuration of deploy/: the status of the application's page."""
    if not shutil.which("nginx", path="/usr/sbin:/usr/bin"):
        pytest.skip("needs nginx")
    server = make_server("127.0.0.1", 0, gate.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()

    def status(proxy: Proxy, cookie: str, token: str) -> int:
        headers = {"Cookie": cookie} if cookie else {}
        return proxy.ask(APP, "/", headers=headers | ({"Authorization": f"Bearer {token}"} if token else {})).status

    with application() as behind, running("nginx", tmp_path / "proxy", server.server_port, behind) as proxy:
        yield lambda cookie, token: status(proxy, cookie, token)
    server.shutdown()
    server.server_close()
    thread.join()


def _pending(house: House, person: Person) -> str:
    """A browser that has given the password of nobody, and is in the middle of a conversation."""
    browser = house.visitor()
    browser.send_form("/sign-in/password", {"email": person.email, "password": "wrong wrong wrong"})
    return cookie_of(browser, "__Host-auth_browser")


def _expired(house: House, person: Person, **facts: Any) -> str:
    store, now = house.service.core.store, house.service.core.clock.now()
    session = store.session_by_id(person.session)
    assert session
    cookie = f"cookie-{time.monotonic_ns()}"
    store.open_session(
        replace(session, id=cookie, cookie=digest(cookie), refresh=None, expires_at=now + timedelta(days=1))
        if not facts
        else replace(session, id=cookie, cookie=digest(cookie), refresh=None, **facts)
    )
    return cookie


def test_fa_01_twenty_states_of_a_session_through_the_real_nginx(gate: House, through: Callable[[str, str], int]) -> None:
    """A16.5.3: whoever is not signed in now is refused; whoever is, is let in."""
    person, now, service = gate.sign_up(), gate.clock.now(), gate.service
    browser = gate.browser_of(person)
    session, door = cookie_of(browser), cookie_of(browser, "__Secure-auth_door")
    good = {"door": (f"__Secure-auth_door={door}", ""), "session": (f"{COOKIE}={session}", ""), "token": ("", person.access)}
    for name, (cookie, token) in good.items():
        assert through(cookie, token) == 200, name
    out = gate.browser_of(person)
    left = cookie_of(out)
    out.send_form("/sign-out", {}, page="/account")
    suspended, deleted, killed = gate.sign_up(), gate.sign_up(), gate.sign_up()
    cookies = {
        name: cookie_of(gate.browser_of(one)) for name, one in {"suspended": suspended, "deleted": deleted, "killed": killed}.items()
    }
    gate.suspend(suspended)
    service.delete_account(_signed(gate, deleted), _signed(gate, deleted).session.client)
    assert gate.visitor().delete("/api/v1/me/sessions", headers=killed.bearer).status_code == 204
    bad = {
        "nobody": ("", ""),
        "empty cookie": (f"{COOKIE}=", ""),
        "made up": (f"{COOKIE}={'A' * 43}", ""),
        "one letter off": (f"{COOKIE}={session[:-1]}{'A' if session[-1] != 'A' else 'B'}", ""),
        "its digest": (f"{COOKIE}={digest(session)}", ""),
        "another name": (f"auth_session={session}", ""),
        "door as session": (f"{COOKIE}={door}", ""),
        "session as door": (f"__Secure-auth_door={session}", ""),
        "broken door": (f"__Secure-auth_door={door[:-1]}", ""),
        "signed out": (f"{COOKIE}={left}", ""),
        "expired": (f"{COOKIE}={_expired(gate, person, expires_at=now - timedelta(seconds=1))}", ""),
        "closed": (f"{COOKIE}={_expired(gate, person, closed_at=now)}", ""),
        "of a kind that is no sign-in": (f"{COOKIE}={_expired(gate, person, kind='token', scopes=('account',))}", ""),
        "half way in": (f"{COOKIE}={_pending(gate, person)}", ""),
        "suspended": (f"{COOKIE}={cookies['suspended']}", ""),
        "suspended, token": ("", suspended.access),
        "deleted": (f"{COOKIE}={cookies['deleted']}", ""),
        "killed": (f"{COOKIE}={cookies['killed']}", ""),
        "refresh token": ("", person.refresh),
        "a bad token beside a good cookie": (f"{COOKIE}={session}", "broken"),
        "very long": (f"{COOKIE}={'A' * 4000}", ""),
    }
    for name, (cookie, token) in bad.items():
        assert through(cookie, token) == 401, name


def _signed(house: House, person: Person) -> Any:
    found = house.service.signed_by_session(person.session)
    assert found
    return found


def test_fa_01_nobody_is_let_in_while_the_database_is_away(
    gate: House, through: Callable[[str, str], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    person = gate.sign_up()
    cookie = cookie_of(gate.browser_of(person))
    assert through(f"{COOKIE}={cookie}", "") == 200
    store = gate.service.core.store

    def away(*_: Any, **__: Any) -> Any:
        raise AuthError("store_unavailable", retry_after=2)

    for verb in ("session_by_cookie", "session_by_id", "user_by_id", "closed_since"):
        monkeypatch.setattr(store, verb, away)
    time.sleep(0.6)  # what was read counts that long
    for held in ((f"{COOKIE}={cookie}", ""), ("", person.access), (f"{COOKIE}={'A' * 43}", "")):
        assert through(*held) == 500  # nginx makes this of whatever is neither 2xx, 401 nor 403
    direct = ask(gate, cookie)
    assert (direct.status_code, direct.headers["Retry-After"]) == (503, "2")
    assert [direct.headers[name] for name in IDENTITY] == [""] * 5


@pytest.mark.parametrize("fault", [RuntimeError, KeyError, ValueError, MemoryError, RecursionError])
def test_fa_01_a_fault_of_ours_lets_nobody_in(gate: House, fault: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    person = gate.sign_up()
    cookie = cookie_of(gate.browser_of(person))

    def broken(*_: Any, **__: Any) -> Any:
        raise fault("inside")

    monkeypatch.setattr(gate.service.core.store, "session_by_cookie", broken)
    answer = ask(gate, cookie)
    assert answer.status_code == 500
    assert "inside" not in answer.text
    assert [answer.headers[name] for name in IDENTITY] == [""] * 5


def test_fa_01_a_resource_that_breaks_out_of_its_folder_is_no_question(gate: House) -> None:
    person = gate.sign_up()
    for resource in ("a/../b", "a//b", "a%2f..%2fb", "a/./b", "%2e%2e", "a\\b", "a*b"):
        assert ask(gate, token=person.access, query=f"?permission=users:read&resource={resource}").status_code in (400, 403)


def test_se_03_an_ended_sign_in_is_refused_within_a_second_on_every_node(gate: House, build: Builder) -> None:
    """Ended at one process, shown at another that shares only the database."""
    other = build(url=gate.url, **SETTINGS, door_cookie_domain="example.com")
    ways: dict[str, Callable[[Person], object]] = {
        "by herself": lambda one: gate.visitor().delete("/api/v1/me/sessions", headers=one.bearer),
        "signed out": lambda one: gate.service.end_sessions(
            gate.service.find_user(one.id), "signed_out", _signed(gate, one).session.client
        ),
        "suspended": gate.suspend,
        "closed": lambda one: gate.service.change_status(gate.service.find_user(one.id), Status.CLOSED, why="x", by="operator"),
        "password changed": lambda one: gate.service.require_reset(gate.service.find_user(one.id), by="operator"),
    }
    for name, end in ways.items():
        person = gate.sign_up()
        browser = gate.browser_of(person)
        cookie, door = cookie_of(browser), cookie_of(browser, "__Secure-auth_door")
        for house in (gate, other):
            assert ask(house, cookie).status_code == 200
            assert ask(house, Cookie=f"__Secure-auth_door={door}").status_code == 200
        end(person)
        for house in (gate, other):
            assert _gone(lambda house=house, cookie=cookie: ask(house, cookie).status_code), name
            assert _gone(lambda house=house, door=door: ask(house, Cookie=f"__Secure-auth_door={door}").status_code), name


def test_se_03_a_changed_right_counts_within_a_second(gate: House, build: Builder) -> None:
    other = build(url=gate.url, **SETTINGS)
    person = gate.sign_up()
    user = gate.service.find_user(person.id)
    gate.service.assign("operator", user, Assignment(OWN, permission="users:read"))
    assert ask(other, token=person.access, query="?permission=users:read").status_code == 200
    gate.service.unassign("operator", gate.service.find_user(person.id), Assignment(OWN, permission="users:read"))
    assert _gone(lambda: {403: 401}.get(ask(other, token=person.access, query="?permission=users:read").status_code, 0))


@pytest.mark.parametrize("url", FOREIGN, ids=lambda url: ascii(url)[:50])
def test_fa_06_the_way_back_leads_to_no_foreign_address(manor_at_door: House, url: str) -> None:
    for headers in ({"X-Original-URL": url}, {"X-Forwarded-Proto": "https", "X-Forwarded-Host": url, "X-Forwarded-Uri": "/"}):
        try:
            answer = manor_at_door.visitor("127.0.0.1").get("/verify?redirect=1", headers={"Accept": "text/html", **headers})
        except (ValueError, UnicodeError):
            continue  # no client can send it, nor does a server take it
        sign_in = answer.headers["X-Auth-Sign-In"]
        assert sign_in.startswith("https://auth.example/sign-in")
        back = parse_qs(urlsplit(sign_in).query).get("return_to", [""])[0]
        assert back == "" or back.startswith(("https://app.example/", "/")), back
        assert not back.startswith(("//", "/\\"))


@pytest.fixture(scope="module")
def manor_at_door(build: Builder) -> House:
    return build(
        environment="production", public_url="https://auth.example", return_origins=["https://app.example"], trusted_proxies=["127.0.0.1"]
    )


def test_fa_06_who_is_no_proxy_of_ours_names_no_way_back(gate: House) -> None:
    answer = gate.visitor("203.0.113.7").get("/verify", headers={"X-Original-URL": f"https://{APP}/"})
    assert answer.headers["X-Auth-Sign-In"] == "https://auth.example.com/sign-in"


@pytest.mark.parametrize("name", ["access_token", "token", "jwt", "bearer", "session", "auth_session"])
def test_tk_11_a_token_in_the_address_opens_no_door(gate: House, name: str) -> None:
    person = gate.sign_up()
    answer = gate.visitor().get(f"/verify?{name}={person.access}")
    assert answer.status_code in (400, 401)
    assert person.access not in answer.text + str(answer.headers)
    forwarded = {"X-Forwarded-Uri": f"/?access_token={person.access}", "X-Forwarded-Host": APP, "X-Forwarded-Proto": "https"}
    assert ask(gate, **forwarded).status_code == 401


@pytest.mark.parametrize("origin", ORIGINS)
def test_wb_03_no_other_origin_reads_the_door(gate: House, origin: str) -> None:
    person = gate.sign_up()
    answer = gate.visitor().get("/verify", headers={"Origin": origin, **person.bearer})
    assert not [name for name, _ in answer.headers if name.lower().startswith("access-control")]


def test_tk_01_a_token_for_somebody_else_is_none_here(gate: House, build: Builder) -> None:
    stranger = build(**SETTINGS)
    assert ask(gate, token=stranger.sign_up().access).status_code == 401


@pytest.mark.parametrize("blank", ["\xa0", "\x85", "\x1c", "\x0b"], ids=ascii)
def test_se_01_a_cookie_that_a_sub_domain_may_set_passes_for_no_other(gate: House, blank: str) -> None:
    """Browsers keep `__Host-` for us alone, and let anybody beside us set the same name with a blank before it, which no reader may take away."""
    tossed = cookie_of(gate.browser_of(gate.sign_up()))
    assert ask(gate, tossed).status_code == 200
    assert gate.visitor().get("/verify", headers={"Cookie": f"{blank}{COOKIE}={tossed}"}).status_code == 401
    assert gate.visitor().get("/account", headers={"Cookie": f"{blank}{COOKIE}={tossed}"}).status_code in (303, 400)


def test_fa_01_what_is_stored_of_a_session_is_no_key(gate: House) -> None:
    """Who reads the database can make neither cookie: the digest alone opens nothing."""
    person = gate.sign_up()
    cookie = cookie_of(gate.browser_of(person))
    found = gate.service.core.store.session_by_cookie(digest(cookie), gate.clock.now())
    assert found
    session: Session = found[0]
    assert session.cookie
    for value in (session.cookie, f"{session.cookie}.", f"{session.cookie}.{'A' * 43}"):
        assert ask(gate, Cookie=f"__Secure-auth_door={value}").status_code == 401
