"""What somebody holds, for which resource and until when, and how it is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from authenticator.applications import OWN, Application, Assignment, Permission, Role
from authenticator.errors import AuthError
from authenticator.flows import permissions, roles
from authenticator.models import User

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
APP = Application(
    "app_x",
    "Reports",
    NOW,
    NOW,
    permissions=(Permission("reports:read"), Permission("reports:write")),
    roles=(Role("editor", permissions=("reports:read", "reports:write", "gone")),),
)


def somebody(*given: Assignment) -> User:
    return User("7", NOW, NOW, assignments=given)


@pytest.mark.parametrize(
    ("pattern", "resource", "covered"),
    [
        ("", "", True),
        ("", "projects/7", True),
        ("projects/7", "projects/7", True),
        ("projects/7", "projects/70", False),
        ("projects/7", "", False),
        ("projects/*", "projects/7", True),
        ("projects/*", "projects/7/parts", True),
        ("projects/*", "projects/*", True),
        ("projects/*", "projects/a*", True),
        ("projects/a*", "projects/*", False),
        ("projects/*", "project", False),
        ("projects/*", "", False),
        ("projects/7", "projects/*", False),
    ],
)
def test_a_pattern_covers_what_begins_so_and_nothing_else(pattern: str, resource: str, covered: bool) -> None:
    assert permissions.covers(pattern, resource) is covered


@pytest.mark.parametrize(
    "odd",
    [
        "projects/../secrets",
        "..",
        "projects/..",
        "projects/./7",
        "projects//7",
        "a\nb",
        "a\x00",
        "pro*ects",
        "**",
        " projects/7",
        "projects%2f7",
        "%2e%2e/x",
        "projects\\7",
        "ﬁle",
        "e\u0301",
        "a" * 201,
        "\u202ex",
    ],
)
def test_a_resource_that_could_be_read_in_two_ways_is_none(odd: str) -> None:
    with pytest.raises(AuthError) as refused:
        permissions.canonical_resource(odd)
    assert odd not in refused.value.detail


def test_a_plain_resource_stays_as_it_is_and_a_star_alone_is_everything() -> None:
    for plain in ("", "projects/7", "/docs/é", "projects/*", "a:b", "42", "docs/"):
        assert permissions.canonical_resource(plain) == plain
    assert permissions.canonical_resource("*") == ""


def test_a_role_gives_what_the_application_still_declares() -> None:
    held = permissions.held_in(somebody(Assignment("app_x", role="editor")), APP, NOW)
    assert (held.permissions, held.roles) == ({"reports:read", "reports:write"}, {"editor"})


def test_what_is_for_one_thing_or_of_another_application_or_over_is_not_held_for_everything() -> None:
    user = somebody(
        Assignment("app_x", role="editor", resource="projects/*"),
        Assignment("app_y", permission="reports:read"),
        Assignment("app_x", permission="reports:read", expires_at=NOW),
        Assignment("app_x", permission="unknown"),
        Assignment("app_x", role="unknown"),
    )
    assert permissions.held_in(user, APP, NOW) == permissions.Held()
    assert permissions.holds(user, APP, "reports:write", "projects/7", NOW)


def test_who_was_given_the_namesake_before_has_nothing_by_it() -> None:
    """A role or permission that is removed and made anew is another one."""
    anew = replace(APP, permissions=(Permission("reports:read", since=NOW),), roles=(Role("editor", "", ("reports:read",), NOW),))
    before, after = NOW - DAY, NOW
    for given in (Assignment("app_x", role="editor"), Assignment("app_x", permission="reports:read")):
        assert not permissions.held_in(somebody(replace(given, granted_at=before)), anew, NOW).permissions
        assert not permissions.held_in(somebody(given), anew, NOW).permissions
        assert permissions.held_in(somebody(replace(given, granted_at=after)), anew, NOW).permissions == {"reports:read"}


def test_holding_until_a_day_is_not_holding_for_longer() -> None:
    user = somebody(Assignment("app_x", role="editor", expires_at=NOW + DAY))
    assert permissions.holds(user, APP, "reports:read", "", NOW, until=NOW + DAY)
    assert not permissions.holds(user, APP, "reports:read", "", NOW, until=NOW + 2 * DAY)
    assert not permissions.holds(user, APP, "reports:read", "", NOW, until=roles.FOR_EVER)


def test_this_service_knows_its_own_permissions_whatever_is_stored() -> None:
    own = Application(OWN, "Us", NOW, NOW, roles=(Role("administrator", permissions=()),), permissions=(Permission("users:read", "x"),))
    assert permissions.declared(own) == permissions.PERMISSIONS
    assert permissions.roles(own)["administrator"].permissions == tuple(permissions.PERMISSIONS)
    assert not permissions.declared(APP).keys() & permissions.PERMISSIONS.keys()


def test_the_same_is_called_the_same_whoever_gave_it() -> None:
    one = Assignment("app_x", role="editor", resource="projects/*")
    assert roles.id_of(one) == roles.id_of(replace(one, granted_by="7", expires_at=NOW))
    assert roles.id_of(one) != roles.id_of(replace(one, resource="projects/7"))
