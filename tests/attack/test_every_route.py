"""SE-05, SE-06, SE-08, ID-07, AP-01, AP-02, IN-01, IN-05: every route there is, as a foreign page, a stranger, another person and a fuzzer."""

from __future__ import annotations

import io
import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyotp
import pytest

from authenticator.applications import OWN, Assignment
from authenticator.web import api
from tests.attack.test_session import is_signed_in

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.attack.conftest import Builder, House, Person, Visitor

PLUGINS = ["password", "email", "phone", "passkey", "totp"]
IDS = frozenset(
    {"id", "contact_id", "avatar_id", "session_id", "key_id", "secret_id"}
)  # what the address of something that is somebody's is made of
OPEN = frozenset(
    (
        "providers",
        "sign_up",
        "sign_in",
        "sign_in_continue",
        "token_refresh",
        "forgot_password",
        "reset_password",
        "verify",
        "username",
        "docs",
    )
) | {"openapi_json"}
# providers and applications post here: it leads on by GET, where the state, or the person's own answer, counts
LEADING_ON = frozenset({"pages.callback", "authorize.ask", "logout.ask"})
PICTURE: dict[str, Any] = {"data": b"no picture", "content_type": "image/png"}
ADMINISTRATION = ("/api/v1/users", "/api/v1/applications", "/admin/")  # where whoever holds no permission is told just that
PUBLIC = frozenset({"avatars.show"})  # whoever knows the address of a picture may see it
# what applications call, which show by themselves who they are, and where they send browsers: no cookie counts there, and no form is ours
FOR_APPLICATIONS = (
    "oauth_token.",
    "oauth_introspect.",
    "oauth_revoke.",
    "oauth_par.",
    "oauth_userinfo.",
    "oauth_device.begin.",
    "registration.",
)
SENT_HERE = frozenset({"authorize.ask", "logout.ask"})
DOCUMENTS = ("look.", "keys.", "oidc_metadata.")  # the same for everybody, and to be kept
BODIES: dict[str, dict[str, Any]] = {
    "add_role": {"name": "role", "permissions": []},
    "authorize": {"user_id": "1", "permission": "users:read"},
    "change_role": {"text": "other"},
    "declare_permission": {"name": "reports:read"},
    "give_permission": {"permission": "users:read"},
    "add_email": {"email": "new@example.com"},
    "add_phone": {"phone_number": "+447400123456"},
    "change_avatar": {"chosen": True},
    "change_email": {"primary": True},
    "change_phone": {"primary": True},
    "change_status": {"status": "suspended", "reason": "attack test"},
    "change_password": {"new_password": "nine herons on a quiet river"},
    "create_user": {"email": "new@example.com"},
    "create_application": {"client_name": "Shop", "redirect_uris": ["https://shop.example/callback"]},
    "change_application": {"client_name": "Taken"},
    "verify_email": {"code": "000000"},
    "verify_phone": {"code": "000000"},
}
FORMS = {"code": "000000", "sure": "1", "email": "new@example.com", "phone_number": "+447400123456", "username": "newname", "name": "x"}


@pytest.fixture(scope="module")
def house(build: Builder) -> House:
    return build(plugins=PLUGINS)


@dataclass
class Owner:
    """Somebody who has one of everything, and the ids of all of it."""

    house: House
    person: Person
    browser: Visitor
    ids: dict[str, str]

    def print(self) -> Any:
        """All that could be changed of hers."""
        store, now = self.house.service.core.store, self.house.clock.now()
        keys = [(key.id, key.way_in) for key in store.keys_of(self.person.id)]
        open_ones = [one.id for one in store.sessions_of(self.person.id, now, limit=200).items]
        return store.user_by_id(self.person.id), keys, open_ones, [one.id for one in store.avatars_of(self.person.id)]


def call(house: House, method: str, path: str, token: str = "", body: Any = None, **more: Any) -> TestResponse:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    content = {"json": body} if body is not None and "data" not in more else {}
    return house.visitor().open(f"/api/v1{path}", method=method, headers=headers, **content, **more)


def code_to(house: House, target: str) -> str:
    house.service.core.messages.flush()
    return next(one.code for one in reversed(house.sink.sent) if one.to == target and one.code)


def picture() -> bytes:
    from PIL import Image

    target = io.BytesIO()
    Image.new("RGB", (32, 32), "teal").save(target, "PNG")
    return target.getvalue()


