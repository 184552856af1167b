"""WB: headers of every answer, other origins, caches, and bodies made to cost much."""

from __future__ import annotations

import gzip
import io
import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.attack.conftest import House

EVIL = "https://evil.example"
DOCUMENTS = (
    "/.well-known/jwks.json",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/.well-known/oauth-protected-resource",
)
PUBLIC = ("/static/", "/look/", "/brand", *DOCUMENTS)


def answers(house: House) -> dict[str, TestResponse]:
    """Every route, with and without somebody signed in, and every kind of refusal."""
    person = house.sign_up()
    browser = house.browser_of(person)
    found: dict[str, TestResponse] = {}
    for rule in house.app.url_map.iter_rules():
        path = re.sub(r"<[^>]+>", "x", rule.rule)
        for method in sorted(rule.methods or ()):
            found[f"{method} {path}"] = house.visitor().open(path, method=method)
            if method != "POST" and "token" not in path:
                found[f"{method} {path} signed in"] = browser.open(path, method=method)
    api, reader = house.visitor(), house.visitor()
    found |= {
        "200": browser.get("/account"),
        "200 json": house.get("/me", person.access),
        "202": house.begin_sign_up("headers@example.com"),
        "204": house.post("/sign-out", None, headers=house.sign_in(person).bearer),
        "302": api.get("/"),
        "303": api.send_form("/sign-in/password", {"email": person.email, "password": person.password}),
        "400": house.post("/sign-in/password", []),
        "400 page": api.get("/sign-in/google/callback?state=x&state=y"),
        "401": house.try_password(person.email, "x"),
        "401 page": reader.send_form("/sign-in/password", {"email": person.email, "password": "wrong password"}),
        "401 token": house.get("/me", "x"),
        "403 page": api.post("/sign-in/password"),
        "404 page": api.get("/nowhere"),
        "404": api.get("/api/v1/nowhere"),
        "405": api.put("/sign-in"),
        "405 TRACE": api.open("/sign-in", method="TRACE"),
        "413": house.post("/sign-in/password", {"email": "a" * 70_000}),
        "413 page": api.post("/sign-in/password", data={"email": "a" * 70_000}),
        "415": api.post("/api/v1/sign-in/password", data="x"),
        "422": house.post("/sign-in/password", {"email": "x", "password": "x"}),
        "422 page": reader.send_form("/sign-in/password", {"email": "x", "password": "x"}),
        "431": api.get("/sign-in", headers={"X-Large": "x" * 17_000}),
    }
    for _ in range(7):
        found["429"] = house.try_password("locked@example.com", "x")
    found["429 page"] = house.visitor().send_form("/sign-in/password", {"email": "locked@example.com", "password": "x"})
    return found


def faults(house: House, monkeypatch: pytest.MonkeyPatch) -> dict[str, TestResponse]:
    """500 and 503, which nobody outside can bring about at will."""
    from authenticator.errors import AuthError

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("CANA" + "RY of the inside")  # in two, because a log may quote this very line

    def away(*_: Any, **__: Any) -> Any:
        raise AuthError("store_unavailable")

    store = house.service.core.store
    found = {}
    for name, fault in (("500", broken), ("503", away)):
        monkeypatch.setattr(store, "session_by_cookie", fault, raising=False)
        monkeypatch.setattr(store, "count_attempts", fault, raising=False)
        monkeypatch.setattr(store, "ping", fault, raising=False)
        browser = house.visitor()
        cookie = f"{'__Host-' if house.service.settings.secure else ''}auth_session={'a' * 43}"
        found[f"{name} page"] = browser.get("/account", headers={"Cookie": cookie})
        found[f"{name} json"] = house.try_password("ada@example.com", "x")
        found[f"{name} readyz"] = browser.get("/readyz")
    monkeypatch.undo()
    return found


