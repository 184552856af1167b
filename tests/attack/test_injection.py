"""IN: operators, statements, markup and broken encodings where text is expected."""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Any

import pytest
from markupsafe import escape

from authenticator.applications import OWN, Assignment

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.attack.conftest import House

FIELDS = {
    "/sign-in/password": {"email": "ada@example.com", "password": "seven lanterns drift ashore"},
    "/sign-up/password": {
        "email": "ada@example.com",
        "password": "seven lanterns drift ashore",
        "given_name": "Ada",
        "family_name": "Byron",
    },
    "/sign-in/continue": {"challenge": "a.b", "code": "123456"},
    "/token/refresh": {"refresh_token": "a.b"},
}
OPERATORS: list[Any] = [
    {"$ne": None}, {"$ne": ""}, {"$gt": ""}, {"$gte": ""}, {"$regex": ".*"}, {"$regex": "^(a+)+$"}, {"$where": "sleep(5000)"}, {"$in": ["a", "b"]},
    {"$nin": []}, {"$exists": True}, {"$or": [{}, {"a": "a"}]}, {"$expr": {"$function": {"body": "x"}}}, {"a": "b"}, {},
    ["ada@example.com"], [], [[]], [{"$ne": None}], 0, 1, -1, 1.5, True, False, None,
]  # fmt: skip
EVERY_FIELD = [(path, name) for path, fields in FIELDS.items() for name in fields]


def accounted(house: House) -> dict[str, int]:
    return house.rows()


def refused(answer: TestResponse, *statuses: int) -> bool:
    """Refused in words of ours, without a repetition of what was sent."""
    assert answer.status_code in statuses, (answer.status, answer.text[:300])
    assert answer.content_type == "application/problem+json"
    return True


@pytest.mark.parametrize(("path", "field"), EVERY_FIELD, ids=[f"{path}-{name}" for path, name in EVERY_FIELD])
def test_in_01_what_is_no_text_is_refused_before_the_store_is_asked(house: House, path: str, field: str) -> None:
    """ASVS 5.0 1.2.4, CVE-2021-22911."""
    before = accounted(house)
    for value in OPERATORS:
        assert refused(house.post(path, {**FIELDS[path], field: value}), 400), value
    assert accounted(house) == before, "not even an attempt may have been counted"


@pytest.mark.parametrize("value", [[], {}, "x", 1, None, True, [{}]], ids=repr)
@pytest.mark.parametrize("path", FIELDS)
def test_in_01_a_body_that_is_no_object_of_texts_is_refused(house: House, path: str, value: Any) -> None:
    answer = house.visitor().post(f"/api/v1{path}", data=json.dumps(value), content_type="application/json")
    assert refused(answer, 400, 422)


