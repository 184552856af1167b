"""Permissions and roles by the operator's hand: declared, bundled, given, asked about and taken back, here and in an application."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from authenticator.cli import main
from authenticator.clock import Clock

ADA, BOB = "ada@example.com", "bob@example.com"
ADMINISTRATORS = "applications:read, applications:write, permissions:read, permissions:write, users:read, users:write"


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which two people have accounts."""
    folder = tmp_path_factory.mktemp("house")
    with pytest.MonkeyPatch.context() as patch:
        _alone_in(folder, patch)
        for email in (ADA, BOB):
            said("users", "add", email, "--given-name", email[:3].title(), "--provider", "")
    return folder


@pytest.fixture(autouse=True)
def _a_house_of_its_own(furnished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has its own ./var, with those two in it."""
    shutil.copytree(furnished, tmp_path, dirs_exist_ok=True)
    _alone_in(tmp_path, monkeypatch)


def _alone_in(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """No settings of this machine."""
    for name in [name for name in os.environ if name.startswith("AUTHENTICATOR_")]:
        patch.delenv(name)
    patch.chdir(folder)


@pytest.fixture
def shop() -> str:
    """An application, by its client id."""
    made = run("apps", "add", "Shop", "--redirect-uri", "http://localhost:5000/callback", "--json")
    return str(json.loads(made.stdout)["client_id"])


def run(*words: str) -> Result:
    result = CliRunner().invoke(main, ("--dev", *words))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def said(*words: str) -> str:
    result = run(*words)
    assert result.exit_code == 0, result.output
    return result.output.strip()


def refused(*words: str) -> str:
    """The one sentence of a refusal, and no trace of anything else."""
    result = run(*words)
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    return result.output.strip()


def test_who_may_nothing_is_told_so_and_why() -> None:
    assert refused("can", ADA, "users:read") == "no: Nobody gave users:read for everything."
    assert refused("can", ADA, "reports:read") == "no: Authenticator declares no permission reports:read.", "which application is meant"
    assert said("who", "users:read") == "0 of 2 accounts may users:read."


def test_an_administrator_may_all_there_is_until_it_is_taken_back() -> None:
    told = said("users", "grant", ADA, "administrator")
    assert told.endswith(f"may now: {ADMINISTRATORS}. In production this needs a second step at sign-in.")
    assert said("can", ADA, "users:write") == "yes: The role administrator of Authenticator gives users:write for everything."
    listed = run("who", "users:write")
    assert "Ada" in listed.stdout
    assert "Bob" not in listed.stdout
    assert listed.stderr == "1 of 2 accounts may users:write.\n"
    assert "administrator for everything" in said("users", "show", ADA)
    assert said("users", "revoke", ADA, "administrator").endswith("may now: nothing.")
    assert said("users", "revoke", ADA, "administrator").endswith("did not have that.")
    assert refused("can", ADA, "users:write").startswith("no: ")


def test_permissions_are_declared_explained_and_withdrawn(shop: str) -> None:
    there = ("--application", shop)
    assert said("permissions", "list", *there) == "It declares none. Next: authenticator permissions add NAME"
    assert said("permissions", "add", "reports:read", "--text", "See reports", *there).endswith(f"reports:read --application {shop}")
    assert "See reports" in said("permissions", "list", *there)
    assert "users:write" in said("permissions", "list"), "this service has its own"
    assert "reports:read" not in said("permissions", "list")
    said("users", "grant", ADA, "reports:read", *there)
    assert said("permissions", "remove", "reports:read", *there) == "reports:read is gone, also from roles and for those who had it."
    assert refused("can", ADA, "reports:read", *there) == "no: Shop declares no permission reports:read."
    assert refused("permissions", "remove", "reports:read", *there) == "There is no such permission, or it comes with the service."
    said("permissions", "add", "reports:read", *there)
    assert refused("can", ADA, "reports:read", *there).startswith("no: "), "what has an old name is not the old thing"


def test_roles_bundle_permissions_and_change_for_all_who_have_them(shop: str) -> None:
    there = ("--application", shop)
    for name in ("reports:read", "reports:write"):
        said("permissions", "add", name, *there)
    assert said("roles", "list", *there) == "It has none. Next: authenticator roles add NAME PERMISSION …"
    assert said("roles", "add", "editor", "reports:read", "--text", "Writes", *there) == "The role editor gives reports:read."
    assert said("users", "grant", ADA, "editor", *there).endswith(f"was given editor of {shop}.")
    assert said("can", ADA, "reports:read", *there) == "yes: The role editor of Shop gives reports:read for everything."
    assert refused("can", ADA, "reports:write", *there).startswith("no: ")
    assert said("roles", "change", "editor", "--add", "reports:write", *there) == "The role editor gives reports:read, reports:write."
    assert said("can", ADA, "reports:write", *there).startswith("yes: ")
    assert said("roles", "change", "editor", "--remove", "reports:read", *there) == "The role editor gives reports:write."
    assert refused("can", ADA, "reports:read", *there).startswith("no: ")
    assert "Writes" in said("roles", "list", *there)
    assert said("roles", "remove", "editor", *there) == "The role editor is gone."
    assert refused("can", ADA, "reports:write", *there).startswith("no: ")


def test_what_is_given_for_one_thing_is_not_given_for_another(shop: str) -> None:
    there = ("--application", shop)
    said("permissions", "add", "reports:read", *there)
    said("users", "grant", ADA, "reports:read", "--resource", "projects/*", *there)
    said("users", "grant", BOB, "reports:read", "--resource", "projects/7", *there)
    assert said("can", BOB, "reports:read", "projects/7", *there).startswith("yes: A permission of its own in Shop")
    assert refused("can", BOB, "reports:read", "projects/8", *there) == "no: reports:read is given for projects/7, not for projects/8."
    assert refused("can", BOB, "reports:read", *there).startswith("no: "), "without a thing it is everything"
    assert "2 of 2" in run("who", "reports:read", "projects/7", *there).stderr
    assert "1 of 2" in run("who", "reports:read", "projects/8", *there).stderr
    assert said("users", "revoke", BOB, "reports:read", *there).endswith("did not have that."), "only what is named is taken"
    assert said("users", "revoke", BOB, "reports:read", "--resource", "projects/7", *there).endswith(f"has reports:read of {shop} no more.")
    assert refused("can", BOB, "reports:read", "projects/7", *there).startswith("no: ")


def test_what_was_given_until_a_day_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "expires_at: This is in the past." in refused("users", "grant", ADA, "users:read", "--until", "2020-01-31")
    assert run("users", "grant", ADA, "users:read", "--until", "tomorrow").exit_code == 2
    said("users", "grant", ADA, "users:read", "--until", "2199-01-31")
    assert said("can", ADA, "users:read").endswith("for everything, until 2199-01-31 00:00 UTC.")
    assert "until 2199-01-31 00:00 UTC" in said("users", "show", ADA)
    now = Clock().now()
    monkeypatch.setattr(Clock, "now", lambda _: now.replace(year=2199, month=2, day=1))
    assert refused("can", ADA, "users:read") == "no: users:read was given, and expired on 2199-01-31 00:00 UTC."


def test_what_was_given_is_taken_back_by_the_same_words(shop: str) -> None:
    said("permissions", "add", "shop:open", "--application", shop)
    for resource in ("*", "projects/*"):
        words = (ADA, "shop:open", "--resource", resource, "--application", shop)
        said("users", "grant", *words)
        assert said("users", "revoke", *words).endswith("no more.")
        assert refused("can", ADA, "shop:open", "projects/7", "--application", shop).startswith("no: ")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("can", "nobody@example.com", "users:read"), "There is no such user."),
        (("can", ADA, "users:read", "../x"), "resource: Write it plainly"),
        (("can", ADA, "users:read", "--application", "app_none"), "There is no such application."),
        (("who", "users:read", "--application", "app_none"), "There is no such application."),
        (("who", "users:raed"), "There is no such permission. There are: applications:read"),
        (("who", "users:read", "a//b"), "resource: Write it plainly"),
        (("users", "revoke", ADA, "users:read", "--resource", "a//b"), "resource: Write it plainly"),
        (("users", "grant", ADA, "reports:read"), "There is no such permission. There are: applications:read"),
        (("users", "grant", ADA, "users:read", "--resource", "a%2fb"), "resource: Write it plainly"),
        (("permissions", "add", "Users Read"), "name: "),
        (("permissions", "add", "users:read"), "This service has this permission already."),
        (("permissions", "remove", "users:read"), "it comes with the service"),
        (("roles", "add", "helpdesk", "reports:read"), "declares no such permission"),
        (("roles", "add", "administrator", "users:read"), "This service has this role already."),
        (("roles", "change", "helpdesk", "--add", "users:read"), "`authenticator roles list` shows them"),
        (("roles", "remove", "administrator"), "it comes with the service"),
    ],
)
def test_what_can_not_be_is_refused_in_a_sentence(words: tuple[str, ...], told: str) -> None:
    assert told in refused(*words)


def test_a_suspended_account_may_nothing() -> None:
    said("users", "grant", ADA, "users:read")
    said("users", "suspend", ADA)
    assert refused("can", ADA, "users:read") == "no: The account is suspended."
    assert "0 of 2" in run("who", "users:read").stderr
    said("users", "activate", ADA)
    assert said("can", ADA, "users:read").startswith("yes: ")


def test_what_was_given_is_in_the_history_with_who_did_it() -> None:
    said("users", "grant", ADA, "users:read")
    said("users", "revoke", ADA, "users:read")
    told = said("users", "history", ADA)
    assert "by=operator" in told
    assert "given=users:read" in told
    assert "taken=users:read" in told
