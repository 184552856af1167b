"""SE: planted, stolen, outlived and forged sessions, and requests that a browser is tricked into."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from authenticator.flows import sessions
from authenticator.models import Status

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.attack.conftest import Builder, House, Person, Visitor

COOKIES = ("session", "browser", "step")
EVIL = "https://evil.example"


def name_of(house: House, cookie: str) -> str:
    return f"{'__Host-' if house.service.settings.secure else ''}auth_{cookie}"


def value_of(house: House, browser: Visitor, cookie: str = "session") -> str:
    domain = house.service.settings.public_url.partition("://")[2]
    found = browser.get_cookie(name_of(house, cookie), domain)
    return found.value if found else ""


def with_cookie(house: House, value: str, cookie: str = "session") -> Visitor:
    browser = house.visitor()
    browser.set_cookie(name_of(house, cookie), value, domain=house.service.settings.public_url.partition("://")[2])
    return browser


def is_signed_in(browser: Visitor) -> bool:
    return browser.get("/account").status_code == 200


def set_cookies(answer: TestResponse) -> list[str]:
    return answer.headers.getlist("Set-Cookie")


def story(house: House) -> tuple[Person, list[TestResponse]]:
    """Sign-up, sign-out and sign-in on the pages: every answer that may set a cookie."""
    person = house.sign_up()
    browser = house.visitor()
    email = f"story{len(house.sink.sent)}@example.com"
    fields = {"email": email, "password": person.password, "given_name": "Ada", "family_name": "Byron"}
    answers = [browser.get("/"), browser.get("/sign-in"), browser.get("/sign-up")]
    answers.append(browser.send_form("/sign-up/password", fields, page="/sign-up"))
    code = house.mail_to(email)[-1].code
    answers.append(browser.send_form("/sign-in/verify", {"code": code}, page="/sign-in/verify"))
    answers.append(browser.send_form("/sign-out", {}, page="/account"))
    answers.append(browser.send_form("/sign-in/password", {"email": email, "password": person.password}))
    answers.append(browser.send_form("/account/confirm/password", {}, page="/account"))
    answers.append(browser.send_form("/sign-out", {}, page="/account"))
    return person, answers


def test_se_01_cookies_over_https_carry_every_flag(manor: House) -> None:
    """ASVS 5.0 3.3.1 to 3.3.4."""
    found = [line for answer in story(manor)[1] for line in set_cookies(answer)]
    assert {line.partition("=")[0] for line in found} == {f"__Host-auth_{name}" for name in COOKIES}
    for line in found:
        flags = {part.strip().lower() for part in line.split(";")[1:]}
        assert {"secure", "httponly", "path=/", "samesite=lax"} <= flags, line
        assert not any(flag.startswith("domain") for flag in flags)


def test_se_01_cookies_over_plain_http_carry_all_that_they_can(house: House) -> None:
    found = [line for answer in story(house)[1] for line in set_cookies(answer)]
    assert {line.partition("=")[0] for line in found} == {f"auth_{name}" for name in COOKIES}
    for line in found:
        flags = {part.strip().lower() for part in line.split(";")[1:]}
        assert {"httponly", "path=/", "samesite=lax"} <= flags, line
        assert not any(flag.startswith(("domain", "secure")) for flag in flags)


def test_se_01_sign_out_tells_the_browser_to_forget(house: House) -> None:
    browser = house.browser_of(house.sign_up())
    answer = browser.send_form("/sign-out", {}, page="/account")
    gone = [line for line in set_cookies(answer) if line.startswith("auth_session=")]
    assert gone
    assert "Max-Age=0" in gone[0] or "Expires=Thu, 01 Jan 1970" in gone[0]
    assert not value_of(house, browser)


def test_se_01_the_api_sets_no_cookie(house: House) -> None:
    person = house.sign_up()
    for answer in (house.try_password(person.email, person.password), house.get("/me", person.access), house.refresh(person.refresh)):
        assert not set_cookies(answer)


@pytest.mark.parametrize("planted", ["a" * 43, "attackers-own-session-id-that-he-knows-too", "", "0", "null"])
def test_se_02_a_planted_session_is_never_adopted(house: House, planted: str) -> None:
    """Session fixation, ASVS 5.0 7.2.4."""
    person = house.sign_up()
    victim = with_cookie(house, planted)
    victim.send_form("/sign-in/password", {"email": person.email, "password": person.password})
    assert value_of(house, victim) != planted
    assert is_signed_in(victim)
    assert not is_signed_in(with_cookie(house, planted))


def test_se_02_signing_in_again_gives_a_new_session_each_time(house: House) -> None:
    person = house.sign_up()
    values = {value_of(house, house.browser_of(person)) for _ in range(3)}
    assert len(values) == 3


def test_se_02_the_attackers_own_session_in_the_victims_browser_does_not_become_hers(house: House) -> None:
    eve, ada = house.sign_up(), house.sign_up()
    planted = value_of(house, house.browser_of(eve))
    victim = with_cookie(house, planted)
    victim.post("/sign-out", data={"csrf_token": victim.csrf("/account")})
    victim.send_form("/sign-in/password", {"email": ada.email, "password": ada.password})
    assert ada.email in victim.get("/account").text
    assert ada.email not in with_cookie(house, planted).get("/account").text


def test_se_02_confirming_gives_a_new_cookie_and_the_old_one_is_dead(house: House) -> None:
    """Step-up is a new privilege, so it is a new cookie."""
    person = house.sign_up()
    browser = house.browser_of(person)
    old = value_of(house, browser)
    begun = browser.send_form("/account/confirm/password", {}, page="/account")
    assert begun.status_code == 303
    done = browser.send_form("/sign-in/verify", {"password": person.password}, page="/sign-in/verify")
    assert done.status_code == 303, done.text
    assert value_of(house, browser) not in ("", old)
    assert is_signed_in(browser)
    assert not is_signed_in(with_cookie(house, old))


def test_se_02_somebody_elses_password_confirms_nothing(house: House) -> None:
    ada, eve = house.sign_up(), house.sign_up(password="nine herons on a quiet river")
    browser = house.browser_of(ada)
    browser.send_form("/account/confirm/password", {}, page="/account")
    answer = browser.send_form("/sign-in/verify", {"password": eve.password}, page="/sign-in/verify")
    assert answer.status_code == 401
    answer = browser.send_form("/sign-in/verify", {"email": eve.email, "password": eve.password}, page="/sign-in/verify")
    assert answer.status_code == 422  # nobody else can be named
    assert ada.email in browser.get("/account").text


def test_se_02_a_step_begun_in_one_browser_cannot_be_finished_in_another(house: House) -> None:
    email = f"step{len(house.sink.sent)}@example.com"
    attacker, victim = house.visitor(), house.visitor()
    fields = {"email": email, "password": "seven lanterns drift ashore", "given_name": "Eve", "family_name": "Hacker"}
    attacker.send_form("/sign-up/password", fields, page="/sign-up")
    victim.get("/sign-in")
    victim.set_cookie("auth_step", value_of(house, attacker, "step"), domain="localhost")
    code = house.mail_to(email)[-1].code
    assert victim.get("/sign-in/verify").status_code == 303
    answer = victim.send_form("/sign-in/verify", {"code": code})
    assert answer.status_code == 401
    assert not is_signed_in(victim)


KILLS = (
    "sign-out on the page",
    "sign-out in the API",
    "ended by its owner",
    "all others ended",
    "suspended",
    "closed",
    "stolen refresh token",
)


@pytest.fixture(scope="module")
def twins(build: Builder) -> tuple[House, House]:
    """Two processes of one service."""
    first = build()
    return first, build(url=first.url)


def _kill(house: House, how: str, person: Person, browser: Visitor) -> None:
    if how == "sign-out on the page":
        browser.send_form("/sign-out", {}, page="/account")
        house.post("/sign-out", None, headers=person.bearer)
    elif how == "sign-out in the API":
        house.post("/sign-out", None, headers=person.bearer)
        browser.send_form("/sign-out", {}, page="/account")
    elif how in ("ended by its owner", "all others ended"):
        other = house.sign_in(person)
        for one in house.get("/me/sessions", other.access).json:
            if not one["current"] and how == "ended by its owner":
                assert house.visitor().delete(f"/api/v1/me/sessions/{one['id']}", headers=other.bearer).status_code == 204
        if how == "all others ended":
            assert house.visitor().delete("/api/v1/me/sessions", headers=other.bearer).status_code == 204
    elif how in ("suspended", "closed"):
        user = house.service.find_user(person.id)
        house.service.change_status(user, Status(how), why="attack test", by="operator")
    else:
        second = house.refresh(person.refresh).json["refresh_token"]
        third = house.refresh(second).json["refresh_token"]
        assert third
        assert house.refresh(person.refresh).json["code"] == "refresh_reused"
        browser.send_form("/sign-out", {}, page="/account")


@pytest.mark.parametrize("how", KILLS)
def test_se_03_an_ended_session_is_dead_on_every_node(twins: tuple[House, House], how: str) -> None:
    """Whatever ended it on one node, the other refuses its cookie, its refresh token and its access token (ASVS 5.0 7.4.1)."""
    here, there = twins
    person = here.sign_up()
    browser = here.browser_of(person)
    cookie = value_of(here, browser)
    assert there.get("/me", person.access).status_code == 200
    assert is_signed_in(with_cookie(there, cookie))
    _kill(here, how, person, browser)
    assert here.get("/me", person.access).status_code == 401, "on the node where it was ended it is dead at once"
    assert sessions.LOOK_EVERY < 1
    time.sleep(sessions.LOOK_EVERY + 0.05)  # after this long every node is bound to look
    for node in twins:
        assert node.get("/me", person.access).status_code == 401
        assert node.post("/sign-out", None, headers=person.bearer).status_code == 401
        assert node.refresh(person.refresh).status_code == 401
        assert not is_signed_in(with_cookie(node, cookie))
        assert with_cookie(node, cookie).get("/api/v1/me").status_code == 401


@pytest.mark.parametrize("how", ["suspended", "closed"])
def test_se_03_who_was_shut_out_cannot_come_back_by_any_door(house: House, how: str) -> None:
    person = house.sign_up()
    user = house.service.find_user(person.id)
    house.service.change_status(user, Status(how), why="attack test", by="operator")
    assert house.try_password(person.email, person.password).status_code == 401
    assert house.refresh(person.refresh).status_code == 401
    page = house.visitor()
    assert page.send_form("/sign-in/password", {"email": person.email, "password": person.password}).status_code == 401
    assert not is_signed_in(page)


def test_se_03_a_step_begun_before_the_suspension_does_not_lead_in(house: House) -> None:
    """The state of an account is read when the session is opened, not when the conversation began."""
    person = house.sign_up()
    browser = house.browser_of(person)
    browser.send_form("/account/confirm/password", {}, page="/account")
    house.suspend(person)
    answer = browser.post("/sign-in/verify", data={"csrf_token": browser.csrf("/sign-in"), "password": person.password})
    assert answer.status_code in (401, 403)
    assert not is_signed_in(browser)


def test_se_03_a_revoked_token_is_refused_while_the_store_cannot_be_asked(build: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail closed: what may have ended is not accepted (ASVS 5.0 16.5.3)."""
    from authenticator.errors import AuthError

    house = build()
    person = house.sign_up()

    def away(*_: Any) -> Any:
        raise AuthError("store_unavailable")

    assert house.get("/me", person.access).status_code == 200
    monkeypatch.setattr(house.service.core.store, "closed_since", away, raising=False)
    house.service.ended.look_again()
    answer = house.get("/me", person.access)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1