NAMES = [
    "email[$ne]",
    "email[$gt]",
    "email[]",
    "email[0]",
    "email.$ne",
    "$where",
    "email[$regex]",
    "__proto__",
    "constructor.prototype",
    "email\x00",
    "user_id",
    "status",
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_in_01_operators_in_the_names_of_form_fields_are_refused(house: House, name: str) -> None:
    person = house.sign_up()
    for fields in ({name: "x", "password": person.password}, {name: "x", "email": person.email, "password": person.password}):
        browser = house.visitor()
        answer = browser.send_form("/sign-in/password", fields)
        assert answer.status_code in (400, 422), answer.status
        assert browser.get("/account").status_code == 303
        assert refused(house.post("/sign-in/password", fields), 400, 422)


def test_in_01_a_field_that_comes_twice_is_refused(house: House) -> None:
    person = house.sign_up()
    browser = house.visitor()
    fields = {"csrf_token": browser.csrf(), "email": [person.email, "eve@example.com"], "password": person.password}
    assert browser.post("/sign-in/password", data=fields).status_code == 400
    assert browser.get("/account").status_code == 303


EXTRA = {
    "id": "1", "status": "active", "type": "admin", "level": "9", "role": "admin", "is_admin": "true", "admin": "1", "email_verified": "true", "proved_at": "2020-01-01",
    "mfa": "true", "secret": "x", "hash": "x", "created_at": "2020-01-01", "version": "1", "permissions": "*", "user_id": "1", "provider": "google", "amr": "mfa",
    "attributes": "{}", "picture": "http://127.0.0.1/", "unproven": "false", "way_in": "true", "tenant": "other", "username": "root", "return_to": "https://evil.example",
}  # fmt: skip


@pytest.mark.parametrize("name", EXTRA)
def test_in_01_a_field_that_nobody_asked_for_is_refused(house: House, name: str) -> None:
    """Mass assignment, ASVS 5.0 15.3.3."""
    for path in ("/sign-up/password", "/sign-in/password"):
        assert refused(house.post(path, {**FIELDS[path], name: EXTRA[name]}), 422)
    assert house.post("/token/refresh", {"refresh_token": "a.b", name: EXTRA[name]}).status_code == 422
    begun = house.begin_sign_up(f"extra{len(house.sink.sent)}@example.com").json["challenge"]["id"]
    assert house.post("/sign-in/continue", {"challenge": begun, "code": "000000", name: EXTRA[name]}).status_code in (401, 422)


STATEMENTS = [
    "' OR '1'='1", "' OR 1=1 --", "\" OR \"\"=\"", "'; DROP TABLE users; --", "1; SELECT pg_sleep(5)", "' UNION SELECT private_pem FROM signing_keys --", "admin'--", "') OR ('1'='1",
    "' AND SLEEP(5) --", "%' OR '1'='1", "_", "%", "\\'; --", "0x27", "' || '1", "$$;SELECT 1;$$", "'/**/OR/**/1=1", "x' AND 1=randomblob(1000000000) --", "{\"$ne\":1}", "'; return true; var a='",
    "*)(uid=*))(|(uid=*", "a'b\"c`d\\e",
]  # fmt: skip


@pytest.mark.parametrize("text", STATEMENTS)
def test_in_03_a_statement_in_a_parameter_is_only_text(house: House, text: str) -> None:
    """ASVS 5.0 1.2.4."""
    person = house.sign_up()
    before = house.rows()
    client = house.visitor()
    answers = [
        house.try_password(text, person.password),
        house.try_password(person.email, text),
        house.post("/sign-in/continue", {"challenge": text, "code": text}),
        house.refresh(text),
        house.get("/me", text),
        house.post(f"/sign-in/{text}", {}),
        house.post(f"/sign-up/{text}", {}),
        client.get(f"/sign-in/{text}"),
        client.get("/api/v1/providers", query_string={"intent": text}),
        client.get("/api/v1/me/sessions", query_string={"after": text, "limit": text}, headers=person.bearer),
        client.get("/api/v1/me/sessions", query_string={"after": f"1.{text}"}, headers=person.bearer),
        client.delete(f"/api/v1/me/sessions/{text}", headers=person.bearer),
        client.delete(f"/api/v1/me/identities/{text}", headers=person.bearer),
        client.get(f"/sign-in/google/callback?state={text}&code={text}"),
    ]  # fmt: skip
    seen = [answer.status_code for answer in answers]
    assert all(400 <= status < 500 or (status in (200, 303) and number in (10, 11)) for number, status in enumerate(seen)), seen
    after = house.rows()
    assert {name: after.get(name) for name in ("users", "sessions", "login_keys")} == {
        name: before.get(name) for name in ("users", "sessions", "login_keys")
    }
    assert house.get("/me", person.access).status_code == 200


@pytest.mark.parametrize("text", STATEMENTS)
def test_in_03_a_statement_in_a_password_or_name_is_kept_as_it_is(house: House, text: str) -> None:
    person = house.sign_up(password=f"lantern harbour {text} quartz", family_name=text)
    assert house.get("/me", person.access).json["name"]["family"] == text
    assert house.try_password(person.email, person.password).status_code == 200
    assert house.try_password(person.email, "lantern harbour  quartz").status_code == 401


MARKUP = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\"><svg/onload=alert(1)>", "' autofocus onfocus=alert(1) '", "</title><script>", "javascript:alert(1)",
    "{{7*7}}", "{{config}}", "{% for x in [].__class__.__base__.__subclasses__() %}{% endfor %}", "${7*7}", "#{7*7}", "<%= 7*7 %>", "%(password)s", "{0.__class__}", "%s%s%n",
    "=cmd|'/C calc'!A0", "&lt;b&gt;", "<!--", "]]>", "<a href=https://evil.example>",
]  # fmt: skip


