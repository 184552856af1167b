"""FA-06 and WB-02: nobody is sent from here to an address that nobody listed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import pytest

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from authenticator.testing.people import SignInVia
    from tests.attack.conftest import House

HERE = "https://auth.example"
LISTED = "https://app.example"
FOREIGN = [
    "https://evil.example", "https://evil.example/", "http://evil.example", "//evil.example", "///evil.example", "////evil.example", "/\\evil.example", "\\\\evil.example", "\\/evil.example",
    "/\\/evil.example", "/\t/evil.example", "/\n/evil.example", "\t//evil.example", " //evil.example", "https:evil.example", "https:/evil.example", "https:\\\\evil.example", "https:///evil.example",
    "HTTPS://evil.example", "hTTps://evil.example", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "data:text/html,x", "vbscript:x", "blob:https://evil.example/x", "file:///etc/passwd",
    "ftp://evil.example", "mailto:eve@evil.example", "evil.example", "www.evil.example", "@evil.example", ".evil.example", "https://app.example@evil.example", "https://app.example:x@evil.example/",
    "https://app.example.evil.example", "https://app.examplee", "https://evilapp.example", "https://evil.example/https://app.example", "https://evil.example?https://app.example",
    "https://evil.example#https://app.example", "https://evil.example\\@app.example", "https://app.example\\.evil.example", "https://app.example\\@evil.example", "https://app.example%2eevil.example",
    "https://app.example%00.evil.example", "https://app.example\x00.evil.example", "https://app.example#@evil.example", "https://app.example:443/", "https://app.example:8443/", "http://app.example/",
    "https://sub.app.example/", "https://app.example./", "https://APP.EXAMPLE/", "https://\u0430pp.example/", "https://app\u3002example/", "https://app.example\uff0fevil", "https://[::1]/", "https://127.0.0.1/",
    "https://2130706433/", "/../\\evil.example", "/%0d%0aLocation:%20https://evil.example\r\nX: y", "/\r\nSet-Cookie: a=b", "/a/../../evil", "/..//evil.example", "/%2e%2e//evil.example\n", "?//evil.example",
    "#//evil.example", "a" * 3000, "/" + "a" * 3000, "", " ", "https://app.example:pass@app.example", "https://@app.example", "//app.example", "https:app.example",
]  # fmt: skip
GOOD = ["/account", "/account?done=welcome", "/account#ways", LISTED, f"{LISTED}/", f"{LISTED}/path?x=1&y=2#z", f"{LISTED}?x=1"]


def leads_home(answer: TestResponse) -> bool:
    """Whether the answer's redirect, read as a browser reads it, stays at this service or goes to a listed origin."""
    location = answer.location
    if not location:
        return True
    assert not re.search(r"[\s\\]", location), location
    there = urlsplit(urljoin(f"{HERE}/sign-in", location))
    return f"{there.scheme}://{there.netloc}" in (HERE, LISTED)


@pytest.mark.parametrize("url", FOREIGN, ids=lambda url: ascii(url)[:50])
def test_fa_06_a_foreign_address_is_followed_by_no_step(manor: House, url: str) -> None:
    """ASVS 5.0 3.7.2: it is ignored, and the person lands where she would have anyway."""
    person = manor.sign_up()
    browser = manor.visitor()
    fields = {"email": person.email, "password": person.password, "return_to": url}
    signed_in = browser.send_form("/sign-in/password", fields)
    assert (signed_in.status_code, signed_in.location) == (303, "/account")
    again = browser.get("/sign-in", query_string={"return_to": url})
    assert (again.status_code, again.location) == (303, "/account")
    out = browser.send_form("/sign-out", {"return_to": url}, page="/account")
    assert out.status_code == 303
    assert out.location.startswith("/sign-in")
    assert manor.service.allowed_return(url) == ""


@pytest.mark.parametrize("url", FOREIGN, ids=lambda url: ascii(url)[:50])
def test_fa_06_a_foreign_address_stands_in_no_page(manor: House, url: str) -> None:
    page = manor.visitor().get("/sign-in", query_string={"return_to": url})
    assert page.status_code == 200
    assert "evil.example" not in page.text
    assert "evil.example" not in page.headers["Content-Security-Policy"]
    assert not re.search(r'name="return_to" value="[^"]', page.text)


@pytest.mark.parametrize("url", GOOD)
def test_fa_06_an_allowed_address_is_followed_exactly(manor: House, url: str) -> None:
    """Otherwise refusing everything would pass for a defence."""
    person = manor.sign_up()
    browser = manor.visitor()
    signed_in = browser.send_form("/sign-in/password", {"email": person.email, "password": person.password, "return_to": url})
    assert (signed_in.status_code, signed_in.location) == (303, url)
    assert leads_home(signed_in)