def test_se_04_the_server_ends_a_session_whatever_the_cookie_says(build: Builder) -> None:
    house = build()
    person = house.sign_up()
    value = value_of(house, house.browser_of(person))
    house.clock.advance(days=29, hours=23)
    assert is_signed_in(with_cookie(house, value))
    house.clock.advance(hours=2)
    assert not is_signed_in(with_cookie(house, value))
    assert with_cookie(house, value).get("/api/v1/me").status_code == 401


def test_se_04_an_old_sign_in_may_not_touch_the_ways_in(build: Builder) -> None:
    """Being remembered is not being proved (RFC 9470, ASVS 5.0 7.5.1)."""
    house = build()
    person = house.sign_up()
    browser = house.browser_of(person)
    key = house.service.identities(house.service.find_user(person.id))[0].id
    house.clock.advance(seconds=house.service.settings.fresh_seconds + 1)
    answer = browser.send_form(f"/account/unlink/{key}", {}, page="/account")
    assert answer.status_code == 403
    fresh = house.sign_in(person)
    refreshed = house.refresh(fresh.refresh).json
    house.clock.advance(seconds=house.service.settings.fresh_seconds + 1)
    later = house.refresh(refreshed["refresh_token"]).json["access_token"]
    answer = house.visitor().delete(f"/api/v1/me/identities/{key}", headers={"Authorization": f"Bearer {later}"})
    assert (answer.status_code, answer.json["code"]) == (403, "step_up_required")


