"""Whether everybody can use the administrators' pages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from authenticator.applications import OWN, Assignment
from authenticator.service import Service
from authenticator.testing.people import Account, AsUser
from tests.browser.everybody import enter

Look = Callable[[str], None]


@pytest.fixture
def auth(auth_app: Flask) -> Service:
    found: Service = auth_app.extensions["authenticator"]
    return found


@pytest.fixture
def chief(auth: Service, as_user: AsUser) -> Account:
    account = as_user("root@example.com", given_name="Grace", family_name="Hopper")
    auth.assign("operator", auth.find_user(account.id), Assignment(OWN, role="administrator"))
    return account


def told(page: Page, words: str) -> None:
    expect(page.get_by_role("status")).to_contain_text(words)


def test_the_pages_of_people(page: Page, live: str, chief: Account, as_user: AsUser, look: Look) -> None:
    ada = as_user()
    ada.browser(address="198.51.100.7")
    enter(page, live, chief)
    page.goto(f"{live}/admin")
    look("admin")
    page.get_by_role("link", name="Users", exact=True).first.click()
    page.get_by_role("heading", name="Users", level=1).wait_for()
    look("admin-users")
    page.get_by_label("E-mail").fill("none")
    page.get_by_role("button", name="Invite", exact=True).click()
    page.get_by_role("alert").first.wait_for()
    look("admin-users-refused")
    page.goto(f"{live}/admin/users/{ada.id}")
    look("admin-user")
    page.get_by_label("Role or permission").select_option("administrator")
    page.get_by_role("button", name="Give", exact=True).click()
    told(page, "was given")
    look("admin-user-with-a-role")
    page.get_by_role("button", name="Change the status").click()
    page.get_by_role("alert").first.wait_for()
    look("admin-user-refused")
    page.goto(f"{live}/admin/history")
    look("admin-history")
    page.goto(f"{live}/admin/providers")
    look("admin-providers")


def test_the_pages_of_applications_and_permissions(page: Page, live: str, chief: Account, auth: Service, look: Look) -> None:
    enter(page, live, chief)
    page.goto(f"{live}/admin/applications")
    look("admin-applications-none")
    page.get_by_label("Name", exact=True).fill("Reports")
    page.locator("#redirect_uris").fill("https://reports.example/back")
    page.get_by_role("button", name="Register", exact=True).click()
    page.get_by_role("heading", name="Its new secret").wait_for()
    look("admin-application-made")
    page.goto(f"{live}/admin/applications")
    look("admin-applications")
    page.goto(f"{live}/admin/permissions")
    look("admin-permissions")
    auth.put_role("operator", auth.application_with_roles(), _helpdesk(), only="new")
    page.goto(f"{live}/admin/permissions?permission=users:read")
    look("admin-permissions-with-roles")
    page.goto(f"{live}/admin/permissions/of/{OWN}?role=helpdesk&permission=users:read&resource=a//b")
    look("admin-permissions-who-refused")
    page.locator("#role-text").fill("Helps\u200bpeople")
    page.get_by_role("button", name="Save the role").click()
    page.locator("#role-text-error").wait_for()
    look("admin-permissions-role-refused")
    reports = auth.applications(owner="").items[-1]
    auth.declare_permission("operator", auth.application_with_roles(reports.id), "reports:read", "See reports")
    page.goto(f"{live}/admin/permissions/of/{reports.id}")
    look("admin-permissions-of-an-application")
    page.get_by_role("button", name="Remove reports:read").click()
    page.get_by_role("heading", name="Remove reports:read?").wait_for()
    look("admin-sure")


def _helpdesk() -> object:
    from authenticator.applications import Role

    return Role("helpdesk", "Helps people", ("users:read",))


def test_who_may_nothing_is_told_so(page: Page, live: str, as_user: AsUser, look: Look) -> None:
    enter(page, live, as_user())
    answer = page.goto(f"{live}/admin")
    assert answer
    assert answer.status == 403
    look("admin-refused")
