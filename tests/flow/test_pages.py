"""Whether a person can do her stories on the pages, with a browser that runs no script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from authenticator.app import create_app

PASSWORD = "five quiet green teapots"
APP = "https://app.example"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    app = create_app(
        {
            "AUTHENTICATOR_ENVIRONMENT": "development",
            "AUTHENTICATOR_DATA_DIR": str(tmp_path),
            "AUTHENTICATOR_RETURN_ORIGINS": [APP],
            "AUTHENTICATOR_PLUGINS": ["password"],
        },
        env_file=None,
    )
    yield app
    app.extensions["authenticator"].core.store.close()


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    return app.test_client()


def token_on(page: TestResponse) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def send(browser: FlaskClient, address: str, page: TestResponse, **fields: str) -> TestResponse:
    return browser.post(address, data={"csrf_token": token_on(page), **fields})


def outbox(browser: FlaskClient) -> list[dict[str, str]]:
    messages: list[dict[str, str]] = browser.get("/dev/outbox", headers={"Accept": "application/json"}).json
    return messages


def sign_up(browser: FlaskClient, **more: str) -> TestResponse:
    fields = {"email": "grace@example.com", "password": PASSWORD, "given_name": "Grace", "family_name": "Hopper", **more}
    return send(browser, "/sign-up", browser.get("/sign-up"), **fields)


@pytest.fixture
def grace(browser: FlaskClient) -> FlaskClient:
    """A browser in which Grace has just signed up."""
    step = sign_up(browser)
    assert send(browser, step.location, browser.get(step.location), code=outbox(browser)[0]["code"]).location == "/account?done=welcome"
    return browser


def test_she_signs_up_proves_her_address_and_lands_on_her_account(grace: FlaskClient) -> None:
    page = grace.get("/account")
    assert "Grace Hopper" in page.text
    assert "grace@example.com" in page.text
    assert page.headers["Cache-Control"] == "no-store"


def test_a_wrong_code_is_told_and_may_be_tried_again(browser: FlaskClient) -> None:
    step = sign_up(browser)
    code = outbox(browser)[0]["code"]
    wrong = send(browser, step.location, browser.get(step.location), code="000000" if code != "000000" else "111111")
    assert wrong.status_code == 401
    assert 'aria-invalid="true"' in wrong.text
    assert send(browser, step.location, wrong, code=code).status_code == 303


def test_a_new_code_ends_the_old_one(browser: FlaskClient) -> None:
    step = sign_up(browser)
    again = send(browser, step.location, browser.get(step.location), resend="1")
    new, old = (message["code"] for message in outbox(browser))
    page = browser.get(again.location)
    assert "A new code is on its way" in page.text
    assert old == new or send(browser, "/sign-in/verify", page, code=old).status_code == 401
    assert send(browser, "/sign-in/verify", browser.get("/sign-in/verify"), code=new).status_code == 303


def test_a_wrong_password_keeps_the_address_and_never_the_password(grace: FlaskClient) -> None:
    send(grace, "/sign-out", grace.get("/account"))
    page = send(grace, "/sign-in", grace.get("/sign-in"), email="grace@example.com", password="hunter2 or so")
    assert page.status_code == 401
    assert 'value="grace@example.com"' in page.text
    assert "hunter2" not in page.text
    assert 'role="alert"' in page.text


def test_an_empty_form_is_answered_beside_its_fields(browser: FlaskClient) -> None:
    page = send(browser, "/sign-in/password", browser.get("/sign-in"))
    assert page.status_code == 422
    assert 'aria-describedby="password-email-error"' in page.text
    assert 'href="#password-password"' in page.text


def test_she_comes_back_to_the_application_that_sent_her(grace: FlaskClient) -> None:
    send(grace, "/sign-out", grace.get("/account"))
    page = grace.get(f"/sign-in?return_to={APP}/after")
    assert f"form-action 'self' {APP};" in page.headers["Content-Security-Policy"]
    answer = send(grace, "/sign-in", page, email="grace@example.com", password=PASSWORD, return_to=f"{APP}/after")
    assert (answer.status_code, answer.location) == (303, f"{APP}/after")


@pytest.mark.parametrize(
    "evil", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "https://app.example.evil.example/"]
)
def test_nobody_is_sent_anywhere_else(grace: FlaskClient, evil: str) -> None:
    assert grace.get("/sign-in", query_string={"return_to": evil}).location == "/account"
    send(grace, "/sign-out", grace.get("/account"))
    page = grace.get("/sign-in", query_string={"return_to": evil})
    assert "evil" not in page.text + page.headers["Content-Security-Policy"]
    assert send(grace, "/sign-in", page, email="grace@example.com", password=PASSWORD, return_to=evil).location == "/account"


def test_signing_out_ends_it_here(grace: FlaskClient) -> None:
    answer = send(grace, "/sign-out", grace.get("/account"))
    assert "You are signed out here." in grace.get(answer.location).text
    assert grace.get("/account").location == "/sign-in?return_to=/account"


@pytest.mark.parametrize(
    "address", ["/sign-in", "/sign-up", "/sign-in/password", "/sign-in/verify", "/sign-out", "/account/token", "/account/unlink/x"]
)
def test_a_form_from_elsewhere_changes_nothing(grace: FlaskClient, address: str) -> None:
    token = token_on(grace.get("/account"))
    assert grace.post(address).status_code == 403
    assert grace.post(address, data={"csrf_token": token}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert grace.get("/account").status_code == 200


def test_looking_never_signs_out_nor_gives_a_token(grace: FlaskClient) -> None:
    for address in ("/sign-out", "/account/token", "/account/link/password", "/account/unlink/x"):
        assert grace.get(address).status_code == 405
    assert "Bearer" not in grace.get("/account").text


def test_she_gets_a_token_that_the_api_takes(grace: FlaskClient) -> None:
    page = send(grace, "/account/token", grace.get("/account"))
    found = re.search(r"Authorization: Bearer ([\w.-]+)", unescape(page.text))
    assert found
    me = grace.get("/api/v1/me", headers={"Authorization": f"Bearer {found[1]}"})
    assert me.json["email"] == "grace@example.com"


def test_the_only_way_in_stays(grace: FlaskClient) -> None:
    page = grace.get("/account")
    found = re.search(r'action="(/account/unlink/[^"]+)"', page.text)
    assert found
    answer = send(grace, found[1], page)
    assert answer.status_code == 409
    assert "only way into the account" in answer.text


def test_a_callback_that_nobody_asked_for_is_a_page_and_no_sign_in(browser: FlaskClient) -> None:
    answer = browser.get("/sign-in/password/callback?state=made-up&code=x")
    assert answer.status_code == 400
    assert browser.get("/account").status_code == 303


def test_a_posted_callback_comes_again_as_get_with_nothing_but_its_own_parameters(browser: FlaskClient) -> None:
    answer = browser.post(
        "/sign-in/password/callback", data={"state": "s", "code": "c", "next": "//evil"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert (answer.status_code, answer.location) == (303, "/sign-in/password/callback?state=s&code=c")


def test_names_are_text_and_never_markup(browser: FlaskClient) -> None:
    step = sign_up(browser, given_name="<b>G", family_name="{{ 7 * 7 }}%(name)s")
    send(browser, step.location, browser.get(step.location), code=outbox(browser)[0]["code"])
    page = browser.get("/account").text
    assert "&lt;b&gt;G {{ 7 * 7 }}%(name)s" in page


def test_the_address_an_application_knows_is_filled_in(browser: FlaskClient) -> None:
    assert 'value="ada@example.com"' in browser.get("/sign-in?login_hint=ada@example.com").text


def test_an_unknown_page_is_a_page(browser: FlaskClient) -> None:
    answer = browser.get("/nowhere")
    assert answer.status_code == 404
    assert answer.content_type == "text/html; charset=utf-8"


def test_too_many_tries_are_told_to_wait_and_how_long(grace: FlaskClient) -> None:
    send(grace, "/sign-out", grace.get("/account"))
    page = grace.get("/sign-in")
    for _ in range(7):
        page = send(grace, "/sign-in", page, email="grace@example.com", password="not hers at all")
    assert page.status_code == 429
    assert f"Wait {page.headers['Retry-After']} seconds" in page.text
