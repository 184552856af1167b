"""An administrator at work in her browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from authenticator.applications import OWN, Application, Assignment, Permission, Role
from authenticator.models import Status
from authenticator.testing.people import AsUser

if TYPE_CHECKING:
    from flask import Flask

    from authenticator.service import Service
    from authenticator.testing.client import Browser
    from authenticator.testing.people import Account

AREAS = ("", "/users", "/applications", "/permissions", "/providers", "/history")


@pytest.fixture
def service(auth_app: Flask) -> Service:
    found: Service = auth_app.extensions["authenticator"]
    return found


@pytest.fixture
def ada(as_user: AsUser) -> Account:
    return as_user("ada@example.com", given_name="Ada")


@pytest.fixture
def chief(as_user: AsUser, service: Service) -> Account:
    account = as_user("root@example.com", given_name="Grace")
    service.assign("operator", service.find_user(account.id), Assignment(OWN, role="administrator"))
    return account


def test_strangers_sign_in_first_and_people_without_rights_are_refused(client: Browser, ada: Account, chief: Account) -> None:
    for area in AREAS:
        assert client.browser().get(f"/admin{area}").path == "/sign-in"
    browser = ada.browser()
    assert not [link for link in browser.get("/account").links if "/admin" in str(link)]
    for area in (*AREAS, f"/users/{chief.id}", "/users/1", "/applications/app_x", "/permissions/of/app_x"):
        assert browser.get(f"/admin{area}").status == 403, area


def test_the_account_pages_lead_an_administrator_on(chief: Account) -> None:
    browser = chief.browser()
    assert "Administration" in browser.get("/account")
    for area in AREAS:
        assert browser.get(f"/admin{area}").status == 200, area


def test_who_may_see_permissions_only_sees_those(as_user: AsUser, service: Service, ada: Account) -> None:
    service.assign("operator", service.find_user(ada.id), Assignment(OWN, permission="permissions:read"))
    browser = ada.browser()
    assert "Permissions" in browser.get("/admin")
    for area in ("/users", "/applications", "/providers", "/history"):
        assert browser.get(f"/admin{area}").status == 403
    page = browser.get("/admin/permissions")
    assert (page.status, "Add a permission" in page) == (200, False)


def test_an_account_is_found_suspended_and_let_in_again(chief: Account, ada: Account, service: Service) -> None:
    browser = chief.browser()
    assert "Ada" in browser.get("/admin/users?q=ada@example.com")
    assert "No account was found" in browser.get("/admin/users?q=nobody@example.com")
    here = f"/admin/users/{ada.id}"
    refused = browser.submit(here, action="/status", status="suspended", reason=" ")
    assert refused.status == 422
    assert "Say why" in refused
    assert "was changed" in browser.submit(here, action="/status", status="suspended", reason="Sent spam.").follow()
    assert service.find_user(ada.id).status == "suspended"
    assert "Sent spam." in browser.get(here)
    browser.submit(here, action="/status", status="active", reason="A mistake.")
    assert ada.sign_in(ada.client.browser()).status == 303


def test_sign_ins_are_ended_and_a_new_password_required(chief: Account, ada: Account, service: Service) -> None:
    hers, browser, here = ada.browser(), chief.browser(), f"/admin/users/{ada.id}"
    assert "All sign-ins were ended" in browser.submit(here, action="/sessions/end").follow()
    assert hers.get("/account").path == "/sign-in"
    browser.submit(here, action="/require-reset")
    assert service.find_user(ada.id).must_reset


def test_somebody_is_invited(chief: Account, outbox: Any, service: Service) -> None:
    browser = chief.browser()
    made = browser.submit("/admin/users", email="new@example.com", given_name="Nora", family_name="")
    assert "invited" in made.follow()
    assert service.find_user("new@example.com").name.given == "Nora"
    assert outbox.last("new@example.com")["link"]
    assert browser.submit("/admin/users", email="new@example.com", given_name="", family_name="").status == 409


def test_a_role_is_made_given_and_taken_back(chief: Account, ada: Account, service: Service) -> None:
    browser, here = chief.browser(), f"/admin/users/{ada.id}"
    saved = browser.submit("/admin/permissions", action="/role", name="helpdesk", text="Helps", permissions="users:read")
    assert "was saved" in saved.follow()
    given = {"what": "role|helpdesk|authenticator", "resource": "", "until": "2199-01-31"}
    assert "was given" in browser.submit(here, action="/permissions", **given).follow()
    assert service.permissions_of(service.find_user(ada.id)) == ["users:read"]
    assert "Ada" in browser.get("/admin/permissions?permission=users:read")
    assert "It was removed" in browser.submit(here, action="/take").follow()
    assert service.permissions_of(service.find_user(ada.id)) == []
    for wrong in ({"until": "tomorrow"}, {"resource": "../x"}, {"what": "x"}, {"what": "role|none|authenticator"}):
        assert browser.submit(here, action="/permissions", **{**given, **wrong}).status in (404, 422), wrong
    asked = browser.submit("/admin/permissions", action="/role/remove", name="helpdesk")
    assert "Remove helpdesk?" in asked
    assert service.application_with_roles().roles, "nothing is removed by one click"
    assert "The role was removed" in browser.submit(asked, action="/role/remove", sure="1").follow()
    assert service.application_with_roles().roles == ()


def test_a_new_role_takes_no_others_place(chief: Account, service: Service) -> None:
    browser, here = chief.browser(), "/admin/permissions"
    service.put_role("operator", service.application_with_roles(), Role("helpdesk", "Helps", ("users:read",)))
    page = browser.submit(here, action="/role", name="helpdesk", text="Mine", permissions="users:write")
    assert page.status == 409
    assert "There is this role already." in page
    assert 'value="Mine"' in page.html, "what was typed stays"
    changed = browser.submit(f"{here}/of/{OWN}?role=helpdesk", action="/role", text="Reads", permissions="users:read")
    assert "was saved" in changed.follow()
    (role,) = service.application_with_roles().roles
    assert (role.name, role.text, role.permissions) == ("helpdesk", "Reads", ("users:read",))


def test_a_role_that_is_refused_says_why_where_it_was_typed(chief: Account, service: Service) -> None:
    browser, here = chief.browser(), f"/admin/permissions/of/{OWN}"
    page = browser.submit(here, action="/role", name="Help Desk", text="Helps")
    assert page.status == 422
    assert 'href="#role-name"' in page.html
    assert 'id="role-name-error"' in page.html
    service.put_role("operator", service.application_with_roles(), Role("helpdesk", "Helps", ("users:read",)))
    page = browser.submit(f"{here}?role=helpdesk", action="/role", text="x" * 201, permissions="users:write")
    assert page.status == 422
    assert "Change the role helpdesk" in page
    assert 'id="role-text-error"' in page.html
    page = browser.submit(f"{here}?role=helpdesk", action="/role", permissions="nobody:knows")
    assert 'href="#role-permissions"' in page.html
    assert 'id="role-permissions-error"' in page.html


def test_who_may_is_asked_for_one_thing_or_told_how_to_write_it(chief: Account) -> None:
    browser = chief.browser()
    page = browser.get("/admin/permissions?permission=users:read&resource=projects/../7")
    assert page.status == 422
    assert 'id="resource-error"' in page.html
    assert 'value="projects/../7"' in page.html
    assert "Who may?" in page


def test_nobody_acts_on_herself_or_on_who_may_more(chief: Account, ada: Account, service: Service) -> None:
    service.assign("operator", service.find_user(ada.id), Assignment(OWN, permission="users:read"))
    service.assign("operator", service.find_user(ada.id), Assignment(OWN, permission="users:write"))
    browser = ada.browser()
    token = browser.get("/admin/users").form("email").csrf
    for target in (chief.id, ada.id):
        for action in ("status", "sessions/end", "invite", "require-reset"):
            facts = {"csrf_token": token, "status": "suspended", "reason": "x"}
            assert browser.post(f"/admin/users/{target}/{action}", facts).status == 403, action
        assert service.find_user(target).status == "active"
    facts = {"csrf_token": token, "what": "role|administrator|authenticator", "resource": "", "until": ""}
    assert browser.post(f"/admin/users/{ada.id}/permissions", facts).status == 403


def test_an_application_is_registered_shown_its_secret_once_and_removed(chief: Account, service: Service) -> None:
    browser = chief.browser()
    fields = {"client_name": "Reports", "redirect_uris": "https://reports.example/back", "post_logout_redirect_uris": ""}
    made = browser.submit("/admin/applications", **fields, token_endpoint_auth_method="client_secret_basic")
    assert "It is not shown again" in made
    stored = service.applications(owner="").items[-1]
    here = f"/admin/applications/{stored.id}"
    assert "It is not shown again" not in browser.get(here)
    changed = {**fields, "client_name": "Better reports", "token_endpoint_auth_method": "client_secret_basic"}
    assert "was changed" in browser.submit(here, action="/change", **changed).follow()
    assert browser.submit(here, action="/change", **{**changed, "redirect_uris": "http:/x"}).status == 422
    browser.submit(here, action="/secrets")
    assert len(service.application(stored.id).secrets) == 2
    browser.submit(here, action="/secrets/remove")
    assert len(service.application(stored.id).secrets) == 1
    browser.submit(here, action="/disable")
    assert not service.application(stored.id).enabled
    unsure = browser.submit(here, action=f"{stored.id}/remove")
    assert unsure.status == 422
    assert 'value="Better reports"' in unsure.html, "what is registered still stands in its fields"
    assert "was removed" in browser.submit(here, action=f"{stored.id}/remove", sure="1").follow()
    assert service.core.store.application(stored.id) is None


def test_all_that_happened_is_told_by_name_and_one_persons_alone(chief: Account, ada: Account, service: Service) -> None:
    browser = chief.browser()
    assert ada.id in browser.get("/admin/history").html
    for who in (ada.id, "ada@example.com"):
        page = browser.get("/admin/history", query_string={"user": who})
        assert "What happened to Ada Lovelace, newest first." in page, who
        assert chief.id not in page.html
    assert "There is nothing here" in browser.get("/admin/history?user=1")
    service.change_status(service.find_user(ada.id), Status.SUSPENDED, why="Sent spam.", by=chief.id)
    everything = browser.get("/admin/history")
    assert ">Ada Lovelace</a>" in everything.html
    assert "by Grace Lovelace" in everything


def test_accounts_of_one_kind_are_listed_alone(chief: Account, ada: Account, service: Service) -> None:
    browser = chief.browser()
    assert "No account was found" in browser.get("/admin/users?only=suspended")
    service.change_status(service.find_user(ada.id), Status.SUSPENDED, why="Sent spam.", by="operator")
    suspended, permitted = browser.get("/admin/users?only=suspended").html, browser.get("/admin/users?only=permitted").html
    assert (ada.id in suspended, chief.id in suspended) == (True, False)
    assert (ada.id in permitted, chief.id in permitted) == (False, True)
    assert ada.id in browser.get("/admin/users?only=nonsense").html


def test_all_sign_ins_of_an_account_can_be_seen(chief: Account, ada: Account) -> None:
    for number in range(21):
        ada.browser(address=f"198.51.100.{number}")
    page = chief.browser().get(f"/admin/users/{ada.id}")
    assert "E-mail and password" in page, "a way in by what people call it"
    further = page.browser.get(next(link for link in page.links if "sessions=" in link))
    places = [f"198.51.100.{number}" for number in range(21)]
    assert not all(f">{place}<" in page.html for place in places)
    assert all(f">{place}<" in page.html + further.html for place in places)


@pytest.fixture
def many(service: Service) -> list[Application]:
    """More applications than one trip to the database brings; the last one declares a permission."""
    now = service.core.clock.now()
    made = []
    for number in range(210):
        declared = (Permission("reports:read", "Read reports"),) if number == 209 else ()
        uris = (f"https://app{number}.example/back",)
        made.append(Application(f"app_{number:03}", f"Application {number:03}", now, now, redirect_uris=uris, permissions=declared))
        service.core.store.add_application(made[-1])
    return made


def test_an_application_among_many_is_found_by_a_part_of_what_is_known_of_it(chief: Account, many: list[Application]) -> None:
    browser = chief.browser()
    assert "Application 209" not in browser.get("/admin/applications")
    for words in ("APPLICATION 209", "app_209", "app209.example", " 209 "):
        page = browser.get("/admin/applications", query_string={"q": words})
        assert "Application 209" in page, words
        assert "Application 208" not in page
    assert "No application was found" in browser.get("/admin/applications?q=nothing")
    page = browser.get("/admin/permissions?q=209")
    assert "Application 209" in page
    assert "Application 208" not in page


def test_every_application_has_its_permissions_to_give_however_many_there_are(
    chief: Account, ada: Account, many: list[Application], service: Service
) -> None:
    service.assign("operator", service.find_user(chief.id), Assignment(many[-1].id, permission="reports:read"))
    browser, here = chief.browser(), f"/admin/users/{ada.id}"
    given = browser.submit(here, action="/permissions", what=f"permission|reports:read|{many[-1].id}", resource="", until="")
    assert "Application 209 ·" in given.follow()


def test_an_application_that_is_a_metadata_document_is_shut_out(chief: Account, service: Service) -> None:
    now = service.core.clock.now()
    document = Application("https://mcp.example/client.json?a=1", "Strange", now, now, registration="document", auth_method="none")
    service.core.store.add_application(document)
    browser = chief.browser()
    link = next(link for link in browser.get("/admin/applications").links if "mcp.example" in link)
    page = browser.get(link)
    assert "Strange" in page
    assert "Change it" not in page, "its document says what it is"
    assert "is disabled" in browser.submit(link, action="/disable").follow()
    assert not service.application(document.id).enabled
    link = next(link for link in browser.get("/admin/permissions").links if "mcp.example" in link)
    assert "Permissions of Strange" in browser.get(link)
    assert "was added" in browser.submit(link, action="/declare", name="reports:read", text="").follow()
    service.assign("operator", service.find_user(chief.id), Assignment(document.id, permission="reports:read"))
    asked = browser.submit(link, action="/withdraw", name="reports:read")
    assert "Remove reports:read?" in asked
    assert "was removed" in browser.submit(asked, sure="1").follow()
    assert service.application(document.id).permissions == ()


def test_a_registration_that_is_sent_twice_registers_one(chief: Account, service: Service) -> None:
    browser = chief.browser()
    form = browser.get("/admin/applications").form("client_name")
    sent = {**form.values, "client_name": "Reports", "redirect_uris": "https://reports.example/back"}
    sent["token_endpoint_auth_method"] = "client_secret_basic"
    secrets = {browser.post(form.action, sent).html.partition('class="secret" tabindex="0">')[2][:43] for _ in range(2)}
    assert len(secrets) == 1
    (made,) = (item for item in service.applications(owner="").items if item.id != OWN)
    assert service.check_client_secret(made, secrets.pop())
    form = browser.get(f"/admin/applications/{made.id}").form(action=f"{made.id}/secrets")
    assert browser.post(form.action, form.values).html.count("It is not shown again") == 1
    assert browser.post(form.action, form.values).status == 200
    assert len(service.application(made.id).secrets) == 2


def test_what_an_application_is_for_is_chosen_and_changed(chief: Account, service: Service) -> None:
    browser, here = chief.browser(), "/admin/applications"
    program = {"client_name": "Nightly", "redirect_uris": "", "people": "", "stays": "", "itself": "1"}
    assert "It is not shown again" in browser.submit(here, **program, token_endpoint_auth_method="client_secret_basic")
    nightly = service.applications(owner="").items[-1]
    assert (nightly.grants, nightly.redirect_uris) == (("client_credentials",), ())
    phone = {"client_name": "Phone", "redirect_uris": "com.example.phone:/back", "token_endpoint_auth_method": "none"}
    assert browser.submit(here, **phone).status == 200
    refused = browser.submit(here, **{**program, "itself": ""}, token_endpoint_auth_method="none")
    assert refused.status == 422
    assert 'id="grant_types-error"' in refused.html
    found = next(item for item in service.applications(owner="").items if item.name == "Phone")
    assert found.grants == ("authorization_code", "refresh_token")
    before = service.change_application(found, {"scope": "openid profile", "backchannel_logout_uri": "https://phone.example/out"})
    changed = browser.submit(f"{here}/{found.id}", action="/change", **phone, trusted="1", device="1")
    assert "was changed" in changed.follow()
    after = service.application(found.id)
    assert (after.trusted, set(after.grants) - set(before.grants)) == (True, {"urn:ietf:params:oauth:grant-type:device_code"})
    assert (after.scopes, after.backchannel_logout_uri) == (before.scopes, before.backchannel_logout_uri), "what stood in the form"


def test_an_application_of_a_person_is_offered_only_what_it_may_be(chief: Account, ada: Account, service: Service) -> None:
    now = service.core.clock.now()
    hers = Application("app_hers", "Hers", now, now, owner=ada.id, registration="owner", redirect_uris=("https://hers.example/back",))
    service.core.store.add_application(hers)
    browser, here = chief.browser(), f"/admin/applications/{hers.id}"
    page = browser.get(here).html
    assert ('name="trusted"' in page, 'name="exchange"' in page, 'name="device"' in page) == (False, False, True)
    fields = {"client_name": "Hers", "redirect_uris": "https://hers.example/back", "token_endpoint_auth_method": "client_secret_basic"}
    form = browser.get(here).form("client_name")
    assert "was changed" in browser.post(form.action, {**form.values, **fields, "trusted": "1"}).follow()
    assert not service.application(hers.id).trusted
