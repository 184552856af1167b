"""Applications that ask whether somebody may, with a token that each got for itself (client credentials) or with its secret."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from authenticator.applications import Assignment
from authenticator.clock import SetClock
from authenticator.testing.client import Answer, Browser
from authenticator.testing.oauth import OAuthApp
from authenticator.testing.people import Account, AsUser

PERMISSION = "reports:read"
ITSELF = {"grant_types": ["client_credentials"], "redirect_uris": [], "scope": PERMISSION}


@pytest.fixture
def reports(auth_app: Flask) -> OAuthApp:
    return an_application(auth_app)


@pytest.fixture
def ada(as_user: AsUser) -> Account:
    return as_user("ada@example.com")


def an_application(app: Flask, **more: Any) -> OAuthApp:
    """One that declares a permission, and may get tokens for itself."""
    made = OAuthApp.register(app, **{"client_name": "Reports", **ITSELF, **more})
    made.auth.declare_permission("operator", made.application, PERMISSION, "See reports")
    return made


def give(reports: OAuthApp, person: Account, **more: Any) -> None:
    reports.auth.assign("operator", reports.auth.find_user(person.id), Assignment(reports.id, permission=PERMISSION, **more))


def token_of(reports: OAuthApp, **more: Any) -> str:
    answer = reports.token("client_credentials", **more)
    assert answer.status_code == 200, answer.text
    return str(answer.json["access_token"])


def ask(client: Browser, token: str, person: Account, **more: str) -> Answer:
    return client.browser().api("POST", "authorize", {"user_id": person.id, "permission": PERMISSION, **more}, token=token)


def test_an_application_asks_with_a_token_of_its_own(client: Browser, reports: OAuthApp, ada: Account) -> None:
    token = token_of(reports)
    assert ask(client, token, ada)["allowed"] is False
    give(reports, ada, resource="projects/*")
    assert ask(client, token, ada)["allowed"] is False, "not everything"
    allowed = ask(client, token, ada, resource="projects/7")
    assert (allowed["allowed"], "Reports" in allowed["reason"]) == (True, True)
    assert ask(client, token, ada, resource="teams/7")["allowed"] is False
    by_secret = client.browser().api(
        "POST",
        "authorize",
        {"user_id": ada.id, "permission": PERMISSION, "resource": "projects/7"},
        headers={"Authorization": reports.basic()},
    )
    assert by_secret.body == allowed.body


def test_what_is_taken_back_is_denied_at_the_next_question(client: Browser, reports: OAuthApp, ada: Account) -> None:
    token, user = token_of(reports), reports.auth.find_user(ada.id)
    give(reports, ada)
    assert ask(client, token, ada)["allowed"] is True
    reports.auth.unassign("operator", reports.auth.find_user(user.id), Assignment(reports.id, permission=PERMISSION))
    assert ask(client, token, ada)["allowed"] is False


def test_its_token_asks_about_its_own_permissions_alone(client: Browser, auth_app: Flask, reports: OAuthApp, ada: Account) -> None:
    other = an_application(auth_app, client_name="Other")
    give(other, ada)
    give(reports, ada)
    token = token_of(reports)
    assert ask(client, token, ada, application=reports.id)["allowed"] is True
    for application in (other.id, "authenticator"):
        assert ask(client, token, ada, application=application).code == "forbidden"
    assert client.browser().api("GET", "me", token=token).status == 401, "it is nobody"


def test_its_token_ends_with_its_time_by_revocation_and_with_the_application(
    client: Browser, reports: OAuthApp, ada: Account, clock: SetClock
) -> None:
    give(reports, ada)
    revoked, old = token_of(reports), token_of(reports)
    assert reports.revoke(revoked).status_code == 200
    assert ask(client, revoked, ada).status == 401
    assert ask(client, old, ada)["allowed"] is True
    clock.advance(minutes=11)
    assert ask(client, old, ada).status == 401
    fresh = token_of(reports)
    reports.change(enabled=False)
    assert ask(client, fresh, ada).status == 401


def test_a_token_for_somewhere_else_asks_nothing(client: Browser, auth_app: Flask, ada: Account) -> None:
    reports = an_application(auth_app, resources=["https://api.example"])
    give(reports, ada)
    assert ask(client, token_of(reports, resource="https://api.example"), ada).status == 401


def test_a_token_that_a_person_gave_an_application_is_not_the_applications_own(client: Browser, auth_app: Flask, ada: Account) -> None:
    shop = an_application(auth_app, grant_types=["authorization_code"], redirect_uris=["https://shop.example/callback"], scope="openid")
    give(shop, ada)
    tokens = shop.tokens(ada.browser())
    assert ask(client, tokens["access_token"], ada, application=shop.id).status == 401