FOREIGN: dict[str, dict[str, str]] = {
    "foreign Origin": {"Origin": EVIL},
    "Origin null": {"Origin": "null"},
    "Origin with our name in front": {"Origin": "http://localhost.evil.example"},
    "Origin with another port": {"Origin": "http://localhost:8080"},
    "Origin with another scheme": {"Origin": "https://localhost"},
    "Origin empty": {"Origin": ""},
    "cross-site": {"Sec-Fetch-Site": "cross-site"},
    "same-site": {"Sec-Fetch-Site": "same-site"},
    "typed by hand": {"Sec-Fetch-Site": "none"},
    "a lie": {"Sec-Fetch-Site": "same-origin, cross-site"},
    "cross-site under our Origin": {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
}  # fmt: skip


@pytest.mark.parametrize("form", FOREIGN)
def test_se_05_a_foreign_page_cannot_sign_a_browser_in(house: House, form: str) -> None:
    """Login CSRF: the victim would work in the attacker's account. Even with a good token the sender counts."""
    person = house.sign_up()
    browser = house.visitor()
    fields = {"csrf_token": browser.csrf(), "email": person.email, "password": person.password}
    for path in ("/sign-in/password", "/sign-in", "/sign-up", "/sign-up/password", "/sign-in/verify"):
        answer = browser.post(path, data=fields, headers=FOREIGN[form])
        assert answer.status_code == 403, path
    assert not is_signed_in(browser)


@pytest.mark.parametrize("form", FOREIGN)
def test_se_06_a_foreign_page_changes_nothing_for_somebody_signed_in(house: House, form: str) -> None:
    person = house.sign_up()
    browser = house.browser_of(person)
    token = browser.csrf("/account")
    key = house.service.identities(house.service.find_user(person.id))[0].id
    for path in ("/sign-out", "/account/token", f"/account/unlink/{key}", "/account/confirm/password", "/account/link/password"):
        answer = browser.post(path, data={"csrf_token": token}, headers=FOREIGN[form])
        assert answer.status_code == 403, path
        assert "eyJ" not in answer.text
    assert is_signed_in(browser)


TOKENS = ("", "x", ".", "a.b", "0" * 64, "null")


def test_se_05_a_form_without_our_token_signs_nobody_in(house: House) -> None:
    person = house.sign_up()
    browser = house.visitor()
    browser.get("/sign-in")
    fields = {"email": person.email, "password": person.password}
    for token in (*TOKENS, house.visitor().csrf()):
        assert browser.post("/sign-in/password", data={**fields, "csrf_token": token}).status_code == 403
    assert browser.post("/sign-in/password", data=fields).status_code == 403
    assert house.visitor().post("/sign-in/password", data={**fields, "csrf_token": browser.csrf()}).status_code == 403, "no browser cookie"
    assert not is_signed_in(browser)


def test_se_06_a_token_of_another_session_or_time_is_refused(house: House) -> None:
    ada, eve = house.sign_up(), house.sign_up()
    before = house.visitor()
    old = before.csrf()
    assert before.send_form("/sign-in/password", {"email": ada.email, "password": ada.password}).status_code == 303
    for token in (old, house.browser_of(eve).csrf("/account"), *TOKENS):
        assert before.post("/sign-out", data={"csrf_token": token}).status_code == 403
    assert is_signed_in(before)
    planted = with_cookie(house, value_of(house, before))  # the session, but not the browser that the token is bound to
    assert planted.post("/sign-out", data={"csrf_token": before.csrf("/account")}).status_code == 403


BODIES: dict[str, dict[str, Any]] = {
    "text/plain": {"data": '{"email":"x"}', "content_type": "text/plain"},
    "text/plain that ends as a form": {"data": "a=&csrf_token=x", "content_type": "text/plain"},
    "json": {"json": {}},
    "no type": {"data": b"csrf_token=x"},
    "xml": {"data": "<a/>", "content_type": "text/xml"},
    "multipart": {"data": {"a": "b"}, "content_type": "multipart/form-data"},
    "empty": {},
}


@pytest.mark.parametrize("body", BODIES)
def test_se_06_no_kind_of_body_gets_round_the_token(house: House, body: str) -> None:
    person = house.sign_up()
    browser = house.browser_of(person)
    for path in ("/sign-out", "/account/token", "/account/confirm/password", "/sign-in/password", "/sign-in/verify"):
        answer = browser.post(path, **BODIES[body])
        assert answer.status_code in (403, 415), (path, answer.status)
        assert "eyJ" not in answer.text
    assert is_signed_in(browser)


@pytest.mark.parametrize("body", [name for name in BODIES if name not in ("json", "empty")])
def test_se_06_the_api_takes_no_body_that_a_form_can_send(house: House, body: str) -> None:
    """A foreign page can send these without asking; the API takes JSON alone."""
    person = house.sign_up()
    for path in ("/sign-in/password", "/sign-up/password", "/sign-in/continue", "/token/refresh", "/sign-out"):
        answer = house.visitor().post(f"/api/v1{path}", headers=person.bearer, **BODIES[body])
        assert answer.status_code in (400, 415), (path, answer.status)
    assert house.get("/me", person.access).status_code == 200


def test_se_06_a_cookie_alone_changes_nothing_through_the_api(house: House) -> None:
    """What changes something takes a bearer token, which no browser sends by itself."""
    person = house.sign_up()
    browser = house.browser_of(person)
    key = house.service.identities(house.service.find_user(person.id))[0].id
    for method, path in (
        ("POST", "/sign-out"),
        ("DELETE", "/me/sessions"),
        ("DELETE", f"/me/sessions/{person.session}"),
        ("DELETE", f"/me/identities/{key}"),
    ):
        assert browser.open(f"/api/v1{path}", method=method).status_code == 401
    assert is_signed_in(browser)
    assert house.get("/me", person.access).status_code == 200


CHANGING = (
    "/sign-out",
    "/account/token",
    "/account/unlink/x",
    "/account/confirm/password",
    "/account/link/google",
    "/api/v1/sign-out",
    "/api/v1/token/refresh",
)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "TRACE", "PROPFIND"])
def test_se_06_only_post_changes_anything(house: House, method: str) -> None:
    person = house.sign_up()
    browser = house.browser_of(person)
    before = house.rows()
    token = browser.csrf("/account")
    for path in CHANGING:
        answer = browser.open(
            path, method=method, headers=person.bearer, query_string={"csrf_token": token, "refresh_token": person.refresh}
        )
        assert answer.status_code in (200, 204, 404, 405) if method == "OPTIONS" else answer.status_code in (404, 405), (
            path,
            answer.status,
        )
        assert "eyJ" not in answer.text
    assert house.rows() == before
    assert is_signed_in(browser)


