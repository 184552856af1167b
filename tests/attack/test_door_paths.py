"""FA-01: the door has one address and believes nothing but a cookie or a token, whatever the request says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from werkzeug.test import Client, EnvironBuilder

if TYPE_CHECKING:
    from tests.attack.conftest import Builder, House, Person

IDENTITY = ("X-Auth-User", "X-Auth-Email", "X-Auth-Name", "X-Auth-Permissions", "X-Auth-Token")


@pytest.fixture(scope="module")
def ada(house: House) -> Person:
    return house.sign_up()


@pytest.mark.parametrize(
    "path",
    [
        "//verify", "/verify/", "/verify//", "/verify%2f", "/verify%2F..", "/Verify", "/VERIFY", "/verify;x=1", "/./verify", "/x/../verify",
        "/verify%00", "/verify%20", "/verify.css", "/verify%3foptional=1", "/%76erify/", "/verify/x", "\\verify", "/verify\\", "/api/v1/verify",
    ],
)  # fmt: skip
def test_fa_01_no_other_spelling_of_the_address_lets_anybody_in(house: House, path: str) -> None:
    """A proxy takes 2xx for a yes, whoever gave it: an address that is not the door's says neither yes nor who."""
    answer = house.visitor().open(EnvironBuilder(path=path.partition("?")[0], base_url=house.service.settings.public_url, method="GET"))
    assert not 200 <= answer.status_code < 300, path
    assert not any(answer.headers.get(name) for name in IDENTITY), path


SPOOFED = dict.fromkeys(IDENTITY, "1") | {
    "X-Remote-User": "1", "Remote-User": "1", "X-Forwarded-User": "1", "X-Forwarded-Email": "root@example.com", "X-Original-URL": "/",
    "X-Rewrite-URL": "/healthz", "X-HTTP-Method-Override": "OPTIONS", "X-Forwarded-Prefix": "/x", "X-Forwarded-Method": "OPTIONS",
    "X-Forwarded-Uri": "/verify?optional=1", "Forwarded": "for=127.0.0.1;host=evil.example",
}  # fmt: skip


def test_fa_01_headers_that_name_somebody_make_nobody_of_anybody(house: House, ada: Person) -> None:
    spoofed = {name: (ada.id if value == "1" else value) for name, value in SPOOFED.items()}
    for method in ("GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE", "PROPFIND"):
        answer = house.visitor().open("/verify", method=method, headers=spoofed)
        assert answer.status_code == 401, method
        assert [answer.headers[name] for name in IDENTITY] == [""] * 5
    asked = house.visitor().get("/verify?optional=1", headers=spoofed)
    assert (asked.status_code, [asked.headers[name] for name in IDENTITY]) == (200, [""] * 5)
    known = house.visitor().get("/verify", headers={**spoofed, **ada.bearer, "X-Auth-User": "1"})
    assert (known.status_code, known.headers.getlist("X-Auth-User")) == (200, [ada.id])


def test_fa_01_under_a_prefix_the_door_is_where_its_service_is(build: Builder) -> None:
    house = build(public_url="http://localhost/auth")
    for mount, path, status in (("", "/verify", 401), ("/auth", "/verify", 401), ("", "/auth/verify", 404), ("/auth", "/auth/verify", 404)):
        builder = EnvironBuilder(path=path, base_url=f"http://localhost{mount}/", method="GET")
        answer = Client(house.app).open(builder)
        assert answer.status_code == status, (mount, path)
        assert not any(answer.headers.get(name) for name in IDENTITY)


def test_fa_01_cookies_that_only_look_like_one_open_nothing(house: House, ada: Person) -> None:
    browser = house.browser_of(ada)
    good = browser.get_cookie("auth_session", "localhost")
    assert good is not None
    assert house.visitor().get("/verify", headers={"Cookie": f"auth_session={good.value}"}).status_code == 200
    for cookie in (
        f"xauth_session={good.value}",
        f"auth_session ={good.value}",
        f"auth_sessio={good.value}",
        f"AUTH_SESSION={good.value}",
        f"auth_session={good.value}x",
        f"auth_session={good.value[:-1]}",
        f"auth_session={good.value.swapcase()}",
        f"__Host-auth_session={good.value}",
        f"auth_door={good.value}",
        f"auth_browser={good.value}",
        f"auth_session=x, auth_session={good.value}",
        f"auth_session=%{ord(good.value[0]):x}{good.value[1:]}",
        "auth_session=" + "A" * 8000,
        "auth_session=\x00",
    ):
        assert house.visitor().get("/verify", headers={"Cookie": cookie}).status_code == 401, cookie[:60]
