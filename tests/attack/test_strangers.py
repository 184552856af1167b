"""AP-02, OA-10, OA-14, OA-18: what somebody may come to who registers an application of her own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from authenticator.testing.oauth import OAuthApp

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.attack.conftest import Builder, House, Person

TOOLS = "https://mcp.example.com"
HOME = "https://game.example/back"


@pytest.fixture(scope="module")
def town(build: Builder) -> House:
    """A service at which anybody registers applications, which may ask for one audience of the operator's."""
    return build(oidc_people_register="true", oidc_registration="open", oidc_resources=TOOLS)


@pytest.fixture
def mallory(town: House) -> Person:
    return town.sign_up()


def call(town: House, method: str, path: str, who: Person, body: Any = None) -> TestResponse:
    return town.visitor().open(f"/api/v1{path}", method=method, headers=who.bearer, **({} if body is None else {"json": body}))


def her_own(town: House, who: Person, **more: Any) -> OAuthApp:
    """An application that somebody registered by the API."""
    made = call(town, "POST", "/applications", who, {"client_name": "Game", "redirect_uris": [HOME], **more})
    assert made.status_code == 201, made.text
    return OAuthApp(town.app, town.service.application(made.json["client_id"]), made.json["client_secret"] or "")


def test_ap_02_nobody_lets_her_application_in_that_somebody_else_has_shut_out(town: House, mallory: Person) -> None:
    app, service = her_own(town, mallory), town.service
    here = f"/applications/{app.id}"
    assert call(town, "PATCH", here, mallory, {"enabled": False}).status_code == 200
    assert call(town, "PATCH", here, mallory, {"enabled": True}).status_code == 200, "what she shut out herself, she lets in"
    for before in (True, False):
        assert call(town, "PATCH", here, mallory, {"enabled": before}).status_code == 200
        service.disable_application(service.application(app.id))
        for change in ({"enabled": True}, {"enabled": False}, {"enabled": True, "client_name": "Toy"}):
            call(town, "PATCH", here, mallory, change)
            assert not service.application(app.id).enabled, change
        refused = call(town, "PATCH", here, mallory, {"enabled": True})
        assert (refused.status_code, refused.json["code"]) == (403, "forbidden")
        service.enable_application(service.application(app.id))
    kinds = [event.kind for event in service.events(service.find_user(mallory.id)).items]
    assert {"application_disabled", "application_enabled"} <= set(kinds), "and the history says what was done"
