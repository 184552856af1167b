"""The service inside somebody's Flask application."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask, abort, session
from flask.testing import FlaskClient

from authenticator.app import Authenticator

EXAMPLE = Path(__file__).parents[2] / "examples" / "flask_app.py"
PASSWORD = "correct horse battery staple"


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The application of examples/, as it is."""
    monkeypatch.setenv("AUTHENTICATOR_DATA_DIR", str(tmp_path))
    spec = importlib.util.spec_from_file_location("example", EXAMPLE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    app: Flask = module.app
    return app


def _token(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    return found.group(1)


def _sign_up(client: FlaskClient, return_to: str = "") -> Any:
    page = client.get("/auth/sign-up", query_string={"return_to": return_to}).text
    form = {"csrf_token": _token(page), "given_name": "Ada", "family_name": "L", "email": "ada@example.com", "password": PASSWORD}
    asked = client.post("/auth/sign-up/password", data=form | {"return_to": return_to})
    page = client.get(asked.location).text
    code = client.get("/auth/dev/outbox", headers={"Accept": "application/json"}).json[0]["code"]
    return client.post("/auth/sign-in/verify", data={"csrf_token": _token(page), "code": code})


def test_the_example_is_short_and_signs_people_in(host: Flask) -> None:
    assert len(EXAMPLE.read_text().splitlines()) <= 25
    client = host.test_client()
    assert "Sign in" in client.get("/").text
    sent = client.get("/diary", headers={"Accept": "text/html"})
    assert sent.status_code == 302
    assert sent.location == "/auth/sign-in?return_to=%2Fdiary"
    assert _sign_up(client, "/diary").location == "/diary"
    assert client.get("/diary").text == "The diary of Ada L"
    assert "Hello Ada L" in client.get("/").text


def test_somebody_comes_back_to_the_very_path_whatever_is_in_it(tmp_path: Path) -> None:
    app = Flask("host")
    app.config.update(AUTHENTICATOR_ENVIRONMENT="development", AUTHENTICATOR_DATA_DIR=str(tmp_path))
    auth = Authenticator(app)
    app.add_url_rule("/notes/<path:name>", "notes", auth.required(lambda name: name))
    for path in ("/notes/100%25", "/notes/what%3F", "/notes/c%23?x=%26&y=1", "/notes/%C3%BC"):
        sent = app.test_client().get(path, headers={"Accept": "text/html"})
        assert parse_qs(urlsplit(sent.location).query) == {"return_to": [path]}


def test_a_program_without_a_token_gets_401_and_with_one_gets_in(host: Flask) -> None:
    client = host.test_client()
    refused = client.get("/diary", headers={"Accept": "application/json"})
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    _sign_up(client)
    answer = client.post("/auth/api/v1/sign-in/password", json={"email": "ada@example.com", "password": PASSWORD}).json
    other = host.test_client()
    assert other.get("/diary", headers={"Authorization": f"Bearer {answer['access_token']}"}).text == "The diary of Ada L"


def test_the_host_keeps_its_own_errors_session_and_headers(tmp_path: Path) -> None:
    app = Flask("host")
    app.secret_key = "the host's own"
    app.config.update(AUTHENTICATOR_ENVIRONMENT="development", AUTHENTICATOR_DATA_DIR=str(tmp_path))
    Authenticator(app)

    @app.get("/missing")
    def missing() -> str:
        abort(404)

    @app.errorhandler(404)
    def not_found(_error: Exception) -> tuple[str, int]:
        return "the host's 404", 404

    @app.get("/count")
    def count() -> str:
        session["n"] = session.get("n", 0) + 1
        return str(session["n"])

    client = app.test_client()
    assert client.get("/missing").text == "the host's 404"
    assert "Content-Security-Policy" not in client.get("/missing").headers
    assert [client.get("/count").text, client.get("/count").text] == ["1", "2"]
    assert client.get("/auth/nowhere").status_code == 404
    assert client.get("/auth/nowhere").text != "the host's 404"


def test_two_applications_in_one_process_know_nothing_of_each_other(tmp_path: Path) -> None:
    apps = []
    for name in ("one", "two"):
        app = Flask(name)
        app.config.update(AUTHENTICATOR_ENVIRONMENT="development", AUTHENTICATOR_DATA_DIR=str(tmp_path / name))
        auth = Authenticator(app)
        app.add_url_rule("/me", "me", lambda auth=auth: auth.current_user.label if auth.current_user else "nobody")
        apps.append(app)
    first, second = apps[0].test_client(), apps[1].test_client()
    _sign_up(first)
    assert first.get("/me").text == "Ada L"
    cookie = first.get_cookie("auth_session")
    assert cookie
    second.set_cookie("auth_session", cookie.value)
    assert second.get("/me").text == "nobody"
