"""What a request may not be."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask, request
from flask.testing import FlaskClient

from authenticator.errors import AuthError
from authenticator.http import hygiene
from authenticator.http.hygiene import strict_json


@pytest.fixture
def client() -> FlaskClient:
    app = Flask(__name__)
    hygiene.install(app)
    app.register_error_handler(AuthError, lambda error: (error.code, error.status))

    @app.route("/api/v1/echo", methods=["GET", "POST", "DELETE"])
    def echo() -> dict[str, Any]:
        return strict_json(request.get_data()) if request.method == "POST" else {}

    @app.route("/form", methods=["GET", "POST"])
    def form() -> dict[str, Any]:
        return {"method": request.method, "fields": len(request.form)}

    return app.test_client()


def post(client: FlaskClient, body: bytes, kind: str = "application/json", **more: Any) -> Any:
    return client.post("/api/v1/echo", data=body, content_type=kind, **more)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"[]",
        b'"text"',
        b"null",
        b'{"a":1,"a":2}',
        b'{"in":{"a":1,"a":2}}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":1e999}',
        b'{"a":"\\ud800"}',
        b'{"\\udfff":1}',
        b'{"a":["\\ud800"]}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"\xff"}',
        b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"),
        b'{"a":1}{"b":2}',
        b'{"a":1,}',
        b'{"a":"line\nbreak"}',
        b'{"a":' + b"[" * 20 + b"]" * 20 + b"}",
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b'{"a":' + b"9" * 50_000 + b"}",
    ],
)
def test_a_body_that_is_not_one_plain_object_is_refused(client: FlaskClient, body: bytes) -> None:
    answer = post(client, body)
    assert (answer.status_code, answer.text) == (400, "invalid_request")


@pytest.mark.parametrize(
    "body", [b"{}", b' {"a": [1.5, true, null, "\xc3\xa9 \\u00e9 \\ud83d\\ude00"]} ', b'{"a":' + b"[" * 19 + b"]" * 19 + b"}"]
)
def test_a_plain_object_is_read(client: FlaskClient, body: bytes) -> None:
    assert post(client, body).json == json.loads(body)


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/json-patch+json",
        "",
        "application/json; charset=utf-16",
    ],
)
def test_json_under_another_name_is_refused(client: FlaskClient, kind: str) -> None:
    assert post(client, b"{}", kind).status_code == 415


def test_a_compressed_body_is_refused(client: FlaskClient) -> None:
    assert post(client, b"{}", headers={"Content-Encoding": "gzip"}).status_code == 415


@pytest.mark.parametrize(("size", "status"), [(65_536, 200), (65_537, 413), (1_000_000, 413)])
def test_a_body_ends_at_64_kib(client: FlaskClient, size: int, status: int) -> None:
    assert post(client, b'{"a":"' + b"x" * (size - 8) + b'"}').status_code == status


class Chunks:
    """A body as servers hand it out where the client told no length: it only has `read`, as gunicorn's."""

    def __init__(self, body: bytes) -> None:
        self._rest = body

    def read(self, size: int = -1) -> bytes:
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken


@pytest.mark.parametrize(("size", "status"), [(7, 200), (65_536, 200), (65_537, 413), (200_000, 413)])
def test_a_body_without_a_length_ends_there_too(client: FlaskClient, size: int, status: int) -> None:
    body = b'{"a":1}' + b" " * (size - 7)
    chunked = {"wsgi.input": Chunks(body), "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    answer = client.post("/api/v1/echo", content_type="application/json", environ_overrides=chunked)
    assert answer.status_code == status
    assert status == 413 or answer.json == {"a": 1}


def test_a_form_without_a_length_ends_there_too(client: FlaskClient) -> None:
    for size, status in ((5, 200), (70_000, 413)):
        body = Chunks(b"a=b&c" + b"d" * (size - 5))
        chunked = {"wsgi.input": body, "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
        answer = client.post("/form", content_type="application/x-www-form-urlencoded", environ_overrides=chunked)
        assert answer.status_code == status
        assert status == 413 or (answer.json or {})["fields"] == 2


@pytest.mark.parametrize("length", ["-1", "1e3", "9" * 40, "²"])
def test_a_lying_length_is_refused(client: FlaskClient, length: str) -> None:
    answer = client.post("/api/v1/echo", data=b"{}", content_type="application/json", environ_overrides={"CONTENT_LENGTH": length})
    assert answer.status_code in (400, 413)


def test_a_form_has_20_parts_at_most(client: FlaskClient) -> None:
    assert client.post("/form", data={f"f{number}": "x" for number in range(20)}).status_code == 200
    assert client.post("/form", data={f"f{number}": "x" for number in range(21)}).status_code == 413
    assert client.post("/form", data={f"f{number}": "x" for number in range(21)}, content_type="multipart/form-data").status_code == 413
    assert client.post("/form", data="a=1&" * 10_000, content_type="application/x-www-form-urlencoded").status_code == 413


def test_headers_end_at_16_kib(client: FlaskClient) -> None:
    assert client.get("/form", headers={"X-Long": "x" * 15_000}).status_code == 200
    assert client.get("/form", headers={f"X-Long-{number}": "x" * 1000 for number in range(17)}).status_code == 431


@pytest.mark.parametrize("query", ["access_token=x", "a=1&access_token=", "access%5Ftoken=x"])
@pytest.mark.parametrize("path", ["/form", "/api/v1/echo"])
def test_a_token_in_the_address_is_refused(client: FlaskClient, path: str, query: str) -> None:
    assert client.get(f"{path}?{query}").status_code == 400


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "TRACK", "DEBUG", "PROPFIND"])
def test_other_methods_are_refused(client: FlaskClient, method: str) -> None:
    assert client.open("/form", method=method).status_code == 405


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_a_method_can_not_be_overridden(client: FlaskClient, header: str) -> None:
    assert client.get("/form?_method=POST", headers={header: "POST"}).json == {"method": "GET", "fields": 0}


def test_a_nul_in_the_path_is_refused(client: FlaskClient) -> None:
    assert client.get("/form%00").status_code == 400
