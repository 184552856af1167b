"""Whether the Model Context Protocol's own SDK signs somebody in: from a refusal to a tool that knows who calls it."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

from authenticator.testing.servers import free_port
from tests.certificates import self_signed
from tests.interop.served import EMAIL, PASSWORD, Service, program
from tests.interop.walker import Walker, led_back

CALLBACK = "http://localhost:3030/callback"
SAID = {"redirect_uris": [CALLBACK], "client_name": "Assistant", "token_endpoint_auth_method": "none"}
EXAMPLE = Path(__file__).parents[2] / "examples" / "mcp_server"

pytestmark = [pytest.mark.interop, pytest.mark.slow]


class Kept:
    """What the assistant keeps."""

    tokens: OAuthToken | None = None
    registered: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.registered

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.registered = client_info


class Assistant:
    """An MCP client whose person has a browser."""

    def __init__(self, resource: str, document: str | None = None) -> None:
        self.resource, self.kept, self.asked = resource, Kept(), 0
        said = OAuthClientMetadata.model_validate(SAID)
        self.auth = OAuthClientProvider(resource, said, self.kept, self._show, self._come_back, client_metadata_url=document)
        self._back = ""

    def call(self) -> list[str]:
        """What the tool answers, twice; before the second time its access token has run out."""
        with ThreadPoolExecutor(1) as thread:  # a browser of other tests may have a loop running in this one
            return thread.submit(lambda: asyncio.run(self._call())).result()

    async def _call(self) -> list[str]:
        async with (
            httpx2.AsyncClient(auth=self.auth, timeout=30, trust_env=False) as http,
            Client(streamable_http_client(self.resource, http_client=http)) as client,
        ):
            first = await client.call_tool("who", {})
            self.auth.context.token_expiry_time = 1
            second = await client.call_tool("who", {})
        return [str(answer.content[0].text) for answer in (first, second)]  # type: ignore[union-attr]

    async def _show(self, url: str) -> None:
        self.asked += 1
        self._back = await asyncio.to_thread(led_back, Walker(), url, CALLBACK, EMAIL, PASSWORD)

    async def _come_back(self) -> AuthorizationCodeResult:
        return AuthorizationCodeResult.model_validate(dict(parse_qsl(urlsplit(self._back).query)))


class Document(BaseHTTPRequestHandler):
    """The assistant's client ID metadata document, which bears its own address."""

    facts: ClassVar[dict[str, Any]] = {}

    def do_GET(self) -> None:
        body = json.dumps(self.facts).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """The tests' output is for the tests."""


@contextmanager
def published(certificate: Path) -> Iterator[str]:
    """The address of the document, at a server that this certificate is of."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Document)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    address = f"https://localhost:{server.server_port}/assistant.json"
    Document.facts = {"client_id": address, **SAID}
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield address
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("certificate"), "localhost")


@pytest.fixture(scope="module")
def resource() -> str:
    return f"http://localhost:{free_port()}/mcp"


@pytest.fixture(scope="module")
def house(certificate: Path, resource: str) -> Iterator[Service]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(certificate))
        service = Service(OIDC_REGISTRATION="open", OIDC_DOCUMENTS="true", OIDC_RESOURCES=resource)
    with service:
        yield service


@pytest.fixture(scope="module")
def person(house: Service) -> str:
    return str(house.person()["id"])


@pytest.fixture(scope="module")
def diary(house: Service, resource: str) -> Iterator[None]:
    port = urlsplit(resource).port or 0
    env = {"AUTHENTICATOR_ISSUER": house.url, "AUTHENTICATOR_AUDIENCE": resource, "PORT": str(port)}
    with program("mcp", [sys.executable, "app.py"], port, folder=EXAMPLE, env=env):
        yield


@pytest.mark.usefixtures("diary")
def test_an_assistant_that_registers_itself(person: str, resource: str) -> None:
    assistant = Assistant(resource)
    answers = assistant.call()
    assert assistant.kept.registered is not None
    assert assistant.kept.registered.client_id.startswith("app_")
    # signed in once, and stayed so by its refresh token
    assert (answers, assistant.asked) == ([f"{person} by {assistant.kept.registered.client_id}"] * 2, 1)


@pytest.mark.usefixtures("diary")
def test_an_assistant_that_is_known_by_its_document(person: str, resource: str, certificate: Path) -> None:
    with published(certificate) as address:
        assistant = Assistant(resource, address)
        assert (assistant.call(), assistant.asked) == ([f"{person} by {address}"] * 2, 1)
