"""Applications by program: administrators look after all, people after their own."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from authenticator.applications import OWN, Assignment
from authenticator.service import Service
from authenticator.testing.client import Answer, Browser
from authenticator.testing.people import Account, AsUser

SHOP = {"client_name": "Shop", "redirect_uris": ["https://shop.example/auth/callback"]}


@pytest.fixture
def auth_settings() -> dict[str, Any]:
    return {"OIDC_PEOPLE_REGISTER": "true"}


@pytest.fixture
def auth(auth_app: Flask) -> Service:
    found: Service = auth_app.extensions["authenticator"]
    return found


@pytest.fixture
def admin(as_user: AsUser, auth: Service) -> Account:
    account = as_user("root@example.com")
    for permission in ("applications:read", "applications:write"):
        auth.assign("operator", auth.find_user(account.id), Assignment(OWN, permission=permission))
    return account


def call(client: Browser, who: Account, method: str, path: str = "", body: Any = None, **headers: str) -> Answer:
    return client.api(method, f"applications{path}", body, token=who.access_token, headers=headers)


def test_an_administrator_registers_reads_changes_and_removes(client: Browser, admin: Account, auth: Service) -> None:
    # an application may ask for no more than she holds
    auth.assign("operator", auth.find_user(admin.id), Assignment(OWN, permission="users:read"))
    made = call(client, admin, "POST", "", {**SHOP, "trusted": True, "scope": "openid users:read"})
    assert made.status == 201
    path = f"/{made['client_id']}"
    assert auth.check_client_secret(auth.application(made["client_id"]), made["client_secret"])
    assert (made["registration"], made["owner"], made["trusted"], made["scope"]) == ("operator", None, True, "openid users:read")
    read = call(client, admin, "GET", path)
    assert "client_secret" not in read.body
    assert {**made.body, "client_secret": None} == {**read.body, "client_secret": None}
    changed = call(client, admin, "PATCH", path, {"client_name": "Better Shop", "enabled": False})
    assert (changed["client_name"], changed["enabled"], changed["redirect_uris"]) == ("Better Shop", False, SHOP["redirect_uris"])
    assert call(client, admin, "PATCH", path, {"enabled": True})["enabled"]
    assert [one["client_id"] for one in call(client, admin, "GET").body] == [made["client_id"]]
    assert call(client, admin, "DELETE", path).status == 204
    assert call(client, admin, "GET", path).status == 404
    assert next(event.kind for event in auth.all_events().items if event.detail.get("by") == admin.id) == "application_removed"


def test_secrets_are_added_and_let_go(client: Browser, admin: Account, auth: Service) -> None:
    made = call(client, admin, "POST", "", SHOP)
    path = f"/{made['client_id']}/secrets"
    added = call(client, admin, "POST", path)
    assert (added.status, len(added["client_secret"])) == (201, 43)
    assert call(client, admin, "DELETE", f"{path}/{made['secrets'][0]['id']}?after_hours=24").status == 204
    assert call(client, admin, "DELETE", f"{path}/{made['secrets'][0]['id']}?after_hours=x").status == 400
    assert auth.check_client_secret(auth.application(made["client_id"]), made["client_secret"])
    assert call(client, admin, "DELETE", f"{path}/{made['secrets'][0]['id']}").status == 204
    assert not auth.check_client_secret(auth.application(made["client_id"]), made["client_secret"])
    assert call(client, admin, "DELETE", f"{path}/unknown").status == 404


def test_a_repeated_creation_makes_one_application(client: Browser, admin: Account, auth: Service) -> None:
    first, again = (call(client, admin, "POST", "", SHOP, **{"Idempotency-Key": "one"}) for _ in range(2))
    assert first.body == again.body
    assert len(auth.applications().items) == 1


def test_faults_are_told_by_field(client: Browser, admin: Account) -> None:
    refused = call(client, admin, "POST", "", {**SHOP, "redirect_uris": ["javascript:alert(1)"], "logo_uri": "http://x.example/"})
    assert (refused.status, refused["code"], set(refused["errors"])) == (422, "validation_failed", {"redirect_uris", "logo_uri"})
    assert call(client, admin, "POST", "", {**SHOP, "unknown": 1}).status == 422
    assert call(client, admin, "POST", "", {**SHOP, "redirect_uris": "x"}).status == 400


def test_people_look_after_their_own_and_see_no_others(client: Browser, as_user: AsUser, admin: Account) -> None:
    ada, bob = as_user("ada@example.com"), as_user("bob@example.com")
    theirs = call(client, admin, "POST", "", SHOP)["client_id"]
    made = call(client, ada, "POST", "", {**SHOP, "trusted": True, "scope": "openid users:write"})
    assert (made.status, made["owner"], made["trusted"], made["scope"]) == (201, ada.id, False, "openid")
    assert [one["client_id"] for one in call(client, ada, "GET").body] == [made["client_id"]]
    assert call(client, bob, "GET").body == []
    secret = made["secrets"][0]["id"]
    for who, client_id in ((bob, made["client_id"]), (ada, theirs), (ada, "authenticator")):
        for method, path, body in (
            ("GET", "", None),
            ("PATCH", "", {"client_name": "Mine"}),
            ("DELETE", "", None),
            ("POST", "/secrets", None),
            ("DELETE", f"/secrets/{secret}", None),
        ):
            assert call(client, who, method, f"/{client_id}{path}", body).status == 404, (method, path)
    assert call(client, ada, "PATCH", f"/{made['client_id']}", {"client_name": "Ada's Shop"})["client_name"] == "Ada's Shop"
    assert call(client, ada, "DELETE", f"/{made['client_id']}").status == 204


def test_reading_is_not_writing(client: Browser, as_user: AsUser, auth: Service, admin: Account) -> None:
    reader = as_user("reader@example.com")
    auth.assign("operator", auth.find_user(reader.id), Assignment(OWN, permission="applications:read"))
    theirs = call(client, admin, "POST", "", SHOP)["client_id"]
    assert call(client, reader, "GET", f"/{theirs}").status == 200
    assert call(client, reader, "PATCH", f"/{theirs}", {"client_name": "Mine"}).status == 404
    assert call(client, reader, "DELETE", f"/{theirs}").status == 404


class TestWherePeopleRegisterNone:
    @pytest.fixture
    def auth_settings(self) -> dict[str, Any]:
        return {}

    def test_nobody_but_administrators_gets_in(self, client: Browser, as_user: AsUser) -> None:
        ada = as_user("ada@example.com")
        for method, path, body in (("GET", "", None), ("POST", "", SHOP), ("GET", "/app_x", None), ("DELETE", "/app_x", None)):
            refused = call(client, ada, method, path, body)
            assert (refused.status, refused["code"]) == (403, "forbidden")
            assert client.api(method, f"applications{path}", body).status == 401
