"""The API's description as an OpenAPI 3.1 document, made from the same table as its routes, and the page that shows it."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from flask import Blueprint, Response
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from authenticator import __version__
from authenticator.http.cookies import SESSION
from authenticator.settings import Settings
from authenticator.web import api_docs, problems
from authenticator.web.api_endpoints import Endpoint

PREFIX: Final = "/api/v1"
REF: Final = "#/components/schemas/"
ALWAYS: Final = ("invalid_request", "headers_too_large", "store_unavailable", "internal_error")
WITH_BODY: Final = ("unsupported_media_type", "body_too_large")
WITH_TOKEN: Final = ("invalid_token", "token_expired", "token_revoked")
IN_PATH: Final = {
    "provider": "The `name` of an entry of GET /api/v1/providers.",
    "id": "The `id` of an entry of the list.",
    "name": "The `name` of an entry of the list: a second step, a role or a permission.",
    "session_id": "The `id` of a sign-in.",
    "secret_id": "The `id` of a secret.",
    "client_id": "The `client_id` of an application.",
    "assignment_id": "The `id` of what was given.",
}
GROUPS: Final = {
    "Sign in": "Make an account and sign in, step by step.",
    "Tokens": "Keep a sign-in going, and end it.",
    "Account": "The signed-in person and her ways in.",
    "Passwords": "Choose a password, and find the way back without one.",
    "Addresses": "Her e-mail addresses and phone numbers.",
    "Second step": "What is asked for besides the first proof, and proving once more that it is you.",
    "Sign-ins": "Where one is signed in, and what happened.",
    "Applications": "What signs people in here: for users who hold `applications:read` or `applications:write`, and one's own where people may register them.",
    "Administration": "Other people's accounts, for users who hold the permission `users:read` or `users:write`.",
    "Permissions": "What applications declare, roles, who is given what, and whether somebody may. Nobody gives more than he holds.",
}


def register(blueprint: Blueprint, endpoints: Sequence[Endpoint], settings: Settings) -> None:
    """Add GET /openapi.json and GET /docs; the document is made when it is first asked for."""

    @functools.cache
    def made() -> dict[str, Any]:
        return document(endpoints, public_url=settings.public_url, service_name=settings.service_name, cookie=_cookie(settings))

    @functools.cache
    def text() -> str:
        return json.dumps(made(), ensure_ascii=False)

    def openapi_json() -> Response:
        return Response(text(), content_type="application/json")

    blueprint.add_url_rule("/openapi.json", "openapi_json", openapi_json, methods=["GET"])
    blueprint.add_url_rule("/docs", "docs", _page(made), methods=["GET"])


def _page(made: Callable[[], dict[str, Any]]) -> Callable[[], str]:
    return lambda: api_docs.render(made())


def _cookie(settings: Settings) -> str:
    return f"{'__Host-' if settings.secure else ''}{SESSION}"


def document(endpoints: Sequence[Endpoint], *, public_url: str, service_name: str, cookie: str) -> dict[str, Any]:
    """The whole document."""
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(PREFIX + endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, public_url)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{service_name} API",
            "version": __version__,
            "description": "Sign-up, sign-in and one's own account. Bodies are JSON; times are RFC 3339 in UTC; ids are text.",
        },
        "servers": [{"url": public_url}],
        "tags": [{"name": name, "description": text} for name, text in GROUPS.items()],
        "paths": paths,
        "components": {
            "schemas": _schemas(endpoints) | {"Problem": _problem_schema()},
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The access token of a sign-in result.",
                },
                "session": {"type": "apiKey", "in": "cookie", "name": cookie, "description": "A browser's session; it only reads."},
                "application": {"type": "http", "scheme": "basic", "description": "An application's client id and secret."},
            },
        },
    }


def _operation(endpoint: Endpoint, public_url: str) -> dict[str, Any]:
    summary, _, rest = (endpoint.view.__doc__ or endpoint.name).partition("\n")
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "tags": [endpoint.group],
        "summary": summary.strip().rstrip("."),
        "responses": _responses(endpoint, public_url),
        "security": _security(endpoint),
    }
    if rest.strip():
        operation["description"] = " ".join(rest.split())
    if endpoint.parameters or endpoint.query or endpoint.idempotent:
        operation["parameters"] = _parameters(endpoint)
    if endpoint.body:
        media: dict[str, Any] = {"schema": {"$ref": REF + _name(endpoint.body)}}
        if endpoint.example:
            media["example"] = dict(endpoint.example)
        operation["requestBody"] = {"required": endpoint.body_required, "content": {"application/json": media}}
    if endpoint.upload:
        operation["requestBody"] = {"required": True, "content": {kind: _file(kind) for kind in endpoint.upload}}
    return operation


def _file(kind: str) -> dict[str, Any]:
    """A file as the body, or as a form's field `file` (OpenAPI 3.1 §4.8.14)."""
    whole = {"type": "string", "contentMediaType": kind}
    form = {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}}}
    return {"schema": form if kind == "multipart/form-data" else whole}