def has(answer: TestResponse) -> Any:
    assert answer.status_code in (200, 201, 202), answer.text
    return answer.json


@pytest.fixture(scope="module")
def owner(house: House) -> Owner:
    person = house.sign_up()
    browser = house.browser_of(person)
    ids: dict[str, str] = {"user": person.id, "session": person.session}
    cookie = browser.get_cookie("auth_session", "localhost")
    assert cookie
    signed = house.service.signed_by_cookie(cookie.value)
    assert signed
    ids["browser"] = signed.session.id
    for kind, field, target in (("emails", "email", f"{secrets.token_hex(6)}@example.com"), ("phones", "phone_number", "+447400200300")):
        ids[kind] = has(call(house, "POST", f"/me/{kind}", person.access, {field: target}))["id"]
        has(call(house, "POST", f"/me/{kind}/{ids[kind]}/verify", person.access, {"code": code_to(house, target)}))
    ids["pending"] = has(call(house, "POST", "/me/emails", person.access, {"email": f"{secrets.token_hex(6)}@example.com"}))["id"]
    more = {"data": picture(), "content_type": "image/png"}
    ids["avatar"] = has(call(house, "POST", "/me/avatars", person.access, **more))["id"]
    begun = has(call(house, "POST", "/me/factors/totp", person.access))["challenge"]
    code = pyotp.TOTP(begun["options"]["secret"]).at(house.clock.now())
    has(call(house, "POST", "/sign-in/continue", person.access, {"challenge": begun["id"], "code": code}))
    ids |= {f"identity {number}": one["id"] for number, one in enumerate(has(house.get("/me/identities", person.access)))}
    ids["event"] = has(house.get("/me/events", person.access))[0]["id"]
    return Owner(house, person, browser, ids)


@dataclass(frozen=True)
class Route:
    """A method at an address, whose parts in braces are to be filled in."""

    method: str
    rule: str
    endpoint: str
    arguments: frozenset[str]

    @property
    def name(self) -> str:
        return self.endpoint.rpartition(".")[2]

    def path(self, **parts: str) -> str:
        return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: parts.get(found[1], "totp" if found[1] == "name" else "password"), self.rule)


def routes(house: House) -> Iterator[Route]:
    for rule in sorted(house.app.url_map.iter_rules(), key=str):
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            yield Route(method, rule.rule, rule.endpoint, frozenset(rule.arguments))


def program(house: House) -> list[Route]:
    return [one for one in routes(house) if one.endpoint.startswith("api.") and one.method != "HEAD"]


def pages(house: House, *methods: str) -> list[Route]:
    others = ("api.", "dev.", *DOCUMENTS, *FOR_APPLICATIONS)
    return [one for one in routes(house) if not one.endpoint.startswith(others) and one.method in methods]


def filled(route: Route, id: str) -> str:
    return route.path(**dict.fromkeys(IDS, id))


def test_the_walk_covers_what_there_is(house: House) -> None:
    """Whoever adds a route adds it to these attacks; this is what they walk."""
    assert len(program(house)) > 50
    assert len(pages(house, "POST")) > 35
    assert {one.arguments & IDS for one in routes(house)} > {frozenset({"id"}), frozenset({"contact_id"}), frozenset({"id", "session_id"})}
    assert {one.name for one in program(house)} >= set(BODIES) | OPEN


# ID-07, AP-01, AP-02: the ids of another person


def test_ap_01_the_ids_of_another_person_open_nothing_through_the_api(house: House, owner: Owner) -> None:
    """404, word for word as for an id that never was; 403 for what only administrators may (ASVS 5.0 8.2.2, 8.4.1)."""
    eve, before = house.sign_up(), owner.print()
    for route in program(house):
        if not route.arguments & IDS:
            continue
        body = BODIES.get(route.name)
        absent = call(house, route.method, filled(route, "A" * 22)[7:], eve.access, body)
        assert absent.status_code == (403 if route.rule.startswith(ADMINISTRATION) else 404), (route, absent.text)
        for what, id in owner.ids.items():
            answer = call(house, route.method, filled(route, id)[7:], eve.access, body)
            assert (answer.status_code, answer.json) == (absent.status_code, absent.json), (route, what)
            anybody = call(house, route.method, filled(route, id)[7:], "", body)
            assert anybody.status_code == 401, (route, what)
    assert owner.print() == before


