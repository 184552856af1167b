"""Authlib's authorization server behind our ports: requests of Flask, applications as its clients, grants that lead to the flows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Payload, OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from flask import Request, Response, current_app

from authenticator.applications import Application
from authenticator.errors import AuthError
from authenticator.http.guard import service
from authenticator.service import Service

EXTENSION: Final = "authenticator_oauth"
SEVERAL: Final = frozenset({"resource", "audience"})  # may come more than once (RFC 8707 §2, RFC 8693 §2.1)
LONGEST: Final = 4096  # characters of a value
LONGER: Final = {"client_assertion": 8192, "token": 8192, "subject_token": 8192, "id_token_hint": 8192, "request": 16_384, "claims": 8192}
MOST_SCOPES: Final = 50


class Payload(OAuth2Payload):  # type: ignore[misc]
    """The parameters of a form, each once."""

    def __init__(self, form: Any) -> None:
        self._lists: dict[str, list[str]] = {name: list(values) for name, values in form.lists()}
        self._first = {name: values[0] for name, values in self._lists.items()}

    @property
    def data(self) -> dict[str, str]:
        return self._first

    @property
    def datalist(self) -> dict[str, list[str]]:
        return self._lists


class FormRequest(OAuth2Request):  # type: ignore[misc]
    """A request by Flask as Authlib wants it. Whether it came by https is settled where the service starts."""

    def __init__(self, request: Request) -> None:
        self.method, self.headers = request.method, request.headers
        self.payload = Payload(request.form)
        self.client: Client | None = None
        self.auth_method: str | None = None
        self.user = self.authorization_code = self.refresh_token = self.credential = None
        self._body, self._scope = None, None
        self._query, self.path = request.args, request.path
        self.uri = self.path  # no grant asks for more of the address

    @property
    def args(self) -> Any:
        return self._query

    @property
    def form(self) -> dict[str, str]:
        return dict(self.payload.data)

    def check(self) -> None:
        """InvalidRequestError for a parameter that comes twice or is too long, and for anything secret in the address (RFC 6749 §3.2)."""
        if self._query:
            raise InvalidRequestError("Send the parameters in the body.")
        for name, values in self.payload.datalist.items():
            if len(values) > 1 and name not in SEVERAL:
                raise InvalidRequestError("A parameter comes twice.")
            if any(len(value) > LONGER.get(name, LONGEST) for value in values):
                raise InvalidRequestError("A parameter is too long.")
        if len((self.payload.scope or "").split()) > MOST_SCOPES:
            raise InvalidRequestError("There are too many scopes.")

    def value(self, name: str) -> str:
        """A parameter, or nothing."""
        return str(self.payload.data.get(name, ""))

    def values(self, name: str) -> tuple[str, ...]:
        """All values of a parameter that may come more than once."""
        return tuple(value for value in self.payload.datalist.get(name, ()) if value)

    @property
    def wish(self) -> str | None:
        """The scope that is asked for; None for none."""
        return self.value("scope") or None


class Client:
    """An application, in the words of Authlib's clients."""

    def __init__(self, application: Application, auth: Service) -> None:
        self.application = application
        self._auth = auth

    def get_client_id(self) -> str:
        return self.application.id

    def check_client_secret(self, text: str) -> bool:
        return self._auth.check_client_secret(self.application, text)

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        return self.application.auth_method == method

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.application.grants


class Server(AuthorizationServer):  # type: ignore[misc]
    """The authorization server; it keeps no state, which is all in the flows."""

    def query_client(self, client_id: str) -> Client | None:
        """The application, or None for one that is unknown or was switched off."""
        auth = service()
        found = auth.find_application(client_id)
        return Client(found, auth) if found is not None and found.enabled else None

    def create_oauth2_request(self, request: Request | FormRequest) -> FormRequest:
        return request if isinstance(request, FormRequest) else FormRequest(request)

    def handle_response(self, status: int, body: Any, headers: Any) -> Response:
        return as_json(body, status, dict(headers))

    def send_signal(self, name: str, *_args: Any, **_more: Any) -> None:
        """Nobody listens here: the history has its own listeners."""


def as_json(body: Mapping[str, Any], status: int, headers: Mapping[str, str]) -> Response:
    """An answer with Authlib's headers, but for the media type that it writes."""
    response = Response(json.dumps(body), status, content_type="application/json")
    for name, value in headers.items():
        if name.lower() != "content-type":
            response.headers[name] = value
    return response


def server() -> Server:
    """The server of the service that answers this request."""
    found = current_app.extensions.get(EXTENSION)
    if not isinstance(found, Server):
        raise AuthError("not_found")
    return found