@pytest.mark.parametrize("text", MARKUP)
def test_in_04_markup_in_a_name_is_shown_and_never_run(house: House, text: str) -> None:
    person = house.sign_up(given_name=text, family_name=text)
    page = house.browser_of(person).get("/account").text
    _only_shown(page, text)
    assert str(escape(text)) in page, "shown as it is, neither run nor worked out"
    answer = house.get("/me", person.access)
    assert answer.json["name"]["given"] == text
    assert answer.content_type == "application/json"


def _only_shown(page: str, text: str) -> None:
    if re.search("[<\"']", text):
        assert text not in page
    for tag in ("<script>", "<img src=x", "<svg/onload", "<a href=https://evil", "onfocus=alert(1) '>"):
        assert tag not in page


@pytest.mark.parametrize("text", MARKUP)
@pytest.mark.parametrize(
    "where",
    ["/sign-in?login_hint={}", "/sign-in?return_to={}", "/sign-in/{}", "/{}", "/sign-in?signed_out={}", "/account?done={}", "/api/v1/{}"],
)
def test_in_04_markup_in_an_address_is_shown_and_never_run(house: House, where: str, text: str) -> None:
    from urllib.parse import quote

    answer = house.visitor().get(where.format(quote(text, safe="")))
    assert answer.status_code in (200, 303, 404)
    _only_shown(answer.text, text)
    assert "alert(1)" not in (answer.location or "")


@pytest.mark.parametrize("text", ["\x1b]0;owned\x07", "Ada\x1b[2J", "Ada\nroot", "Ada\u202egnp", "A\u200bda"], ids=ascii)
def test_in_04_an_administrator_writes_nothing_that_runs_in_the_terminal_of_the_operator(house: House, text: str) -> None:
    """Names and reasons are printed by commands: what their owners could not write is written by nobody."""
    root, ada = house.sign_up(), house.sign_up()
    for right in ("users:read", "users:write"):
        house.service.assign("operator", house.service.find_user(root.id), Assignment(OWN, permission=right))
    for more in ({"name": {"given": text}}, {"name": {"display": text}}, {"salutation": text}, {"locale": text}):
        made = house.post("/users", {"email": "somebody@example.com", **more}, headers=root.bearer)
        assert (made.status_code, made.json["code"]) == (422, "validation_failed"), more
    refused = house.post(f"/users/{ada.id}/status", {"status": "suspended", "reason": text}, headers=root.bearer)
    assert (refused.status_code, set(refused.json["errors"])) == (422, {"reason"})
    assert house.service.status_history(house.service.find_user(ada.id)) == ()


@pytest.mark.parametrize("text", MARKUP)
def test_in_04_markup_typed_into_a_form_comes_back_harmless(house: House, text: str) -> None:
    answer = house.visitor().send_form("/sign-in/password", {"email": text, "password": "CANARY-quartz-88"})
    assert answer.status_code == 422
    _only_shown(answer.text, text)
    assert "CANARY-quartz-88" not in answer.text


@pytest.mark.parametrize("name", MARKUP)
def test_in_04_markup_as_the_name_of_a_field_comes_back_harmless(house: House, name: str) -> None:
    answer = house.visitor().send_form("/sign-in/password", {"email": "ada@example.com", "password": "x", name: "x"})
    assert answer.status_code in (400, 422)
    _only_shown(answer.text, name)