def test_ap_01_the_ids_of_another_person_open_nothing_on_the_pages(house: House, owner: Owner) -> None:
    eve = house.sign_up()
    browser, stranger, before = house.browser_of(eve), house.visitor(), owner.print()
    token, none = browser.csrf("/account"), stranger.csrf()
    for route in pages(house, "GET", "POST"):
        if not route.arguments & IDS or route.endpoint in PUBLIC:
            continue
        for what, id in owner.ids.items():
            answer = browser.open(filled(route, id), method=route.method, data={"csrf_token": token, **FORMS})
            assert answer.status_code == (403 if route.rule.startswith(ADMINISTRATION) else 404), (route, what, answer.status)
            assert owner.person.email not in answer.text
            answer = stranger.open(filled(route, id), method=route.method, data={"csrf_token": none, **FORMS})
            assert answer.status_code == 303, (route, what, answer.status)
            assert "/sign-in" in answer.location
    assert owner.print() == before


def test_ap_02_who_may_only_read_changes_nobody(house: House, owner: Owner) -> None:
    """CVE-2024-3656."""
    reader, before = house.sign_up(), owner.print()
    house.service.assign("operator", house.service.find_user(reader.id), Assignment(OWN, permission="users:read"))
    for route in program(house):
        if not route.rule.startswith("/api/v1/users") or route.method == "GET" or route.rule.startswith("/api/v1/usernames"):
            continue
        path = route.path(id=owner.person.id, session_id=owner.person.session, assignment_id="A" * 24)[7:]
        answer = call(house, route.method, path, reader.access, BODIES.get(route.name))
        assert (answer.status_code, answer.json["code"]) == (403, "forbidden"), route
    assert owner.print() == before


def test_ap_02_who_looks_after_others_can_not_touch_those_above_her(house: House) -> None:
    """Nor may she end, suspend or invite somebody who has a permission that she lacks."""
    clerk, chief = house.sign_up(), house.sign_up()
    for person, permissions in ((clerk, ("users:write",)), (chief, ("users:read", "users:write"))):
        for permission in permissions:
            house.service.assign("operator", house.service.find_user(person.id), Assignment(OWN, permission=permission))
    for route in program(house):
        if not route.rule.startswith("/api/v1/users/") or route.method == "GET":
            continue
        path = route.path(id=chief.id, session_id=chief.session, assignment_id="A" * 24)[7:]
        answer = call(house, route.method, path, clerk.access, BODIES.get(route.name))
        assert answer.status_code == 403, (route, answer.text)
    assert house.get("/me", chief.access).status_code == 200


def test_id_07_without_a_token_that_counts_nobody_gets_in(house: House) -> None:
    person = house.sign_up()
    house.post("/sign-out", None, headers=person.bearer)
    garbage = ["", "null", "x", person.session, person.refresh, f"{person.access[:-4]}AAAA", person.access]
    for route in program(house):
        if route.name in OPEN:
            continue
        for token in garbage:
            for body in (BODIES.get(route.name), {"nonsense": [1]} if route.method != "GET" else None):
                content = PICTURE if route.name == "add_avatar" else {}
                answer = call(house, route.method, filled(route, "A" * 22)[7:], token, body, **content)
                assert answer.status_code == 401, (route, token[:9], answer.text)
                assert answer.json["code"] in ("invalid_token", "token_revoked")


# SE-05, SE-06: what foreign pages send

SENDERS: dict[str, dict[str, str]] = {
    "foreign Origin": {"Origin": "https://evil.example"},
    "Origin null": {"Origin": "null"},
    "cross-site": {"Sec-Fetch-Site": "cross-site"},
    "same-site": {"Sec-Fetch-Site": "same-site"},
}


def test_se_06_no_form_of_any_page_is_taken_from_elsewhere(house: House, owner: Owner) -> None:
    """Without our token, with another browser's, and with our own from a foreign page (ASVS 5.0 3.5.1)."""
    before, rows = owner.print(), house.rows()
    foreign, ours = house.visitor().csrf(), owner.browser.csrf("/account")
    for route in pages(house, "POST"):
        if route.endpoint in LEADING_ON:
            continue
        for id in (owner.ids["emails"], owner.ids["avatar"], owner.ids["browser"], owner.ids["identity 0"]):
            path = filled(route, id)
            for token in ("", "x", foreign):
                answer = owner.browser.post(path, data={"csrf_token": token, **FORMS})
                assert answer.status_code == 403, (route, token, answer.status)
            assert owner.browser.post(path, data=FORMS).status_code == 403, route
            assert owner.browser.post(f"{path}?csrf_token={ours}", data=FORMS).status_code == 403, route
            for sender, headers in SENDERS.items():
                answer = owner.browser.post(path, data={"csrf_token": ours, **FORMS}, headers=headers)
                assert answer.status_code == 403, (route, sender, answer.status)
            if not route.arguments & IDS:
                break
    assert (owner.print(), house.rows()) == (before, rows)
    assert is_signed_in(owner.browser)