def test_fa_06_two_addresses_are_none(manor: House) -> None:
    person = manor.sign_up()
    browser = manor.browser_of(person)
    answer = browser.get(f"/sign-in?return_to=/account&return_to={LISTED}.evil.example")
    assert answer.status_code == 400
    assert not answer.location


def test_fa_06_the_address_of_a_sign_up_survives_the_code_and_stays_checked(manor: House) -> None:
    for url, target in ((f"{LISTED}/start", f"{LISTED}/start"), ("https://evil.example/", "/account?done=welcome")):
        email = f"returning{len(manor.sink.sent)}@example.com"
        browser = manor.visitor()
        fields = {"email": email, "password": "seven lanterns drift ashore", "given_name": "Ada", "family_name": "Byron", "return_to": url}
        begun = browser.send_form("/sign-up/password", fields, page="/sign-up")
        assert leads_home(begun)
        assert "evil.example" not in begun.location
        code = manor.mail_to(email)[-1].code
        done = browser.send_form("/sign-in/verify", {"code": code}, page="/sign-in/verify")
        assert (done.status_code, done.location) == (303, target)


def test_fa_06_an_address_changed_between_the_steps_is_checked_again(manor: House) -> None:
    email = f"changing{len(manor.sink.sent)}@example.com"
    browser = manor.visitor()
    fields = {"email": email, "password": "seven lanterns drift ashore", "given_name": "Ada", "family_name": "Byron"}
    browser.send_form("/sign-up/password", fields, page="/sign-up")
    code = manor.mail_to(email)[-1].code
    token = browser.csrf("/sign-in/verify")
    done = browser.post("/sign-in/verify?return_to=https://evil.example", data={"csrf_token": token, "code": code})
    assert done.status_code == 303
    assert leads_home(done)


@pytest.mark.parametrize(
    "url", ["https://evil.example/", "//evil.example", "/\\evil.example", "https://app.example@evil.example", "javascript:alert(1)"]
)
def test_fa_06_a_foreign_address_is_not_followed_back_from_a_provider(sign_in_via: SignInVia, url: str) -> None:
    there = sign_in_via("google", return_to=url)
    assert there.signed_in
    assert there.page.path == "/account"
    assert "evil.example" not in there.away + there.callback + there.page.location


def test_fa_06_an_allowed_path_is_followed_back_from_a_provider(sign_in_via: SignInVia) -> None:
    there = sign_in_via("google", return_to="/account?done=linked")
    assert there.page.location == "/account?done=linked"


HOSTS = [
    {"Host": "evil.example"}, {"X-Forwarded-Host": "evil.example"}, {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}, {"Forwarded": "host=evil.example;proto=http"},
    {"X-Host": "evil.example"}, {"X-Original-Host": "evil.example"}, {"X-Forwarded-Server": "evil.example"}, {"X-Forwarded-Port": "8443"}, {"X-Forwarded-Prefix": "//evil.example"},
    {"X-Original-URL": "//evil.example"}, {"X-Rewrite-URL": "//evil.example"}, {"Origin": "https://evil.example"}, {"Referer": "https://evil.example"}, {"X-Script-Name": "//evil.example"},
]  # fmt: skip


@pytest.mark.parametrize("headers", HOSTS, ids=lambda headers: "+".join(headers))
def test_fa_06_no_header_moves_the_service_to_another_host(manor: House, headers: dict[str, str]) -> None:
    """Links and redirects come from the configured address, never from the request (OWASP Forgot Password Cheat Sheet)."""
    person = manor.sign_up()
    browser = manor.visitor()
    fields = {"email": person.email, "password": person.password}
    answers = [
        browser.get(path, headers=headers)
        for path in ("/", "/account", "/account/", "/sign-in", "/sign-in/verify", "/api/v1/providers", "/api/v1/openapi.json", "/nowhere")
    ]
    answers.append(manor.visitor().send_form("/sign-in/password", fields, headers=headers))
    before = len(manor.mail_to(person.email))
    sign_up = {"email": person.email, "password": person.password, "given_name": "Ada", "family_name": "Byron"}
    answers.append(manor.post("/sign-up/password", sign_up, headers=headers))
    for answer in answers:
        assert leads_home(answer)
        assert "evil.example" not in answer.text
    mails = manor.mail_to(person.email)[before:]
    for mail in mails:
        assert "evil.example" not in mail.text + mail.link
        assert mail.link.startswith(HERE)
    assert mails or answers[-1].status_code >= 400
