"""The command line: what each command tells, and what it keeps to itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from authenticator import app as app_module
from authenticator.cli import COMMANDS, main
from authenticator.cli.config import HIDDEN, shown
from authenticator.cli.reference import page, sample
from authenticator.settings import Settings

SECRET = "kqH2v1cS0Wn8b7LxYz3fRt5uJp9aMd4e"
PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def _an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has its own ./var and no settings of this machine."""
    for name in [name for name in os.environ if name.startswith("AUTHENTICATOR_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def run(*words: str, given: str | None = None, **env: str) -> Result:
    result = CliRunner().invoke(main, words, input=given, env={f"AUTHENTICATOR_{name}": value for name, value in env.items()})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_help_names_every_command_and_imports_none_of_them() -> None:
    code = "import sys; from authenticator.cli import main; main(['--help'], standalone_mode=False); print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert all(f"  {name} " in shown for name in COMMANDS)
    assert not {"flask", "sqlalchemy", "authenticator.app"} & set(shown.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    assert run(name, "--help").exit_code == 0


@pytest.mark.parametrize("name", COMMANDS)
def test_the_short_help_of_no_command_breaks_off(name: str) -> None:
    shown = run(name, "--help").output
    assert "..." not in shown.partition("Commands:")[2]


def test_a_misspelt_command_is_told() -> None:
    assert run("docter").exit_code == 2


@pytest.mark.parametrize("words", [("users", "list"), ("keys", "list"), ("db", "upgrade"), ("serve", "--port", "1024")])
def test_production_without_a_secret_key_is_refused_in_one_sentence(words: tuple[str, ...]) -> None:
    refused = run(*words)
    assert refused.exit_code == 2
    assert "openssl rand -base64 32" in refused.output
    assert "Traceback" not in refused.output
    assert len(refused.output.splitlines()) == 1


def test_a_misspelt_setting_stops_every_command_with_the_nearest_name() -> None:
    refused = run("users", "list", SECRET_KEY=SECRET, PUBLIC_ULR="https://auth.example.com")
    assert refused.exit_code == 2
    assert "AUTHENTICATOR_PUBLIC_URL" in refused.output


# Users


def test_an_operator_makes_finds_suspends_and_reactivates_an_account() -> None:
    made = run("--dev", "users", "add", "ada@example.com", "--given-name", "Ada", "--password-stdin", given=f"{PASSWORD}\n")
    assert made.exit_code == 0, made.output
    user_id = made.output.split()[0]
    assert run("--dev", "users", "suspend", user_id, "--reason", "a test").output.endswith("is suspended.\n")
    told = run("--dev", "users", "show", "ada@example.com").output
    assert "suspended" in told
    assert "a test" in told
    assert run("--dev", "users", "activate", "ada@example.com").output.endswith("is active.\n")
    assert PASSWORD not in made.output + told


def test_an_operator_invites_requires_a_new_password_and_closes() -> None:
    run("--dev", "users", "add", "ada@example.com", "--password-stdin", given=f"{PASSWORD}\n")
    assert "on its way" in run("--dev", "users", "invite", "ada@example.com").output
    assert "must choose a new password" in run("--dev", "users", "require-reset", "ada@example.com").output
    letters = [json.loads(line) for line in Path("var/outbox.jsonl").read_text().splitlines()]
    assert [letter["to"] for letter in letters] == ["ada@example.com"] * 2
    assert all("/reset-password?token=" in letter["link"] for letter in letters)
    told = run("--dev", "users", "history", "ada@example.com").output
    assert [line.split()[3] for line in told.splitlines()][:2] == ["reset_required", "user_invited"]
    assert run("--dev", "users", "close", "ada@example.com", "--reason", "gone").output.endswith("is closed.\n")
    assert run("--dev", "users", "invite", "ada@example.com").exit_code == 1


def test_an_operator_says_who_may_administer() -> None:
    run("--dev", "users", "add", "ada@example.com", "--provider", "")
    assert "users:read" in run("--dev", "users", "grant", "ada@example.com", "users:read").output
    assert run("--dev", "users", "grant", "ada@example.com", "everything").exit_code == 1
    assert "nothing" in run("--dev", "users", "revoke", "ada@example.com", "users:read").output


def test_a_password_is_asked_for_twice_and_never_shown() -> None:
    made = run("--dev", "users", "add", "ada@example.com", given=f"{PASSWORD}\n{PASSWORD}\n")
    assert made.exit_code == 0, made.output
    assert PASSWORD not in made.output


def test_the_same_address_cannot_be_added_twice() -> None:
    run("--dev", "users", "add", "ada@example.com", "--provider", "")
    again = run("--dev", "users", "add", "ada@example.com", "--provider", "")
    assert again.exit_code == 1
    assert "another account" in again.output


def test_accounts_are_listed_a_page_at_a_time() -> None:
    for name in ("ada", "grace", "alan"):
        run("--dev", "users", "add", f"{name}@example.com", "--provider", "")
    first = json.loads(run("--dev", "users", "list", "--json", "--limit", "2").stdout)
    rest = json.loads(run("--dev", "users", "list", "--json", "--after", first["next"]).stdout)
    assert [user["email"] for user in first["users"] + rest["users"]] == ["ada@example.com", "grace@example.com", "alan@example.com"]
    assert rest["next"] is None


def test_an_unknown_person_is_told_without_a_traceback() -> None:
    refused = run("--dev", "users", "show", "nobody@example.com")
    assert refused.exit_code == 1
    assert "no such user" in refused.output


# Keys and database


def test_a_rotated_key_is_announced_before_it_signs() -> None:
    run("--dev", "keys", "rotate")
    run("--dev", "keys", "rotate")
    told = run("--dev", "keys", "list").output
    assert told.count("signs\n") == 1
    assert "announced" in told


def test_the_database_can_be_brought_up_to_date_again_and_again() -> None:
    for _ in range(2):
        assert "up to date" in run("--dev", "db", "upgrade").output


# Config


def test_config_shows_no_secret_and_says_where_values_come_from() -> None:
    Path(".env").write_text("AUTHENTICATOR_SERVICE_NAME=Acme\n")
    told = run(
        "config", SECRET_KEY=SECRET, GOOGLE_CLIENT_ID="an-id", GOOGLE_CLIENT_SECRET=SECRET, DATABASE_URL="mongodb://ada:hunter2@db/x"
    ).output
    assert SECRET not in told
    assert "hunter2" not in told
    lines = {line.split()[0]: line.split() for line in told.splitlines()}
    assert lines["AUTHENTICATOR_SECRET_KEY"][1:3] == [HIDDEN, "environment"]
    assert lines["AUTHENTICATOR_SERVICE_NAME"][1:3] == ["Acme", ".env"]
    assert lines["AUTHENTICATOR_GOOGLE_CLIENT_SECRET"][1:3] == [HIDDEN, "environment"]
    assert {f"AUTHENTICATOR_{name.upper()}" for name in Settings.model_fields} <= set(lines)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        ([], "(not set)"),
        ({"email": "smtp"}, "email: smtp"),
        ("postgresql+psycopg://u:p@h/d", f"postgresql+psycopg://{HIDDEN}@h/d"),
    ],
)
def test_values_are_written_for_people(value: object, text: str) -> None:
    assert shown(value) == text


def test_the_reference_explains_every_setting() -> None:
    told = page({})
    assert all(
        f"`AUTHENTICATOR_{name.upper()}`" in told and (info.description or "") in told.replace("\\|", "|")
        for name, info in Settings.model_fields.items()
    )


def test_the_sample_changes_nothing_until_it_is_edited(monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(line.startswith("#") or not line for line in sample({}).splitlines())


# Plug-ins and doctor


def test_plugins_tells_what_each_still_needs() -> None:
    rows = {row["name"]: row for row in json.loads(run("plugins", "--json").stdout)}
    assert rows["password"]["state"] == "ready"
    assert rows["google"]["state"] == "unconfigured"
    assert "AUTHENTICATOR_GOOGLE_CLIENT_ID" in rows["google"]["missing"]
    assert "needs AUTHENTICATOR_GOOGLE_CLIENT_ID" in run("plugins").output


def test_plugins_of_a_development_server_are_emulated() -> None:
    rows = json.loads(run("--dev", "plugins", "--json", EMULATOR_URL="http://127.0.0.1:8001").stdout)
    assert {row["state"] for row in rows if row["name"] == "google"} == {"emulated"}


def test_doctor_finds_nothing_broken_in_development_and_prints_callbacks() -> None:
    told = run("--dev", "doctor")
    assert told.exit_code == 0, told.output
    assert "http://localhost:8000/sign-in/google/callback" in told.output


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({}, "no secret key"),
        ({"SECRET_KEY": SECRET, "PUBLIC_URL": "http://auth.example.com"}, "plain http"),
        ({"SECRET_KEY": SECRET, "TRUSTED_PROXIES": "0.0.0.0/0"}, "anybody can claim"),
        ({"SECRET_KEY": SECRET, "DANGEROUS_NULL_HASH": "true"}, "weakens"),
        ({"SECRET_KEY": SECRET, "DATABASE_URL": "oracle://here"}, "oracle"),
        ({"SECRET_KEY": SECRET, "PUBLIC_ULR": "x"}, "AUTHENTICATOR_PUBLIC_URL"),
    ],
)
def test_doctor_finds_what_is_broken_and_shows_no_secret(env: dict[str, str], words: str) -> None:
    told = run("doctor", **env)
    assert told.exit_code == 1
    assert words in told.output
    assert SECRET not in told.output


def test_doctor_sees_a_secret_that_others_can_read() -> None:
    run("--dev", "doctor")
    Path("var/secrets/secret_key").chmod(0o644)
    told = run("--dev", "doctor")
    assert told.exit_code == 1
    assert "chmod 600" in told.output


# Inside a host application


def test_the_same_commands_work_under_flask() -> None:
    host = Flask("host", instance_path=str(Path.cwd() / "instance"))
    host.config.update(AUTHENTICATOR_ENVIRONMENT="development", AUTHENTICATOR_SERVICE_NAME="Hosted")
    app_module.Authenticator(host)
    told = host.test_cli_runner().invoke(args=["authenticator", "doctor"])
    assert told.exit_code == 0, told.output
    assert told.output.startswith("Hosted (development)")
    assert "/auth/sign-in/google/callback" in told.output
