"""Whether only our own pages can send our forms."""

from __future__ import annotations

import re

import pytest
from flask import Blueprint, Flask
from flask.testing import FlaskClient

from authenticator.errors import AuthError
from authenticator.http import csrf
from authenticator.http.cookies import Cookies
from authenticator.settings import Settings

BROWSER = "b" * 43


@pytest.fixture
def app() -> Flask:
    settings = Settings(environment="production", public_url="https://auth.example")
    app = Flask(__name__)
    app.extensions["authenticator_cookies"] = Cookies(settings)
    csrf.install(app, b"k" * 32, settings)
    pages = Blueprint("pages", __name__)
    csrf.protect(pages, exempt=frozenset({"pages.open"}))
    pages.add_url_rule("/form", "form", lambda: str(csrf.csrf_field()), methods=["GET", "POST"])
    pages.add_url_rule("/open", "open", lambda: "in", methods=["POST"])
    app.register_blueprint(pages)
    app.register_error_handler(AuthError, lambda error: (error.code, error.status))
    return app


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    return app.test_client()


def token_on(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    return found[1]


def test_the_form_of_our_own_page_is_taken(browser: FlaskClient) -> None:
    token = token_on(browser.get("/form", base_url="https://auth.example").text)
    assert browser.post("/form", data={"csrf_token": token}, base_url="https://auth.example").status_code == 200


def test_a_form_without_token_is_refused(browser: FlaskClient) -> None:
    browser.get("/form", base_url="https://auth.example")
    answer = browser.post("/form", base_url="https://auth.example")
    assert (answer.status_code, answer.text) == (403, "csrf_failed")


def test_who_keeps_no_cookies_is_told_that_they_are_needed(app: Flask) -> None:
    app.register_error_handler(AuthError, lambda error: (error.detail, error.status))

    def post(**options: str) -> tuple[int, str]:
        browser = app.test_client(use_cookies=False)
        token = token_on(browser.get("/form", base_url="https://auth.example").text)
        answer = browser.post("/form", data={"csrf_token": token}, base_url="https://auth.example", headers=options)
        return answer.status_code, answer.text

    assert post() == (403, csrf.COOKIES)
    status, told = post(Origin="https://evil.example")
    assert status == 403
    assert told != csrf.COOKIES, "nobody is asked to allow cookies for what another site sent"


def test_a_token_of_another_browser_is_refused(app: Flask) -> None:
    token = token_on(app.test_client().get("/form", base_url="https://auth.example").text)
    other = app.test_client()
    other.get("/form", base_url="https://auth.example")
    assert other.post("/form", data={"csrf_token": token}, base_url="https://auth.example").status_code == 403


def test_a_token_from_before_the_sign_in_is_refused_after_it(browser: FlaskClient) -> None:
    token = token_on(browser.get("/form", base_url="https://auth.example").text)
    browser.set_cookie("__Host-auth_session", "s" * 43, domain="auth.example")
    assert browser.post("/form", data={"csrf_token": token}, base_url="https://auth.example").status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://auth.example"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "https://auth.example"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "https://auth.example.evil.example"}, 403),
        ({"Origin": "http://auth.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://other.example", "Host": "other.example"}, 403),
    ],
)
def test_where_a_form_comes_from_decides_even_with_a_good_token(browser: FlaskClient, headers: dict[str, str], status: int) -> None:
    token = token_on(browser.get("/form", base_url="https://auth.example").text)
    headers = {"Cookie": browser_cookie(browser), **headers}
    answer = browser.post("/form", data={"csrf_token": token}, headers=headers, base_url="https://auth.example")
    assert answer.status_code == status


def browser_cookie(browser: FlaskClient) -> str:
    cookie = browser.get_cookie("__Host-auth_browser", domain="auth.example")
    assert cookie
    return f"__Host-auth_browser={cookie.value}"


def test_each_page_shows_another_token_so_that_compression_tells_nothing(browser: FlaskClient) -> None:
    first, second = (token_on(browser.get("/form", base_url="https://auth.example").text) for _ in range(2))
    assert first != second


@pytest.mark.parametrize("token", ["", ".", "a.", ".b", "a.b.c", "é.b", "a.é"])
def test_nonsense_is_no_token(token: str) -> None:
    made = csrf.Csrf(b"k" * 32, Settings())
    assert not made.holds(token, BROWSER, "")


def test_nobody_without_a_browser_cookie_holds_a_token() -> None:
    made = csrf.Csrf(b"k" * 32, Settings())
    assert not made.holds(made.token("", ""), "", "")


def test_an_exempt_address_takes_what_others_post(browser: FlaskClient) -> None:
    assert browser.post("/open", headers={"Sec-Fetch-Site": "cross-site"}).text == "in"