def test_se_06_a_cookie_alone_changes_nothing_through_any_route_of_the_api(house: House, owner: Owner) -> None:
    before = owner.print()
    for route in program(house):
        if route.name in OPEN or route.method == "GET":
            continue
        for id in (owner.ids["emails"], owner.ids["session"]):
            content = PICTURE if route.name == "add_avatar" else {"json": BODIES.get(route.name, {})}
            answer = owner.browser.open(filled(route, id), method=route.method, **content)
            assert answer.status_code == 401, (route, answer.text)
    assert owner.print() == before
    assert is_signed_in(owner.browser)


def test_se_06_a_cookie_is_nobody_where_applications_call(house: House, owner: Owner) -> None:
    before, token, known = owner.print(), owner.browser.csrf("/account"), 0
    for route in routes(house):
        if not route.endpoint.startswith(FOR_APPLICATIONS) or route.method in ("GET", "HEAD"):
            continue
        known += 1
        for fields in ({}, {"token": owner.person.access, "csrf_token": token}, {"grant_type": "refresh_token", "refresh_token": "x"}):
            answer = owner.browser.open(route.path(), method=route.method, data=fields)
            assert answer.status_code in (400, 401, 404), (route, answer.text)
    assert known >= len(FOR_APPLICATIONS)
    assert owner.print() == before


def test_se_06_to_look_at_a_page_changes_nothing(house: House, owner: Owner) -> None:
    """Whatever stands in the address: no GET and no HEAD does what a form does."""
    before, kept = owner.print(), {name: house.rows()[name] for name in ("users", "sessions", "login_keys")}
    query = {"csrf_token": owner.browser.csrf("/account"), **FORMS}
    for route in routes(house):
        if route.method == "POST" and (route.arguments & IDS or route.rule.startswith("/account")):
            for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE"):
                answer = owner.browser.open(filled(route, owner.ids["emails"]), method=method, query_string=query)
                assert answer.status_code in (200, 401, 404, 405), (method, route, answer.status)
        if route.method in ("GET", "HEAD"):
            answer = owner.browser.open(
                filled(route, owner.ids["emails"]), method=route.method, query_string=query, headers=owner.person.bearer
            )
            assert answer.status_code < 500, route
    assert owner.print() == before
    assert {name: house.rows()[name] for name in kept} == kept


# SE-08, WB-01: what may be kept, and by whom


def test_se_08_no_route_lets_anybody_keep_what_it_answers(house: House, owner: Owner) -> None:
    """CVE-2023-30861: no-store and Vary: Cookie on pages, answers, refusals and redirects, for members and strangers."""
    stranger = house.visitor()
    for route in routes(house):
        if route.endpoint in PUBLIC or route.endpoint.startswith(DOCUMENTS) or "DELETE" in route.method:
            continue
        for visitor in (owner.browser, stranger):
            answer = visitor.open(filled(route, "A" * 22), method=route.method, json={} if route.endpoint.startswith("api.") else None)
            assert answer.headers["Cache-Control"] == "no-store", route
            assert "Cookie" in {part.strip() for part in answer.headers["Vary"].split(",")}, route
            assert "ETag" not in answer.headers, route
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"], route
            assert (answer.headers["X-Content-Type-Options"], answer.headers["Referrer-Policy"]) == ("nosniff", "no-referrer"), route


# IN-01, IN-05: what is no answer to any question

ODD: dict[str, Any] = {
    "operator": {"$ne": None},
    "where": {"$where": "sleep(1000)"},
    "list": ["x", {"$gt": ""}],
    "number": 1,
    "null": None,
    "NUL": "a\x00b",
    "surrogate": "\ud800",
    "long": "a" * 60_000,
    "digits of elsewhere": "\u0661\u0662\u0663\u0664\u0665\u0666",
}
BROKEN = (
    b"",
    b"{",
    b"[]",
    b"null",
    b'"x"',
    b"\xff\xfe",
    b'{"a":1,"a":2}',
    b"[" * 60_000,
    b'{"a":' * 12_000,
    b"x" * 70_000,
    b'{"a":NaN}',
    b"\x00",
)
FIELDS = ("email", "password", "phone_number", "code", "credential", "given_name", "challenge", "use", "resend", "login_hint")