@pytest.mark.parametrize("trick", ["_method", "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_se_06_the_method_cannot_be_overridden(house: House, trick: str, method: str) -> None:
    person = house.sign_up()
    browser = house.browser_of(person)
    for path in ("/sign-out", "/account/token", "/api/v1/sign-out", "/api/v1/me/sessions", f"/api/v1/me/sessions/{person.session}"):
        browser.get(path, headers={trick: method, **person.bearer}, query_string={trick: method, "_method": method})
    assert is_signed_in(browser)
    assert house.get("/me", person.access).status_code == 200


def test_se_06_a_link_neither_signs_out_nor_shows_a_token(house: House) -> None:
    browser = house.browser_of(house.sign_up())
    for path in ("/sign-out", "/sign-out?confirm=1", "/account/token", "/?sign-out", "/sign-in?logout=1"):
        answer = browser.get(path, headers={"Sec-Fetch-Site": "cross-site"})
        assert "eyJ" not in answer.text
    assert is_signed_in(browser)


def test_se_08_nothing_with_a_person_on_it_may_be_kept(house: House) -> None:
    """Answers, errors and those that set cookies: no store, and never the same for two cookies (CVE-2023-30861)."""
    person = house.sign_up()
    browser = house.browser_of(person)
    answers = [
        browser.get(path)
        for path in ("/", "/account", "/account/none", "/sign-in", "/sign-in/verify", "/api/v1/me", "/api/v1/me/none", "/nowhere")
    ]
    answers += story(house)[1]
    answers += [
        house.try_password(person.email, person.password),
        house.refresh(person.refresh),
        house.get("/me", "x"),
        browser.post("/sign-out"),
    ]
    answers.append(browser.get("/account", headers={"If-None-Match": "*", "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}))
    for answer in answers:
        assert answer.headers["Cache-Control"] == "no-store", answer.request.path
        assert "Cookie" in {part.strip() for part in answer.headers["Vary"].split(",")}, answer.request.path
        assert "ETag" not in answer.headers


MALFORMED = [
    "", " ", "0", "null", "undefined", "true", "[]", "{}", '{"$ne":null}', '{"$gt":""}', "[$ne]=1", "' OR '1'='1", "'; DROP TABLE sessions;--", "1 OR 1=1", "%", "_%",
    "../../etc/passwd", "%00", "%ff%fe", "a" * 43, "a" * 4000, "A" * 44, "=" * 43, "+/" * 21 + "a", "\u00e9" * 20, "a.b", "a:b", "a b", "<script>", "${jndi:ldap://x}", "{{7*7}}",
    "*", "(|(uid=*))", "\\", "''", "-1", "1e999", "NaN", "0x41", "eyJhbGciOiJub25lIn0.e30.", "__Host-", ";", ",", "@", "None", "False", "ObjectId('x')", "\t", "\x7f",
]  # fmt: skip


@pytest.mark.parametrize("value", MALFORMED, ids=lambda value: ascii(value)[:30])
def test_se_09_a_malformed_session_is_nobody(house: House, value: str) -> None:
    for cookie in COOKIES:
        browser = house.visitor()
        header = {"Cookie": f"auth_{cookie}={value}".encode().decode("latin-1")}
        assert browser.get("/api/v1/me", headers=header).status_code == 401
        assert browser.get("/account", headers=header).status_code == 303
        assert browser.get("/sign-in/verify", headers=header).status_code == 303
        assert browser.get("/sign-in", headers=header).status_code == 200
        assert browser.post("/sign-in/verify", headers=header, data={"code": "1"}).status_code == 403


def test_se_09_many_sign_ins_stay_listed_and_can_be_ended_at_once(house: House) -> None:
    person = house.sign_up()
    for _ in range(20):
        last = house.sign_in(person)
    assert len(house.get("/me/sessions?limit=200", last.access).json) == 21
    assert house.visitor().delete("/api/v1/me/sessions", headers=last.bearer).status_code == 204
    assert [one["current"] for one in house.get("/me/sessions", last.access).json] == [True]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=1e9",
        "limit=x",
        "limit=",
        "after=x",
        "after=1.",
        "after=' OR 1=1",
        "after[$gt]=",
        "after=9999999999999999999.x",
    ],
)
def test_se_09_a_forged_page_of_sessions_is_refused(house: House, query: str) -> None:
    person = house.sign_up()
    answer = house.get(f"/me/sessions?{query}", person.access)
    assert answer.status_code == (200 if query == "after[$gt]=" else 400)


def test_se_09_another_persons_cursor_shows_none_of_her_sessions(house: House) -> None:
    ada, eve = house.sign_up(), house.sign_up()
    for _ in range(2):
        ada = house.sign_in(ada)
    link = house.get("/me/sessions?limit=1", ada.access).headers["Link"]
    cursor = re.search(r"after=([^&>]+)", link)
    assert cursor
    seen = house.get(f"/me/sessions?after={cursor[1]}", eve.access).json
    assert {one["id"] for one in seen} <= {eve.session}
