"""The pages of one's own applications, where the operator lets people register them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask

from authenticator.clock import SetClock
from authenticator.service import Service
from authenticator.testing.people import Account, AsUser

HERE = "/account/own-applications"
FIELDS = {"client_name": "Shop", "redirect_uris": "https://shop.example/cb\n\nhttps://shop.example/cb2\n", "client_uri": ""}


@pytest.fixture
def auth_settings() -> dict[str, Any]:
    return {"OIDC_PEOPLE_REGISTER": "true"}


@pytest.fixture
def auth(auth_app: Flask) -> Service:
    found: Service = auth_app.extensions["authenticator"]
    return found


@pytest.fixture
def ada(as_user: AsUser) -> Account:
    return as_user("ada@example.com")


def post(browser: Any, path: str, fields: dict[str, str] | None = None) -> Any:
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(HERE).html)
    assert token
    return browser.post(path, {"csrf_token": token[1], **(fields or {})})


def test_she_registers_one_and_sees_its_secret_once(ada: Account, auth: Service) -> None:
    browser = ada.browser()
    assert "Your applications" in browser.get("/account").text
    made = post(browser, HERE, FIELDS)
    assert made.status == 200
    (found,) = auth.applications(owner=ada.id).items
    secret = re.search(r'<pre class="secret codes" tabindex="0">([^<]+)</pre>', made.html)
    assert secret
    assert auth.check_client_secret(found, secret[1])
    assert found.redirect_uris == ("https://shop.example/cb", "https://shop.example/cb2")
    for path in (HERE, f"{HERE}/{found.id}"):
        page = browser.get(path).html
        assert found.id in page
        assert secret[1] not in page


def test_a_second_click_or_a_reload_makes_no_second_one_and_shows_the_first_for_a_minute(
    ada: Account, auth: Service, clock: SetClock
) -> None:
    browser = ada.browser()
    form = browser.get(HERE).form("client_name")
    first, again = browser.post(HERE, {**form.values, **FIELDS}), browser.post(HERE, {**form.values, **FIELDS})
    (found,) = auth.applications(owner=ada.id).items
    secret = re.search(r'<pre class="secret codes" tabindex="0">([^<]+)</pre>', first.html)
    assert secret
    assert secret[1] in again.html
    form = browser.get(f"{HERE}/{found.id}").form(action="/secrets")
    secrets = {browser.post(form.action, form.values).html.partition('class="secret codes" tabindex="0">')[2][:43] for _ in range(2)}
    assert len(secrets) == 1
    assert len(auth.application(found.id).secrets) == 2
    clock.advance(minutes=2)
    late = browser.post(form.action, form.values)
    assert late.status == 409
    assert "This form was sent before." in late
    assert secrets.pop() not in late.html
    assert len(auth.application(found.id).secrets) == 2


def test_what_is_wrong_is_told_at_its_field_and_what_was_typed_stays(ada: Account, auth: Service) -> None:
    browser = ada.browser()
    refused = post(browser, HERE, {**FIELDS, "redirect_uris": "http://shop.example/cb", "client_name": "<b>Shop"})
    assert refused.status == 422
    assert "http is for this machine only" in refused.html
    assert "http://shop.example/cb</textarea>" in refused.html
    assert "&lt;b&gt;Shop" in refused.html
    assert auth.applications(owner=ada.id).items == ()


def test_she_changes_it_rotates_its_secrets_and_removes_it(ada: Account, auth: Service) -> None:
    browser = ada.browser()
    post(browser, HERE, FIELDS)
    (found,) = auth.applications(owner=ada.id).items
    here = f"{HERE}/{found.id}"
    assert post(browser, here, {**FIELDS, "client_name": "Better Shop"}).status == 303
    assert auth.application(found.id).name == "Better Shop"
    assert "not shown again" in post(browser, f"{here}/secrets").html
    first = found.secrets[0].digest[:8]
    assert post(browser, f"{here}/secrets/{first}/remove").status == 303
    assert [one.digest[:8] for one in auth.application(found.id).secrets] != [first]
    assert post(browser, f"{here}/secrets/{first}/remove").status == 404
    unsure = post(browser, f"{here}/remove")
    assert unsure.status == 422
    assert 'id="sure-error"' in unsure.html
    assert "Better Shop" in unsure, "what is registered still stands in its fields"
    assert auth.find_application(found.id)
    assert post(browser, f"{here}/remove", {"sure": "1"}).status == 303
    assert auth.find_application(found.id) is None
    assert browser.get(here).status == 404


def test_an_app_on_a_phone_gets_no_secret(ada: Account, auth: Service) -> None:
    made = post(ada.browser(), HERE, {**FIELDS, "redirect_uris": "com.example.shop:/cb", "public": "1"})
    assert "not shown again" not in made.html
    (found,) = auth.applications(owner=ada.id).items
    assert (found.public, found.secrets) == (True, ())


def test_other_peoples_applications_are_none(ada: Account, as_user: AsUser, auth: Service) -> None:
    theirs = auth.register_application({"client_name": "House", "redirect_uris": ["https://house.example/cb"]}).application
    browser = ada.browser()
    here = f"{HERE}/{theirs.id}"
    assert browser.get(here).status == 404
    for path in (here, f"{here}/secrets", f"{here}/secrets/{theirs.secrets[0].digest[:8]}/remove", f"{here}/remove"):
        assert post(browser, path, FIELDS).status == 404
    assert auth.application(theirs.id) == theirs


class TestWherePeopleRegisterNone:
    @pytest.fixture
    def auth_settings(self) -> dict[str, Any]:
        return {}

    def test_there_is_no_such_page(self, ada: Account) -> None:
        browser = ada.browser()
        assert browser.get(HERE).status == 404
        assert "Your applications" not in browser.get("/account").text