def test_in_04_mail_goes_to_one_person_and_holds_nothing_that_a_stranger_wrote(house: House) -> None:
    email = f"mail{len(house.sink.sent)}@example.com"
    before = len(house.sink.sent)
    house.begin_sign_up(email, given_name="Click https://evil.example now", family_name="<b>You won</b>")
    house.mail_to(email)
    sent = house.sink.sent[before:]
    assert [message.to for message in sent] == [email]
    assert "\n" not in sent[0].subject
    assert "evil.example" not in sent[0].text + sent[0].subject
    assert "You won" not in sent[0].text + sent[0].subject


def test_in_04_no_line_of_the_log_is_written_by_a_stranger(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """ASVS 5.0 16.4.1; nor does any line hold what was typed (16.2.5)."""
    caplog.set_level(logging.DEBUG)
    canary = "CANARY-quartz-77 lantern"
    forged = "x%0d%0aCRITICAL%20forged%20line"
    email = f"logged{len(house.sink.sent)}@example.com"
    house.sign_up(email, canary, given_name="CANARYname")
    house.try_password(email, canary + "!")
    client = house.visitor()
    for path in (
        f"/{forged}",
        f"/sign-in/{forged}",
        f"/api/v1/{forged}",
        f"/sign-in?return_to={forged}",
        f"/sign-in/google/callback?error={forged}",
    ):
        client.get(path, headers={"X-Forwarded-For": "1.2.3.4 CANARYheader"})
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("authenticator")]
    assert not [line for line in lines if "CANARY" in line or "forged" in line or email in line]


