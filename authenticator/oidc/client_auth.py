"""How an application shows that it is itself: by exactly one method, the one that it is registered with (RFC 6749 §2.3, RFC 7523)."""

from __future__ import annotations

from typing import Any, Final

from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidClientError, InvalidRequestError

from authenticator.applications import Application
from authenticator.http.basic import credentials
from authenticator.http.guard import base_url, client, service
from authenticator.oidc.server import Client, FormRequest, Server

ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
BASIC, POST, KEY, NONE = "client_secret_basic", "client_secret_post", "private_key_jwt", "none"
METHODS: Final = (BASIC, POST, KEY, NONE)


class UnprovenClientError(InvalidClientError):  # type: ignore[misc]
    """401, with the way to show who one is (RFC 6749 §5.2, RFC 7617 §2)."""

    def get_headers(self) -> list[tuple[str, str]]:
        return [*OAuth2Error.get_headers(self), ("WWW-Authenticate", f'Basic realm="applications", error="{self.error}"')]


def install(server: Server) -> None:
    """Teach the server our methods; `none` and `client_secret_post` are Authlib's own."""
    server.register_client_auth_method(BASIC, _basic)
    server.register_client_auth_method(KEY, _assertion)


def authenticated(server: Server, request: FormRequest, *, public: bool = True) -> Application:
    """The application that sends this; InvalidClientError (401) if it does not show that, or may not be public here.

    Wrong secrets are counted for each application and address; AuthError `rate_limited` after some.
    """
    method = _method(request)
    try:
        found: Client = server.authenticate_client(request, [method])
    except InvalidClientError:
        if method != NONE:
            service().client_refused(_named(request, method), client())
        raise UnprovenClientError("The client is unknown, switched off, or did not show that it is itself.", status_code=401) from None
    if method == NONE and not public:
        raise UnprovenClientError("This is for clients that authenticate.", status_code=401)
    return found.application


def _method(request: FormRequest) -> str:
    """The one method that was used; InvalidRequestError for two."""
    used = []
    if request.headers.get("Authorization", "").lower().startswith("basic"):
        used.append(BASIC)
    if request.value("client_secret"):
        used.append(POST)
    if request.value("client_assertion") or request.value("client_assertion_type"):
        used.append(KEY)
    if len(used) > 1:
        raise InvalidRequestError("Use one method of authentication.")
    return used[0] if used else NONE


def _named(request: FormRequest, method: str) -> str:
    return (credentials(request.headers["Authorization"])[0] if method == BASIC else request.value("client_id"))[:128]


def _basic(query_client: Any, request: FormRequest) -> Client | None:
    client_id, secret = credentials(request.headers.get("Authorization", ""))
    if not client_id or not secret or request.value("client_id") not in ("", client_id):
        return None
    found: Client | None = query_client(client_id)
    return found if found and found.check_client_secret(secret) else None


def _assertion(query_client: Any, request: FormRequest) -> Client | None:
    """A signed statement by the application's own key (RFC 7523 §2.2)."""
    if request.value("client_assertion_type") != ASSERTION:
        return None
    auth, text = service(), request.value("client_assertion")
    client_id = request.value("client_id") or auth.asserted_client(text)
    found: Client | None = query_client(client_id) if client_id else None
    if found is None or found.application.auth_method != KEY:
        return None
    here = {auth.settings.public_url, f"{auth.settings.public_url}/oauth/token", f"{base_url()}{request.path}"}
    return found if auth.asserts(found.application, text, frozenset(here)) else None
