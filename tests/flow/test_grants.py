"""What applications hold of a person: she sees it, and takes it back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from authenticator.applications import Application, Grant, Permission
from authenticator.models import Client, Session

if TYPE_CHECKING:
    from flask import Flask

    from authenticator.clock import SetClock
    from authenticator.service import Service
    from authenticator.testing.client import Browser
    from authenticator.testing.people import Account, AsUser


@pytest.fixture
def ada(as_user: AsUser) -> Account:
    return as_user("ada@example.com")


@pytest.fixture
def service(auth_app: Flask) -> Service:
    found: Service = auth_app.extensions["authenticator"]
    return found


def let_in(service: Service, ada: Account, name: str, **more: Any) -> Session:
    """An application that ada let have her address, and what it was given."""
    core, now = service.core, service.core.clock.now()
    core.store.add_application(Application(f"app_{name}", name.title(), now, now))
    grant = Grant(ada.id, f"app_{name}", now, now, ("openid", "email"), ("phone_number",))
    assert core.store.save_grant(grant)
    parent = core.store.session_by_id(ada.session_id)
    assert parent
    facts = {"kind": "grant", "application": f"app_{name}", "parent": parent.id, "scopes": ("openid", "email"), **more}
    key = replace(parent, id=f"family-{name}", cookie=None, refresh=f"digest-{name}", created_at=now, **facts)
    core.store.open_session(key)
    return key


def test_a_person_sees_what_each_application_holds(client: Browser, ada: Account, service: Service, clock: SetClock) -> None:
    let_in(service, ada, "photos", offline=True)
    service.core.store.note_read(ada.id, "app_photos", ["email"], clock.now())
    service.core.store.touch_session("family-photos", clock.now() + timedelta(minutes=1), Client("203.0.113.9", "Photos/1.0"))
    [one] = client.api("GET", "me/grants", token=ada.access_token).body
    assert (one["client_id"], one["name"], one["scopes"], one["claims"]) == ("app_photos", "Photos", ["openid", "email"], ["phone_number"])
    assert list(one["last_read"]) == ["email"]
    assert [(key["offline"], key["last_used_from"]) for key in one["sessions"]] == [(True, "203.0.113.9")]
    assert "digest" not in str(one)
    page = ada.browser().get("/account/applications")
    for words in ("Photos", "See your e-mail address", "last read", "203.0.113.9", "stays when you sign out", "phone_number"):
        assert words in page, words


def test_what_an_application_may_do_is_told_there_in_the_words_that_she_agreed_to(ada: Account, service: Service) -> None:
    core, now = service.core, service.core.clock.now()
    declared = (Permission("reports:read", "Read your reports"), Permission("reports:write"))
    core.store.add_application(Application("app_reports", "Reports", now, now, permissions=declared))
    core.store.save_grant(Grant(ada.id, "app_reports", now, now, ("openid", "reports:read", "reports:write")))
    page = ada.browser().get("/account/applications").html
    assert "Read your reports" in page
    assert "reports:read" not in page
    assert "reports:write" in page


def test_she_takes_one_back_on_the_page(client: Browser, ada: Account, service: Service) -> None:
    let_in(service, ada, "photos")
    let_in(service, ada, "music")
    page = ada.browser().submit("/account/applications", application="app_photos")
    assert "has no access any more" in page.follow()
    assert [one["client_id"] for one in client.api("GET", "me/grants", token=ada.access_token).body] == ["app_music"]
    assert service.core.store.session_by_id("family-photos").closed_at
    assert not service.core.store.session_by_id("family-music").closed_at
    kinds = [one["kind"] for one in client.api("GET", "me/events", token=ada.access_token).body]
    assert "consent_withdrawn" in kinds


def test_she_takes_all_back(client: Browser, ada: Account, service: Service) -> None:
    let_in(service, ada, "photos")
    let_in(service, ada, "music")
    browser = ada.browser()
    forms = browser.get("/account/applications").forms
    form = next(one for one in forms if one.action.endswith("/take-back") and "application" not in one.values)
    assert browser.post("/account/applications/take-back", form.values).status == 303
    assert client.api("GET", "me/grants", token=ada.access_token).body == []


def test_a_program_takes_back_by_client_id(client: Browser, ada: Account, service: Service) -> None:
    let_in(service, ada, "photos")
    let_in(service, ada, "music")
    let_in(service, ada, "maps")
    assert client.api("DELETE", "me/grants/app_photos", token=ada.access_token).status == 204
    assert client.api("DELETE", "me/grants/app_photos", token=ada.access_token).status == 404
    assert client.api("DELETE", "me/grants?client_id=app_music", token=ada.access_token).status == 204
    assert client.api("DELETE", "me/grants?client_id=app_music", token=ada.access_token).status == 404
    assert [one["client_id"] for one in client.api("GET", "me/grants", token=ada.access_token).body] == ["app_maps"]
    assert client.api("DELETE", "me/grants", token=ada.access_token).status == 204
    assert client.api("GET", "me/grants", token=ada.access_token).body == []


def test_nobody_takes_back_what_somebody_else_gave(client: Browser, ada: Account, service: Service, as_user: AsUser) -> None:
    let_in(service, ada, "photos")
    bob = as_user("bob@example.com")
    assert client.api("DELETE", "me/grants/app_photos", token=bob.access_token).status == 404
    assert len(client.api("GET", "me/grants", token=ada.access_token).body) == 1


def test_the_export_tells_what_applications_hold(client: Browser, ada: Account, service: Service) -> None:
    let_in(service, ada, "photos")
    [one] = client.api("GET", "me/export", token=ada.access_token)["applications"]
    assert (one["client_id"], one["scopes"], len(one["sessions"])) == ("app_photos", ["openid", "email"], 1)
    assert "digest-photos" not in str(one)


def test_she_ends_one_sign_in_of_an_application_and_it_keeps_what_was_agreed_to(client: Browser, ada: Account, service: Service) -> None:
    let_in(service, ada, "photos")
    browser = ada.browser()
    assert "That sign-in was ended" in browser.submit("/account/applications", action="/family-photos/end").follow()
    assert service.core.store.session_by_id("family-photos").closed_at
    [one] = client.api("GET", "me/grants", token=ada.access_token).body
    assert (one["client_id"], one["sessions"]) == ("app_photos", [])


def test_nobody_ends_a_sign_in_of_somebody_elses_application(ada: Account, service: Service, as_user: AsUser) -> None:
    let_in(service, ada, "photos")
    bob = as_user("bob@example.com").browser()
    token = bob.get("/account/profile").form("username").csrf
    assert bob.post("/account/applications/family-photos/end", {"csrf_token": token}).status == 404
    assert not service.core.store.session_by_id("family-photos").closed_at
