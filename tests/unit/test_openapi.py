"""The document about the API, and that it is true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from authenticator.app import create_app
from authenticator.errors import CODES

PASSWORD = "correct horse battery staple"
PERSON = {"email": "ada@example.com", "password": PASSWORD, "given_name": "Ada", "family_name": "Lovelace"}
API = "/api/v1"
UNDOCUMENTED = {f"{API}/openapi.json", f"{API}/docs"}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[FlaskClient]:
    app = create_app({"AUTHENTICATOR_ENVIRONMENT": "development", "AUTHENTICATOR_DATA_DIR": str(tmp_path)}, env_file=None)
    yield app.test_client()
    app.extensions["authenticator"].core.store.close()


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"{API}/openapi.json").json or {}
    return found


def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"].startswith("3.1")


def test_every_route_is_in_the_document_and_every_path_is_a_route(client: FlaskClient, document: dict[str, Any]) -> None:
    routes = {
        (re.sub(r"<(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in client.application.url_map.iter_rules()
        if rule.rule.startswith(API) and rule.rule not in UNDOCUMENTED
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routes == {(path, method) for path, methods in document["paths"].items() for method in methods}


def test_it_says_where_fields_may_be_refused(document: dict[str, Any]) -> None:
    operations = {(path, method): operation for path, methods in document["paths"].items() for method, operation in methods.items()}
    checked = [what for what, operation in operations.items() if "application/json" in operation.get("requestBody", {}).get("content", {})]
    for what in [*checked, (f"{API}/users", "get")]:
        refusals = operations[what]["responses"].get("422", {}).get("content", {}).get("application/problem+json", {})
        assert "validation_failed" in refusals.get("examples", {}), what


def test_every_code_of_refusal_is_in_the_document(document: dict[str, Any]) -> None:
    assert set(document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]) == {*CODES, "internal_error"}


def test_the_page_shows_every_operation_without_script_or_foreign_file(client: FlaskClient, document: dict[str, Any]) -> None:
    page = client.get(f"{API}/docs")
    assert page.status_code == 200
    for path in document["paths"]:
        assert path in page.text
    for code in CODES:
        assert f'id="{code}"' in page.text
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page.text)


def told(document: dict[str, Any], method: str, path: str, answer: Any) -> Any:
    """The answer, after a check that the document announces its status, type and shape."""
    announced = document["paths"][f"{API}{path}"][method]["responses"][str(answer.status_code)]
    if answer.status_code == 204:
        assert "content" not in announced
        assert answer.data == b""
        return None
    schema = announced["content"][answer.mimetype]["schema"]
    Draft202012Validator({**schema, "components": document["components"]}).validate(answer.json)
    if answer.mimetype == "application/problem+json":
        assert answer.json["code"] in announced["content"][answer.mimetype]["examples"]
    return answer.json


def code_for(client: FlaskClient) -> str:
    return str(client.get("/dev/outbox", headers={"Accept": "application/json"}).json[0]["code"])  # type: ignore[index]


def test_what_the_api_answers_is_what_the_document_says(client: FlaskClient, document: dict[str, Any]) -> None:
    def call(method: str, path: str, real: str = "", **more: Any) -> Any:
        return told(document, method, path, client.open(API + (real or path), method=method.upper(), **more))

    call("get", "/providers")
    waiting = call("post", "/sign-up/{provider}", "/sign-up/password", json=PERSON)
    code = code_for(client)
    wrong = "111111" if code == "000000" else "000000"
    challenge = waiting["challenge"]["id"]
    assert call("post", "/sign-in/continue", json={"challenge": challenge, "code": wrong})["code"] == "invalid_code"
    assert call("post", "/sign-in/continue", json={"challenge": challenge, "code": code})["status"] == "complete"
    assert call("post", "/sign-in/continue", json={"challenge": challenge, "code": code})["code"] == "challenge_expired"
    known = {"email": PERSON["email"], "password": PASSWORD}
    assert call("post", "/sign-in/{provider}", "/sign-in/password", json=known | {"password": "x"})["code"] == "invalid_credentials"
    signed = call("post", "/sign-in/{provider}", "/sign-in/password", json=known)
    assert signed["refresh_expires_in"] == 30 * 86_400
    bearer = {"Authorization": f"Bearer {signed['access_token']}"}
    assert call("get", "/me", headers=bearer) == signed["user"]
    ways = {way["provider"]: way["id"] for way in call("get", "/me/identities", headers=bearer)}
    assert set(ways) == {"email", "password"}
    assert call("delete", "/me/identities/{id}", f"/me/identities/{ways['email']}", headers=bearer)["code"] == "conflict"
    assert len(call("get", "/me/sessions", headers=bearer)) == 2
    assert call("delete", "/me/sessions/{id}", "/me/sessions/nobodys", headers=bearer)["code"] == "not_found"
    call("delete", "/me/sessions", headers=bearer)
    (left,) = call("get", "/me/sessions", headers=bearer)
    assert left["current"]
    fresh = call("post", "/token/refresh", json={"refresh_token": signed["refresh_token"]})
    assert fresh["session_id"] == signed["session_id"]
    call("post", "/sign-out", headers=bearer)
    assert call("get", "/me", headers=bearer)["code"] == "token_revoked"
    assert call("post", "/token/refresh", json={"refresh_token": fresh["refresh_token"]})["code"] == "invalid_token"