DEEP = 60_000
BODIES: dict[str, bytes] = {
    "empty": b"",
    "blank": b"   ",
    "not JSON": b"email=ada",
    "cut off": b'{"email": "a',
    "two values": b"{}{}",
    "trailing comma": b'{"email": "a",}',
    "comment": b'{"email": "a" /* x */}',
    "single quotes": b"{'email': 'a'}",
    "duplicate key": b'{"email": "ada@example.com", "password": "x", "email": "eve@example.com"}',
    "duplicate key, escaped": b'{"email": "ada@example.com", "\\u0065mail": "eve@example.com"}',
    "duplicate key inside": b'{"email": {"a": 1, "a": 2}}',
    "NaN": b'{"email": NaN}',
    "Infinity": b'{"email": -Infinity}',
    "1e999": b'{"email": 1e999}',
    "huge number": b'{"email": ' + b"9" * 60_000 + b"}",
    "huge fraction": b'{"email": 0.' + b"1" * 60_000 + b"}",
    "deep lists": b'{"email": ' + b"[" * DEEP,
    "deep closed lists": b'{"email": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "deep objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "21 deep": b'{"a":' * 21 + b"1" + b"}" * 21,
    "lone surrogate": b'{"email": "\\ud800", "password": "x"}',
    "lone low surrogate": b'{"email": "ada@example.com", "password": "\\udc00"}',
    "surrogate as key": b'{"\\ud800": "x"}',
    "NUL": b'{"email": "ada@example.com\\u0000", "password": "x"}',
    "raw NUL": b'{"email": "ada\x00@example.com"}',
    "raw control": b'{"email": "a\x01b"}',
    "BOM": b"\xef\xbb\xbf{}",
    "UTF-16": '{"email": "a"}'.encode("utf-16"),
    "UTF-16-LE": '{"email": "a"}'.encode("utf-16-le"),
    "UTF-32": '{"email": "a"}'.encode("utf-32"),
    "UTF-7": b"+AHs-+AH0-",
    "latin-1": '{"email": "é@example.com"}'.encode("latin-1"),
    "overlong UTF-8": b'{"email": "\xc0\xae"}',
    "raw surrogate": b'{"email": "\xed\xa0\x80"}',
    "cut UTF-8": b'{"email": "\xe2\x82"}',
    "random bytes": bytes(range(256)),
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00",
    "list": b"[]",
    "text": b'"x"',
    "number": b"1",
    "null": b"null",
    "long e-mail": json.dumps({"email": "a" * 60_000 + "@example.com", "password": "x"}).encode(),
    "e-mail of dots": json.dumps({"email": "a." * 25_000 + "@example.com", "password": "x"}).encode(),
    "e-mail of at signs": json.dumps({"email": "@" * 50_000, "password": "x"}).encode(),
    "e-mail of quotes": json.dumps({"email": '"' * 20_000 + "@example.com", "password": "x"}).encode(),
    "e-mail of labels": json.dumps({"email": "a@" + "a." * 25_000 + "com", "password": "x"}).encode(),
    "e-mail of xn--": json.dumps({"email": "a@xn--" + "9" * 240 + ".com", "password": "x"}).encode(),
    "combining marks": json.dumps({"email": "a" + "\u0301" * 9000 + "@example.com", "password": "x"}).encode(),
    "blanks": json.dumps({"email": " " * 60_000, "password": "x"}).encode(),
    "many fields": json.dumps({f"field{number}": "x" for number in range(3000)}).encode(),
    "long key": json.dumps({"k" * 60_000: "x"}).encode(),
    "100 KB e-mail": json.dumps({"email": "a" * 100_000 + "@example.com", "password": "x"}).encode(),
}
ROUTES = [("POST", path) for path in (*FIELDS, "/sign-out")] + [
    ("DELETE", "/me/sessions"),
    ("GET", "/me"),
    ("POST", "/nowhere"),
    ("PATCH", "/me"),
]
TAKES_NO_BODY = ("/sign-out", "/me/sessions", "/me", "/nowhere")


@pytest.mark.parametrize("name", BODIES)
def test_in_05_a_broken_body_is_refused_and_breaks_nothing(house: House, name: str) -> None:
    """ASVS 5.0 1.5.3: one reading or none, and never a fault of ours."""
    before = house.rows()
    for method, path in ROUTES:
        answer = house.visitor().open(f"/api/v1{path}", method=method, data=BODIES[name], content_type="application/json")
        allowed = (400, 401, 404, 405, 413, 422) if path in TAKES_NO_BODY else (400, 413, 422)
        assert refused(answer, *allowed)
    assert house.rows() == before


@pytest.mark.parametrize("name", [name for name, body in BODIES.items() if len(body) < 65_000])
def test_in_05_a_broken_form_is_refused_and_breaks_nothing(house: House, name: str) -> None:
    token = house.visitor()
    csrf = token.csrf()
    for kind in (
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "text/plain",
        "application/json",
    ):
        for body in (BODIES[name], b"csrf_token=" + csrf.encode() + b"&email=" + BODIES[name] + b"&password=x"):
            answer = token.post("/sign-in/password", data=body, content_type=kind)
            assert 400 <= answer.status_code < 500, (kind, answer.status)


CHARSETS = ["utf-16", "utf-7", "latin-1", "iso-8859-1", "rot13", "idna", "punycode", "zip", "base64", "unicode_escape", "x" * 500, ""]


@pytest.mark.parametrize("charset", CHARSETS, ids=lambda charset: charset[:20] or "none")
def test_in_05_another_charset_is_not_believed(house: House, charset: str) -> None:
    house.service.core.store.forgive(["account:password:ada@example.com"])
    answer = house.visitor().post(
        "/api/v1/sign-in/password",
        data=b'{"email": "ada@example.com", "password": "x"}',
        content_type=f"application/json; charset={charset}",
    )
    assert answer.status_code in (400, 415) or (charset == "" and answer.status_code == 401)
    browser = house.visitor()
    fields = f"csrf_token={browser.csrf()}&email=ada%40example.com&password=x".encode()
    assert browser.post(
        "/sign-in/password", data=fields, content_type=f"application/x-www-form-urlencoded; charset={charset}"
    ).status_code in (401, 403, 415, 422)


ADDRESSES = [
    "/%", "/%zz", "/%ff%fe", "/%00", "/%c0%ae%c0%ae/", "/..%2f..%2fetc/passwd", "/../../etc/passwd", "/static/../../app.py", "/static/..%2f..%2fapp.py", "/static/%2e%2e/app.py",
    "/sign-in/%ed%a0%80", "/sign-in/" + "a" * 8000, "/api/v1/" + "a/" * 3000, "/?" + "a=1&" * 3000, "/sign-in?return_to=" + "a" * 10_000, "//", "///evil.example", "/\\evil.example",
    "/sign-in?return_to=%ff", "/sign-in?login_hint=%00%0d%0a", "/sign-in/google/callback?state=%ff&code=%00", "/sign-in/google/callback", "/sign-in/google/callback?state[]=x",
    "/api/v1/me/sessions?limit=%ff", "/api/v1/me/sessions/%00", "/api/v1/providers?intent=%00", "/.git/config", "/.env", "/metrics/../admin", "/api/v1/openapi.json/..", "/%2e%2e%2f",
]  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES, ids=lambda address: ascii(address)[:40])
def test_in_05_a_broken_address_is_refused_and_breaks_nothing(house: House, address: str) -> None:
    person = house.sign_up()
    for headers in ({}, person.bearer, {"Accept": "application/json"}):
        for method in ("GET", "POST", "HEAD"):
            answer = house.visitor().open(address, method=method, headers=headers)
            assert answer.status_code < 500, (method, answer.status)
            assert "evil.example" not in (answer.location or "")
            assert b"import annotations" not in answer.data
            assert b"root:" not in answer.data


