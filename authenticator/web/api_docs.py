"""The page about the API, drawn on the server from its OpenAPI document: no script, nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import render_template

from authenticator.web import problems

Document = Mapping[str, Any]
_DEEPEST = 6


@dataclass(frozen=True)
class Row:
    """A line in a table of parameters or fields."""

    name: str
    type: str
    text: str
    required: bool = False


@dataclass(frozen=True)
class Answer:
    """One status that an operation answers with: a shape and an example, or codes of refusal."""

    status: str
    text: str
    shape: str = ""
    example: str = ""
    codes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Operation:
    """An operation as the page shows it."""

    id: str
    method: str
    path: str
    summary: str
    text: str
    access: str
    parameters: tuple[Row, ...]
    fields: tuple[Row, ...]
    answers: tuple[Answer, ...]
    curl: str


def render(document: Document) -> str:
    """The page."""
    groups = [(tag["name"], tag["description"], _of_group(document, tag["name"])) for tag in document["tags"]]
    shapes = [(name, schema.get("description", ""), _rows(document, schema)) for name, schema in document["components"]["schemas"].items()]
    facts = {"info": document["info"], "server": document["servers"][0]["url"], "codes": sorted(problems.codes().items())}
    return render_template("api_docs.html", groups=groups, shapes=[shape for shape in shapes if shape[2]], **facts)


def _of_group(document: Document, group: str) -> list[Operation]:
    return [
        _operation(document, method.upper(), path, facts)
        for path, methods in document["paths"].items()
        for method, facts in methods.items()
        if group in facts["tags"]
    ]


def _operation(document: Document, method: str, path: str, facts: Mapping[str, Any]) -> Operation:
    body = facts.get("requestBody", {}).get("content", {}).get("application/json")
    return Operation(
        id=facts["operationId"],
        method=method,
        path=path,
        summary=facts["summary"],
        text=facts.get("description", ""),
        access=_access(facts["security"]),
        parameters=tuple(_parameter(item) for item in facts.get("parameters", ())),
        fields=_rows(document, body["schema"]) if body else (),
        answers=tuple(_answer(document, status, answer) for status, answer in sorted(facts["responses"].items())),
        curl=_curl(document["servers"][0]["url"], method, path, facts, body),
    )


def _access(security: list[Mapping[str, Any]]) -> str:
    if not security:
        return "Open to everybody"
    return "Access token, or a browser's session" if len(security) > 1 else "Access token"


def _parameter(item: Mapping[str, Any]) -> Row:
    return Row(item["name"], _type(item["schema"]), item["description"], item.get("required", False))


def _answer(document: Document, status: str, answer: Mapping[str, Any]) -> Answer:
    content = answer.get("content", {})
    refused = content.get(problems.MEDIA_TYPE)
    if refused:
        return Answer(status, "", codes=tuple(refused["examples"]))
    good = content.get("application/json")
    if not good:
        return Answer(status, answer["description"])
    example = json.dumps(example_of(document, good["schema"]), indent=2, ensure_ascii=False)
    return Answer(status, answer["description"], good["schema"]["$ref"].rpartition("/")[2], example)


def _curl(server: str, method: str, path: str, facts: Mapping[str, Any], body: Mapping[str, Any] | None) -> str:
    url = server + path.replace("{provider}", "password").replace("{id}", "$ID")
    parts = [f"curl {'' if method == 'GET' else f'-X {method} '}{url}"]
    if facts["security"]:
        parts.append('-H "Authorization: Bearer $TOKEN"')
    if body:
        example = json.dumps(body.get("example", {}), ensure_ascii=False)
        parts += ['-H "Content-Type: application/json"', f"-d '{example}'"]
    return " \\\n  ".join(parts)


def _resolved(document: Document, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema that a `$ref` leads to."""
    reference = schema.get("$ref")
    found: Mapping[str, Any] = document["components"]["schemas"][reference.rpartition("/")[2]] if reference else schema
    return found


def _rows(document: Document, schema: Mapping[str, Any]) -> tuple[Row, ...]:
    whole = _resolved(document, schema)
    required = whole.get("required", ())
    rows = [Row(name, _type(item), item.get("description", ""), name in required) for name, item in whole.get("properties", {}).items()]
    further = whole.get("additionalProperties")
    if further:
        rows.append(Row("…", _type(further) if isinstance(further, Mapping) else "any", "Each field that was asked for."))
    return tuple(rows)


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(_type(option) for option in schema["anyOf"])
    if "const" in schema:
        return f"“{schema['const']}”"
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if "format" in schema:
        return str(schema["format"])
    return str({"string": "text", "integer": "number", "boolean": "true or false"}.get(schema.get("type", ""), schema.get("type", "any")))


def example_of(document: Document, schema: Mapping[str, Any], depth: int = 0) -> Any:
    """A value of that schema, from the examples of its parts."""
    schema = _resolved(document, schema)
    if "examples" in schema:
        return schema["examples"][0]
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if "enum" in schema:
        return schema["enum"][0]
    options = schema.get("oneOf") or schema.get("anyOf")
    if options:
        simple = [option for option in options if option.get("type") == "null"]
        return None if simple else example_of(document, options[0], depth)
    if schema.get("type") == "array":
        return [example_of(document, schema["items"], depth + 1)] if depth < _DEEPEST else []
    if schema.get("type") == "object":
        return {name: example_of(document, item, depth + 1) for name, item in schema.get("properties", {}).items()}
    return {"string": "", "integer": 0, "boolean": False}.get(schema.get("type", ""))