def test_in_05_no_body_breaks_any_route_of_the_api(house: House) -> None:
    """Each field of each body with what is no answer, by somebody who may do everything; 4xx, never 5xx."""
    person = house.sign_up()
    for permission in ("users:read", "users:write"):
        house.service.assign("operator", house.service.find_user(person.id), Assignment(OWN, permission=permission))
    for endpoint in api.ENDPOINTS:
        if endpoint.body is None:
            continue
        parts = dict.fromkeys(endpoint.parameters, person.id) | ({"provider": "password"} if "provider" in endpoint.parameters else {})
        path = endpoint.path.format(**parts)
        for raw in BROKEN:
            answer = call(house, endpoint.method, path, person.access, data=raw, content_type="application/json")
            assert answer.status_code < 500, (path, raw[:20], answer.text)
        known = [name for name in endpoint.body.model_fields if name != "root"] or FIELDS
        usual = BODIES.get(endpoint.name, {})
        for name in (*known, "__proto__"):
            for what, value in ODD.items():
                answer = call(
                    house, endpoint.method, path, person.access, data=json.dumps({**usual, name: value}), content_type="application/json"
                )
                assert answer.status_code < 500, (path, name, what, answer.text)
                assert len(answer.data) < 20_000, (path, name, what)
    assert house.get("/me", person.access).status_code == 200


FORM = "application/x-www-form-urlencoded"
PATHS = ("%00", "%ff", "%ed%a0%80", "%7B%22$ne%22:null%7D", "a" * 3000, "..%2f..%2fme", "%0d%0aX:%20y", "%E2%80%AE")
QUERIES = {
    "/me/events": ("limit", "after"),
    "/me/sessions": ("limit", "after", "ended"),
    "/users": ("limit", "after", "email", "phone_number", "username", "id"),
    "/events": ("limit", "after"),
    "/providers": ("intent",),
}


def test_in_05_no_id_and_no_query_breaks_any_route(house: House) -> None:
    person = house.sign_up()
    for permission in ("users:read", "users:write"):
        house.service.assign("operator", house.service.find_user(person.id), Assignment(OWN, permission=permission))
    browser = house.browser_of(person)
    token = browser.csrf("/account")
    for route in routes(house):
        if not route.arguments:
            continue
        for odd in PATHS:
            path = odd.join(re.split(r"<[^>]+>", route.rule))
            headers = person.bearer if route.endpoint.startswith("api.") else {}
            body = {"json": BODIES.get(route.name)} if headers else {"data": {"csrf_token": token}}
            answer = browser.open(path, method=route.method, headers=headers, **({} if route.method in ("GET", "HEAD") else body))
            assert answer.status_code < 500, (route, odd, answer.text)
    for path, names in QUERIES.items():
        for name in names:
            for odd in (*PATHS, "", "-1", "1e999", "'%20OR%201=1--", "&".join([f"{name}=1"] * 3)):
                answer = call(house, "GET", f"{path}?{name}={odd}", person.access)
                assert answer.status_code < 500, (path, name, odd, answer.text)


def test_in_05_no_form_breaks_any_page(house: House) -> None:
    person = house.sign_up()
    browser = house.browser_of(person)
    names = ("code", "email", "phone_number", "username", "given_name", "locale", "country", "new_password", "current_password", "token", "file", "provider", "return_to", "use", "trust", "credential")  # fmt: skip
    for route in pages(house, "POST"):
        if route.endpoint in ("pages.sign_out", "logout.confirm"):
            continue
        token = browser.csrf("/account/password")
        for odd in ("a\x00b", "a" * 3000, '{"$ne": null}\r\nx: \u202ey'):
            fields = dict.fromkeys(names, odd)
            answer = browser.post(filled(route, person.session), data={**fields, "csrf_token": token})
            assert answer.status_code < 500, (route, odd[:9], answer.text)
        for raw in (b"csrf_token=%ff%fe&code=%00", b"code[$ne]=1&code=1&code=2", b"&" * 60_000):
            answer = browser.post(filled(route, person.session), data=b"csrf_token=" + token.encode() + b"&" + raw, content_type=FORM)
            assert answer.status_code < 500, (route, raw[:9], answer.text)
    assert is_signed_in(browser)