HEADERS = [
    ("Accept", "*/*;q=" + "9" * 500), ("Accept", "a" * 4000), ("Accept", "text/html;q=NaN"), ("Accept-Language", "x" * 4000), ("Accept-Language", "en;q=1e999,\xff"),
    ("Accept-Language", "../../etc/passwd"), ("Content-Type", "application/json; charset=\xff"), ("Content-Type", ";" * 1000), ("Authorization", "Bearer"), ("Authorization", "Bearer \xff\xfe"),
    ("Authorization", "Basic \xff"), ("Authorization", "Digest username=x"), ("Authorization", "," * 1000), ("Cookie", "=" * 2000), ("Cookie", "auth_session"), ("Cookie", "auth_session=\"\\777\""),
    ("Cookie", "a=b; " * 500), ("If-Modified-Since", "x" * 1000), ("If-None-Match", "\xff"), ("Range", "bytes=0-,0-,0-,0-"), ("Range", "bytes=-1"), ("Host", "evil.example"),
    ("Host", "a" * 4000), ("Host", "[::1"), ("Host", "local host"), ("Host", "localhost:99999"), ("Host", ""), ("Origin", "\xff"), ("Sec-Fetch-Site", "\xff"), ("User-Agent", "\xff" * 4000),
    ("X-Forwarded-For", "\xff"), ("X-Forwarded-For", "," * 4000), ("X-Forwarded-Host", "evil.example"), ("Content-Length", "-1"), ("Content-Length", "9" * 30), ("Content-Length", "0x10"),
    ("Content-Length", "1e3"), ("Content-Encoding", "gzip"), ("Content-Encoding", "x"), ("Transfer-Encoding", "chunked"), ("Expect", "x"), ("Upgrade", "websocket"), ("TE", "trailers"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), HEADERS, ids=[f"{name}-{ascii(value)[:20]}" for name, value in HEADERS])
def test_in_05_a_broken_header_is_refused_or_ignored_and_breaks_nothing(house: House, name: str, value: str) -> None:
    for method, path, body in (
        ("GET", "/sign-in", None),
        ("GET", "/account", None),
        ("GET", "/api/v1/me", None),
        ("POST", "/api/v1/sign-in/password", b"{}"),
        ("POST", "/sign-in/password", b"email=x"),
        ("GET", "/.well-known/jwks.json", None),
    ):
        answer = house.visitor().open(
            path, method=method, data=body, content_type="application/json" if body else None, headers={name: value}
        )
        assert answer.status_code < 500, (path, answer.status)
        assert "evil.example" not in answer.text + (answer.location or "")
