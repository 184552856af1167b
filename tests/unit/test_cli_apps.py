"""`authenticator apps`: what is registered by hand, and what to paste into each app."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from authenticator.cli import main, paste

URI = "http://localhost:5000/auth/callback"


@pytest.fixture(autouse=True)
def _an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has its own ./var and no settings of this machine."""
    for name in [name for name in os.environ if name.startswith("AUTHENTICATOR_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def run(*words: str, given: str | None = None) -> Result:
    result = CliRunner().invoke(main, ("--dev", "apps", *words), input=given)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def add(*words: str) -> dict[str, Any]:
    result = run("add", "Shop", "--redirect-uri", URI, *words, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.output)
    return found


def show(client_id: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("show", client_id, "--json").output)
    return found


def test_one_command_registers_and_prints_what_to_paste() -> None:
    shown = run("add", "Shop", "--redirect-uri", URI).output
    assert all(f"── {name} " in shown for name in paste.FRAMEWORKS)
    client_id, secret = (line.partition("=")[2] for line in shown.splitlines() if line.startswith("AUTHENTICATOR_CLIENT_"))
    assert client_id.startswith("app_")
    assert shown.count(secret) == 1, "the secret is for the environment only"
    assert shown.count(client_id) > len(paste.FRAMEWORKS)
    listed = run("list").output
    assert client_id in listed
    assert secret not in listed + run("show", client_id).output + run("show", client_id, "--json").output


def test_what_is_pasted_names_the_development_server_at_its_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """`make run PORT=8700` says itself: PORT=8700 authenticator --dev apps add …"""
    monkeypatch.setenv("PORT", "8700")
    assert 'AUTHENTICATOR_ISSUER="http://localhost:8700"' in run("add", "Shop", "--redirect-uri", URI).output
    monkeypatch.setenv("AUTHENTICATOR_PUBLIC_URL", "http://localhost:8800")
    assert 'AUTHENTICATOR_ISSUER="http://localhost:8800"' in run("add", "Shop", "--redirect-uri", URI).output


def test_what_is_pasted_for_flask_says_how_to_open_it_where_flask_prints_another_name() -> None:
    shown = run("add", "Shop", "--redirect-uri", "http://localhost:5050/auth/callback", "--for", "flask").output
    assert "# flask run --port 5050, then open http://localhost:5050/, whatever Flask prints" in shown
    assert "flask run" not in run("add", "Shop", "--redirect-uri", "https://shop.example/cb", "--for", "flask").output


@pytest.mark.parametrize("words", [(), ("--public",), ("--auth-method", "client_secret_post", "--resource", "https://api.example")])
@pytest.mark.parametrize("framework", paste.FRAMEWORKS)
def test_what_is_pasted_is_whole(framework: str, words: tuple[str, ...], tmp_path: Path) -> None:
    client_id = add(*words)["client_id"]
    text = run("show", client_id, "--for", framework).output
    assert client_id in text or (framework == "fastapi" and "https://api.example" in text)
    if framework in ("flask", "django"):
        assert ("https://api.example" in text) == ("--resource" in words), "or its permissions would not be found in the tokens"
    assert "$issuer" not in text
    if framework in ("flask", "django", "fastapi"):
        compile(text, framework, "exec")
        return
    checker = ("node", "--check") if framework == "express" else ("bash", "-n")
    if not shutil.which(checker[0]):
        pytest.skip(f"needs {checker[0]}")
    file = tmp_path / ("app.mjs" if framework == "express" else "app.sh")
    file.write_text(text)
    subprocess.run([*checker, str(file)], check=True)


def test_the_lines_for_curl_ask_as_the_application_may(tmp_path: Path) -> None:
    made = json.loads(run("add", "Robot", "--grant", "client-credentials", "--scope", "reports:read", "--json").output)
    text = run("show", made["client_id"], "--for", "curl").output
    fake = tmp_path / "curl"
    fake.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    fake.chmod(0o755)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "AUTHENTICATOR_CLIENT_SECRET": made["client_secret"]}
    asked = subprocess.run(["bash"], input=text, env=env, capture_output=True, text=True, check=True).stdout.splitlines()
    assert f"{made['client_id']}:{made['client_secret']}" in asked
    assert "grant_type=client_credentials" in asked


def test_the_lines_for_curl_may_be_pasted_into_a_terminal(tmp_path: Path) -> None:
    """A shell that reads line by line would take the line after `read` for the address."""
    text = run("show", add("--public")["client_id"], "--for", "curl").output
    fake = tmp_path / "curl"
    fake.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    fake.chmod(0o755)
    given = f"{text}{URI}?code=a-code&state=x\n"
    asked = subprocess.run(
        ["bash"], input=given, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}, capture_output=True, text=True, check=True
    )
    assert "code=a-code" in asked.stdout.splitlines()