def check(name: str, answer: TestResponse, *, secure: bool) -> None:
    """ASVS 5.0 3.4 and 14.3.2."""
    headers = answer.headers
    if secure:
        assert headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains", name
    else:
        assert "Strict-Transport-Security" not in headers, name
    rules = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert rules["default-src"] == rules["object-src"] == rules["base-uri"] == rules["frame-ancestors"] == "'none'", name
    assert "form-action" in rules, name
    assert not re.search(
        r"unsafe|\*|http:(?!//localhost)|data:.*script", headers["Content-Security-Policy"].replace("img-src 'self' data:", "")
    ), name
    assert headers["X-Content-Type-Options"] == "nosniff", name
    assert headers["Referrer-Policy"] == "no-referrer", name
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin", name
    for leak in ("Server", "X-Powered-By", "X-AspNet-Version", "Via"):
        assert leak not in headers, name
    if answer.data and answer.status_code not in (204, 304):
        kind = headers["Content-Type"]
        assert kind.startswith(("application/", "image/")) or "charset=utf-8" in kind, (name, kind)
    public = any(part in answer.request.path for part in PUBLIC)
    if not public or answer.status_code >= 400:
        assert headers["Cache-Control"] == "no-store", name
    if not public:
        assert "Cookie" in headers["Vary"], name
    assert len(headers.getlist("Content-Security-Policy")) == len(headers.getlist("Cache-Control")) == 1, name


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_wb_01_every_answer_carries_the_headers_that_protect_it(
    house: House, manor: House, secure: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2xx, 3xx, 4xx and 5xx alike (ASVS 5.0 3.4.1 to 3.4.8)."""
    found = manor if secure else house
    seen = answers(found) | faults(found, monkeypatch)
    assert len(seen) > 60
    wanted = {name: int(name[:3]) for name in seen if name[:3].isdigit()}
    assert {name: seen[name].status_code for name in wanted if seen[name].status_code // 100 != wanted[name] // 100} == {}
    for name, answer in seen.items():
        check(name, answer, secure=secure)
        assert answer.status_code < 500 or name.startswith(("500", "503")), name


def test_wb_01_a_fault_shows_nothing_of_the_inside(manor: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    for name, answer in faults(manor, monkeypatch).items():
        assert answer.status_code == 503 if "503" in name or "readyz" in name else answer.status_code == 500
        for inside in ("CANARY", "RuntimeError", "Traceback", ".py", "sqlite", "mongo", "store_contract"):
            assert inside not in answer.text, name
        if answer.status_code == 503:
            assert int(answer.headers["Retry-After"]) >= 1
    assert "CANARY" not in caplog.text, "in production not even the log may hold what an exception quotes"


def test_wb_04_bytes_that_are_no_text_in_an_address_are_refused_by_every_route(house: House) -> None:
    """gunicorn refuses them before, other servers hand them on."""
    raw = {"QUERY_STRING": "return_to=\xff"}
    for rule in house.app.url_map.iter_rules():
        path = re.sub(r"<[^>]+>", "x", rule.rule)
        for method in rule.methods or ():
            answer = house.visitor().open(path, method=method, environ_overrides=raw)
            assert answer.status_code == 400, (method, path)
    assert house.visitor().get("/sign-in", environ_overrides={"QUERY_STRING": "x=\xc3\xa4"}).status_code == 200, "UTF-8 can be read"


def test_wb_01_no_page_has_a_script_or_style_of_its_own_or_of_strangers(house: House) -> None:
    person = house.sign_up()
    browser = house.browser_of(person)
    for page in ("/sign-in", "/sign-up", "/account", "/nowhere", "/dev/outbox", "/api/v1/docs"):
        for text in (house.visitor().get(page).text, browser.get(page).text):
            assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>|\sstyle=|\son\w+=|<style|javascript:", text), page
            for url in re.findall(r'(?:src|action|<link[^>]*href)="([^"]*)"', text):
                assert url.startswith(("/", "http://localhost", "data:", "?", "#")), (page, url)
                assert not url.startswith("//"), (page, url)


ORIGINS = [
    EVIL, "null", "https://app.example.evil.example", "https://evilapp.example", "https://sub.app.example", "http://app.example", "https://app.example:8443", "https://app.example/",
    "https://APP.example", "HTTPS://app.example", "https://app.example@evil.example", "https://app.example%00.evil.example", "https://app.example, https://evil.example", "*", "", "file://",
    "https://app.example.", "https://app_example", "https://auth.example",
]  # fmt: skip
KEY_ROUTES = [
    ("GET", "/api/v1/me"), ("GET", "/api/v1/providers"), ("POST", "/api/v1/sign-in/password"), ("POST", "/api/v1/token/refresh"), ("OPTIONS", "/api/v1/me"),
    ("OPTIONS", "/api/v1/sign-in/password"), ("GET", "/sign-in"), ("GET", "/account"), ("POST", "/sign-in/password"), ("GET", "/.well-known/jwks.json"), ("GET", "/healthz"),
    ("GET", "/api/v1/nowhere"),
]  # fmt: skip


@pytest.mark.parametrize("origin", ORIGINS)
def test_wb_03_an_origin_that_is_not_listed_may_read_nothing(manor: House, origin: str) -> None:
    """ASVS 5.0 3.4.2: an origin fits exactly or not at all."""
    person = manor.sign_up()
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
        "Access-Control-Request-Private-Network": "true",
    }
    for method, path in KEY_ROUTES:
        for more in ({}, person.bearer):
            answer = manor.visitor().open(path, method=method, headers={**asked, **more})
            assert not [name for name, _ in answer.headers if name.lower().startswith("access-control-")], (method, path)


def test_wb_03_a_listed_origin_may_read_the_api_and_the_keys_and_nothing_else_and_never_with_cookies(manor: House) -> None:
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST", "Access-Control-Request-Private-Network": "true"}
    for method, path in KEY_ROUTES:
        answer = manor.visitor().open(path, method=method, headers=asked)
        allowed = answer.headers.get("Access-Control-Allow-Origin")
        assert allowed == ("https://app.example" if path.startswith(("/api/v1/", "/.well-known/")) else None), (method, path)
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert "Access-Control-Allow-Private-Network" not in answer.headers
        if allowed:
            assert "Origin" in answer.headers["Vary"]


def test_wb_03_without_listed_origins_nobody_may_read_anything(house: House) -> None:
    for method, path in KEY_ROUTES:
        answer = house.visitor().open(path, method=method, headers={"Origin": "https://app.example"})
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_wb_03_a_token_does_not_list_an_origin(manor: House) -> None:
    """CVE-2026-37977: an origin named inside a token is the word of whoever made the token."""
    import jwt

    token = jwt.encode({"sub": "1", "allowed-origins": [EVIL], "origin": EVIL}, "k" * 32, "HS256", headers={"origin": EVIL})
    answer = manor.visitor().get("/api/v1/me", headers={"Authorization": f"Bearer {token}", "Origin": EVIL})
    assert answer.status_code == 401
    assert "Access-Control-Allow-Origin" not in answer.headers


SUFFIXES = [
    "/x.css", "/x.js", "/x.png", "/.css", ".css", ".js", ".jpg", ".ico", ".woff2", ";x.css", ";x.js", "/;x.css", "%00.css", "%00x.js", "%0a.css", "%23x.css", "%3fx.css", "%3b.css", "%2fx.css",
    "%2f..%2fstatic%2fx.css", "/..%2fstatic/x.css", "/%2e%2e/static/x.css", "//x.css", "/./x.css", "?x.css", "?/x.css", "/static/x.css", "/robots.txt", "/index.html", "%20.css", "\\x.css", "/..;/x.css",
]  # fmt: skip


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_wb_05_no_address_tricks_a_cache_into_keeping_a_persons_page(house: House, suffix: str) -> None:
    """Web cache deception, ASVS 5.0 14.2.5."""
    person = house.sign_up()
    browser = house.browser_of(person)
    for start in ("/account", "/api/v1/me", "/api/v1/me/sessions", "/sign-in/verify"):
        answer = browser.get(start + suffix, headers={} if "api" not in start else person.bearer)
        assert answer.headers["Cache-Control"] == "no-store", (start, answer.status)
        assert "Cookie" in answer.headers["Vary"]
        if answer.status_code == 200 and not suffix.startswith("?"):
            assert person.email not in answer.text, start


def test_wb_05_what_may_be_kept_knows_nobody(house: House) -> None:
    """Public files are the same for everybody, set no cookie and do not depend on one."""
    person = house.sign_up()
    browser = house.browser_of(person)
    page = browser.get("/account").text
    files = [url for url in re.findall(r'(?:href|src)="(/[^"]+)"', page) if "." in url.rpartition("/")[2] or "/static/" in url]
    assert files
    for url in [*files, *DOCUMENTS]:
        mine, theirs = browser.get(url), house.visitor().get(url)
        assert mine.status_code == 200
        assert mine.data == theirs.data
        assert not mine.headers.getlist("Set-Cookie")
        assert person.email not in mine.text


class Endless(io.RawIOBase):
    """A body that never ends, and counts how much of it was read."""

    def __init__(self, start: bytes = b"", size: int = 50_000_000) -> None:
        self.read_so_far = 0
        self._start = start
        self._left = size

    def readable(self) -> bool:
        return True

    def seek(self, *_: int) -> int:
        return 0  # the test client wants to start at the beginning, where this already is

    def read(self, size: int = -1) -> bytes:
        size = min(self._left, 1_000_000 if size < 0 else size)
        part = self._start[:size] + b"a" * max(0, size - len(self._start))
        self._start = self._start[size:]
        self._left -= size
        self.read_so_far += size
        return part

    def readinto(self, buffer: Any) -> int:
        part = self.read(len(buffer))
        buffer[: len(part)] = part
        return len(part)


LARGE_ROUTES = [
    "/api/v1/sign-in/password",
    "/api/v1/sign-up/password",
    "/api/v1/token/refresh",
    "/sign-in/password",
    "/sign-up",
    "/sign-out",
    "/account/token",
    "/nowhere",
]
KINDS = ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/octet-stream"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", LARGE_ROUTES)
def test_wb_07_a_body_of_50_megabytes_is_refused_unread(house: House, path: str, kind: str) -> None:
    body = Endless()
    answer = house.visitor().post(path, input_stream=body, content_type=kind, environ_overrides={"CONTENT_LENGTH": "50000000"})
    assert answer.status_code == 413
    assert body.read_so_far <= 65_536


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", LARGE_ROUTES[:5])
def test_wb_07_a_body_of_unknown_length_is_read_no_further_than_allowed(house: House, path: str, kind: str) -> None:
    """Chunked, as gunicorn hands it on: no length, and a stream that ends itself."""
    starts = {
        "application/json": b'{"email": "',
        "multipart/form-data; boundary=x": b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\n',
    }
    body = Endless(starts.get(kind, b"email="))
    answer = house.visitor().post(
        path,
        input_stream=body,
        content_type=kind,
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert answer.status_code in (400, 403, 413, 415)
    assert body.read_so_far <= 300_000


def test_wb_07_a_length_that_lies_gains_nothing(house: House) -> None:
    for length in ("-1", "1e3", "0x10", " 5", "5 5", "9" * 40, "٣", ""):
        body = Endless()
        answer = house.visitor().post(
            "/api/v1/sign-in/password", input_stream=body, content_type="application/json", environ_overrides={"CONTENT_LENGTH": length}
        )
        assert answer.status_code in (400, 413, 415, 422)
        assert body.read_so_far <= 65_536


def _parts(count: int) -> bytes:
    one = b'--x\r\nContent-Disposition: form-data; name="a%d"\r\n\r\n\r\n'
    return b"".join(one % number for number in range(count)) + b"--x--\r\n"


ODD: dict[str, tuple[str, bytes, dict[str, str]]] = {
    "10,000 parts": ("multipart/form-data; boundary=x", _parts(10_000)[:65_000], {}),
    "21 parts": ("multipart/form-data; boundary=x", _parts(21), {}),
    "21 fields": ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % number for number in range(21)), {}),
    "10,000 fields": ("application/x-www-form-urlencoded", b"a=&" * 10_000, {}),
    "a boundary of 60 KB": ("multipart/form-data; boundary=" + "x" * 15_000, b"--", {}),
    "no boundary": ("multipart/form-data", _parts(3), {}),
    "an endless part header": ("multipart/form-data; boundary=x", b"--x\r\n" + b"X: " + b"a" * 60_000, {}),
    "a part of CRs": ("multipart/form-data; boundary=x", b"--x\r\n\r\n" + b"\r" * 60_000, {}),
    "files": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="a"; filename="../../x"\r\n\r\nx\r\n--x--\r\n',
        {},
    ),
    "gzip bomb": ("application/json", gzip.compress(b"0" * 10_000_000), {"Content-Encoding": "gzip"}),
    "deflate": ("application/json", b"x", {"Content-Encoding": "deflate"}),
    "two encodings": ("application/json", b"x", {"Content-Encoding": "identity, gzip"}),
    "1,000 headers": ("application/json", b"{}", {f"X-H{number}": "x" * 20 for number in range(1000)}),
    "one header of 16 KB": ("application/json", b"{}", {"X-H": "x" * 16_384}),
    "a cookie of 16 KB": ("application/json", b"{}", {"Cookie": "a=" + "x" * 16_384}),
}


@pytest.mark.parametrize("name", ODD)
def test_wb_07_an_odd_body_is_refused(house: House, name: str) -> None:
    kind, body, headers = ODD[name]
    for path in ("/sign-in/password", "/sign-up/password", "/api/v1/sign-in/password", "/api/v1/token/refresh"):
        answer = house.visitor().post(path, data=body, content_type=kind, headers=headers)
        assert answer.status_code in (400, 403, 413, 415, 422, 431), (path, answer.status)
        if any(word in name for word in ("1,000 headers", "16 KB")):
            assert answer.status_code == 431
        if ("parts" in name or "fields" in name) and not path.startswith("/api/"):
            assert answer.status_code == 413


def test_wb_07_the_service_goes_on_after_all_of_it(house: House) -> None:
    person = house.sign_up()
    assert house.try_password(person.email, person.password).status_code == 200