def _security(endpoint: Endpoint) -> list[dict[str, list[str]]]:
    if endpoint.access == "open":
        return []
    further = {"session": "session", "application": "application"}.get(endpoint.access)
    return [{"bearer": []}, {further: []}] if further else [{"bearer": []}]


IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "A text of your own. The same call with the same key gets the first answer again for a day, and makes nothing twice.",
    "schema": {"type": "string", "maxLength": 128},
}


def _parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    path = [
        {"name": name, "in": "path", "required": True, "description": IN_PATH[name], "schema": {"type": "string"}}
        for name in endpoint.parameters
    ]
    query = [{"name": item.name, "in": "query", "description": item.text, "schema": dict(item.schema)} for item in endpoint.query]
    return [*path, *query, *([IDEMPOTENCY] if endpoint.idempotent else ())]


def _responses(endpoint: Endpoint, public_url: str) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, model in endpoint.answers.items():
        responses[str(status)] = {"description": _phrase(status)}
        if model:
            responses[str(status)]["content"] = {"application/json": {"schema": {"$ref": REF + _name(model)}}}
    for status, codes in sorted(_refusals(endpoint).items()):
        responses[str(status)] = _refusal(codes, public_url)
    return responses


def _refusals(endpoint: Endpoint) -> dict[int, list[str]]:
    """The codes that this endpoint may answer with, by status."""
    wanted = (*ALWAYS, *endpoint.problems)
    if endpoint.body or endpoint.upload:
        wanted += WITH_BODY
    if endpoint.body:
        wanted += ("validation_failed",)
    if endpoint.access != "open":
        wanted += WITH_TOKEN
    known, found = problems.codes(), dict[int, list[str]]()
    for code in dict.fromkeys(wanted):
        found.setdefault(known[code][0], []).append(code)
    return found


def _refusal(codes: Sequence[str], public_url: str) -> dict[str, Any]:
    examples = {code: {"value": _example(code, public_url)} for code in codes}
    media = {"schema": {"$ref": REF + "Problem"}, "examples": examples}
    refusal: dict[str, Any] = {"description": ", ".join(codes), "content": {problems.MEDIA_TYPE: media}}
    if problems.codes()[codes[0]][0] in (429, 503):
        refusal["headers"] = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}}
    return refusal


def _example(code: str, public_url: str) -> dict[str, Any]:
    status, detail = problems.codes()[code]
    return {
        "type": f"{public_url}{PREFIX}/docs#{code}",
        "title": problems.title(code),
        "status": status,
        "detail": detail,
        "code": code,
    }


def _phrase(status: int) -> str:
    return {204: "Done"}.get(status, HTTPStatus(status).phrase)


class _Plain(GenerateJsonSchema):
    """Schemas without a title on each field, which only repeats its name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _schemas(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    sent = {endpoint.body for endpoint in endpoints if endpoint.body}
    answered = {model for endpoint in endpoints for model in endpoint.answers.values() if model}
    wanted = [(model, "validation") for model in sent] + [(model, "serialization") for model in answered]
    ordered = sorted(wanted, key=lambda pair: pair[0].__name__)
    _, found = models_json_schema(ordered, ref_template=REF + "{model}", schema_generator=_Plain)  # type: ignore[arg-type]
    return {name: _said_once(schema) for name, schema in sorted(found["$defs"].items())}


def _said_once(schema: dict[str, Any]) -> dict[str, Any]:
    """Docstrings become one line each."""
    return {**schema, "description": " ".join(schema["description"].split())} if "description" in schema else schema


def _name(model: type[BaseModel]) -> str:
    return model.__name__


def _problem_schema() -> Mapping[str, Any]:
    return {
        "type": "object",
        "description": "A refusal (RFC 9457). Programs go by `code`, people by `detail`.",
        "required": ["type", "title", "status", "detail", "code"],
        "properties": {
            "type": {"type": "string", "format": "uri"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "What was wrong, and what to do next."},
            "code": {"type": "string", "enum": sorted(problems.codes())},
            "errors": {
                "type": "object",
                "description": "What is wrong with each field.",
                "additionalProperties": {"type": "array", "items": {"type": "string"}},
            },
            "reference": {"type": "string", "description": "The id under which the service's log has more."},
        },
        "additionalProperties": False,
    }