def test_what_is_pasted_needs_nothing_that_was_not_printed() -> None:
    shown = run("add", "Shop", "--redirect-uri", URI).output
    environment = dict(line.split("=", 1) for line in shown.partition("── flask")[0].splitlines() if "=" in line)
    assert set(environment) == {"AUTHENTICATOR_CLIENT_ID", "AUTHENTICATOR_CLIENT_SECRET", "SECRET_KEY"}
    assert len(environment["SECRET_KEY"]) >= 32
    assert "MIDDLEWARE = " not in shown, "that would take away what the project has"
    assert shown.count("escape(") == 2
    assert "offline_access" not in shown, "nobody is asked to agree to what the lines make no use of"
    assert "SECRET_KEY" not in run("add", "Robot", "--grant", "client-credentials", "--scope", "reports:read", "--for", "curl").output


def test_an_apostrophe_ends_no_string() -> None:
    assert run("add", "Trap", "--redirect-uri", "https://x.example/';touch${IFS}x;'").exit_code == 1
    assert run("add", "Trap", "--redirect-uri", URI, "--scope", "a'b").exit_code == 1


def test_options_say_what_it_is() -> None:
    client_id = add("--public", "--scope", "openid", "--scope", "reports:read", "--origin", "https://www.shop.example", "--trusted")[
        "client_id"
    ]
    found = show(client_id)
    assert (found["token_endpoint_auth_method"], found["scope"], found["origins"]) == (
        "none",
        "openid reports:read",
        ["https://www.shop.example"],
    )
    assert found["trusted"]
    run("change", client_id, "--name", "Better Shop", "--id-token-alg", "ES256", "--untrusted")
    changed = show(client_id)
    assert (changed["client_name"], changed["id_token_signed_response_alg"], changed["trusted"]) == ("Better Shop", "ES256", False)
    assert (changed["scope"], changed["redirect_uris"]) == (found["scope"], found["redirect_uris"])


def test_a_phones_application_has_a_scheme_of_its_own() -> None:
    assert run("add", "Phone", "--redirect-uri", "com.example.app:/callback", "--public").exit_code == 0
    refused = run("add", "Phone", "--redirect-uri", "com.example.app:/callback")
    assert refused.exit_code == 1


def test_what_is_wrong_is_told_by_its_option() -> None:
    refused = run("add", "Shop", "--redirect-uri", "http://shop.example/cb")
    assert refused.exit_code == 1
    assert "redirect_uris: Use https" in refused.output


def test_what_is_not_there_is_told_with_where_to_look() -> None:
    for words in (("show", "app_none"), ("change", "app_none", "--name", "x"), ("disable", "app_none"), ("secret", "add", "app_none")):
        refused = run(*words)
        assert (refused.exit_code, "`authenticator apps list` shows them" in refused.output) == (1, True), words
    client_id = add()["client_id"]
    refused = run("secret", "remove", client_id, "00000000")
    assert (refused.exit_code, f"`authenticator apps show {client_id}` names them" in refused.output) == (1, True)


def test_secrets_are_rotated_with_overlap() -> None:
    client_id = add()["client_id"]
    old = show(client_id)["secrets"][0]["id"]
    added = run("secret", "add", client_id)
    assert "AUTHENTICATOR_CLIENT_SECRET=" in added.output
    assert f"secret remove {client_id} {old}" in added.output
    assert "ends in 24 hours" in run("secret", "remove", client_id, old, "--after-hours", "24").output
    assert [bool(one["expires_at"]) for one in show(client_id)["secrets"]] == [True, False]
    assert run("secret", "remove", client_id, "none").exit_code == 1


def test_an_application_is_disabled_enabled_and_removed() -> None:
    client_id = add()["client_id"]
    assert "is disabled" in run("disable", client_id).output
    assert "disabled" in run("list").output
    run("enable", client_id)
    assert show(client_id)["enabled"]
    assert run("remove", client_id, given="n\n").exit_code == 1
    assert run("remove", client_id, "--yes").exit_code == 0
    assert run("show", client_id).exit_code == 1
