"""Refusals and faults as answers."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from authenticator.app import create_app
from authenticator.errors import CODES, AuthError
from authenticator.oidc.metadata import ENDPOINTS
from authenticator.web.problems import OAUTH

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
SECRET = "hunter2-hunter2"


def build(folder: Path, **settings: str) -> Flask:
    facts = {
        "ENVIRONMENT": "production",
        "SECRET_KEY": "mJ4vQ0ZrT8yB1nXw6cLk9eUf3gHs5dPa",
        "DATABASE_URL": f"sqlite:///{folder}/it.db",
        **settings,
    }
    app = create_app({f"AUTHENTICATOR_{name}": value for name, value in facts.items()}, env_file=None)

    def refuse(code: str) -> str:
        raise AuthError(code, retry_after=7 if code == "rate_limited" else None)

    def fault() -> str:
        raise RuntimeError(f"the password {SECRET} broke it")

    for prefix in ("/api/v1/test", "/test"):
        app.add_url_rule(f"{prefix}/refuse/<code>", f"refuse{prefix}", refuse)
        app.add_url_rule(f"{prefix}/fault", f"fault{prefix}", fault)
    return app


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    return build(tmp_path).test_client()


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_is_told_to_programs(client: FlaskClient, code: str) -> None:
    answer = client.get(f"/api/v1/test/refuse/{code}")
    status, detail = CODES[code]
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    problem: dict[str, Any] = answer.json or {}
    assert (problem["code"], problem["status"], problem["detail"]) == (code, status, detail)
    assert problem["type"].endswith(f"/api/v1/docs#{code}")
    assert ("Retry-After" in answer.headers) == (status in (429, 503))
    assert ("WWW-Authenticate" in answer.headers) == (status == 401 or code == "step_up_required")


def test_what_applications_call_is_known_as_such() -> None:
    people_too = {"authorization_endpoint", "end_session_endpoint"}
    called = {path for name, path in ENDPOINTS.items() if path.startswith("/oauth/") and name not in people_too}
    assert set(OAUTH) == called


def test_a_bad_token_is_named_and_a_missing_one_asked_for(client: FlaskClient) -> None:
    where = client.get("/api/v1/me").headers["WWW-Authenticate"]
    assert re.fullmatch(r'Bearer resource_metadata="http\S+/\.well-known/oauth-protected-resource"', where), where
    answer = client.get("/api/v1/me", headers={"Authorization": "Bearer nonsense"})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, where.replace("Bearer ", 'Bearer error="invalid_token", '))


def test_people_get_a_page_and_programs_a_document(client: FlaskClient) -> None:
    assert client.get("/test/refuse/forbidden", headers=HTML).mimetype == "text/html"
    assert client.get("/test/refuse/forbidden").mimetype == "text/html"
    assert client.get("/test/refuse/forbidden", headers={"Accept": "application/json"}).mimetype == "application/problem+json"
    assert client.get("/api/v1/test/refuse/forbidden", headers=HTML).mimetype == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"), [("GET", "/api/v1/nothing", 404, "not_found"), ("PUT", "/api/v1/me", 405, "method_not_allowed")]
)
def test_flasks_own_refusals_are_told_alike(client: FlaskClient, method: str, path: str, status: int, code: str) -> None:
    answer = client.open(path, method=method)
    assert (answer.status_code, (answer.json or {})["code"]) == (status, code)
    assert ("Allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize("path", ["/api/v1/test/fault", "/test/fault"])
def test_a_fault_shows_only_its_reference(client: FlaskClient, path: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        answer = client.get(path)
    assert answer.status_code == 500
    assert SECRET not in answer.text
    assert "RuntimeError" not in answer.text
    assert SECRET not in caplog.text
    assert "RuntimeError" in caplog.text
    reference = caplog.text.split("reference ")[1].split()[0]
    assert reference in answer.text


def test_a_name_that_no_field_has_is_not_repeated(client: FlaskClient) -> None:
    def refuse() -> str:
        raise AuthError("validation_failed", errors={"email": ("Please fill this in.",), f"{SECRET} <b>": ("No such field.",)})

    client.application.add_url_rule("/api/v1/test/fields", "fields", refuse)
    answer = client.get("/api/v1/test/fields")
    assert (answer.json or {})["errors"] == {"email": ["Please fill this in."], "body": ["No such field."]}


def test_a_listed_origin_may_call_the_api_and_no_other(tmp_path: Path) -> None:
    client = build(tmp_path, RETURN_ORIGINS="https://app.example").test_client()
    listed = client.get("/api/v1/providers", headers={"Origin": "https://app.example"})
    assert listed.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "Access-Control-Allow-Credentials" not in listed.headers
    assert "Origin" in listed.headers["Vary"]
    for origin in (
        "null",
        "https://app.example.evil",
        "https://evil.app.example",
        "http://app.example",
        "https://app.example:8443",
        "*",
        "",
    ):
        other = client.get("/api/v1/providers", headers={"Origin": origin})
        assert "Access-Control-Allow-Origin" not in other.headers
    assert "Access-Control-Allow-Origin" not in client.get("/sign-in", headers={"Origin": "https://app.example"}).headers
    refused = client.get("/api/v1/me", headers={"Origin": "https://app.example"})
    assert refused.headers["Access-Control-Allow-Origin"] == "https://app.example"


def test_a_listed_origin_may_ask_beforehand(tmp_path: Path) -> None:
    client = build(tmp_path, RETURN_ORIGINS="https://app.example").test_client()
    asked = {"Access-Control-Request-Method": "DELETE", "Access-Control-Request-Headers": "authorization"}
    answer = client.options("/api/v1/me/sessions", headers={"Origin": "https://app.example", **asked})
    assert "DELETE" in answer.headers["Access-Control-Allow-Methods"]
    assert answer.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type"
    foreign = client.options("/api/v1/me/sessions", headers={"Origin": "https://evil.example", **asked})
    assert not [name for name, _ in foreign.headers if name.startswith("Access-Control")]


def test_health_is_told_to_operators(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/readyz").status_code == 200
    store = client.application.extensions["authenticator"].core.store

    def away() -> None:
        raise AuthError("store_unavailable")

    monkeypatch.setattr(store, "ping", away)
    answer = client.get("/readyz")
    assert (answer.status_code, (answer.json or {})["failing"]) == (503, "store_unavailable")
    assert client.get("/healthz").status_code == 200
