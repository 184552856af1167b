"""A service to talk to: a real HTTP server with the endpoints that the client asks, whose keys and answers a test decides."""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256
AUDIENCE = "app_diary"
_RSA = rsa.generate_private_key(65537, 2048)


def b64(raw: bytes | str | dict[str, Any]) -> str:
    if isinstance(raw, dict):
        raw = json.dumps(raw)
    return base64.urlsafe_b64encode(raw.encode() if isinstance(raw, str) else raw).rstrip(b"=").decode()


class Service:
    """`asked` counts requests by path; `away` makes it answer 503; `answers` are what it says at a path instead of its own."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {"es": ec.generate_private_key(ec.SECP256R1()), "rs": _RSA, "ed": ed25519.Ed25519PrivateKey.generate()}
        self.asked: list[tuple[str, dict[str, str], str]] = []
        self.answers: dict[str, tuple[int, Any]] = {}
        self.away = False
        self.more_keys: list[dict[str, Any]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def count(self, path: str) -> int:
        return sum(asked == path for asked, _, _ in self.asked)

    def answer(self, path: str) -> tuple[int, Any]:
        if self.away:
            return 503, {}
        if path in self.answers:
            return self.answers[path]
        if path == "/.well-known/openid-configuration":
            return 200, {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/jwks",
                "authorization_response_iss_parameter_supported": True,
                **{
                    f"{name}_endpoint": f"{self.url}/{name}"
                    for name in ("authorization", "token", "userinfo", "introspection", "end_session")
                },
            }
        return (200, {"keys": [*map(self.jwk, self.keys), *self.more_keys]}) if path == "/jwks" else (404, {})

    def jwk(self, kid: str) -> dict[str, Any]:
        algorithm = {"e": "ES256", "r": "RS256"}.get(kid[0], "ES256") if kid != "ed" else "EdDSA"
        made = jwt.get_algorithm_by_name(algorithm).to_jwk(self.keys[kid].public_key(), as_dict=True)
        return {**made, "kid": kid, "alg": algorithm, "use": "sig"}

    # Tokens

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Claims of a good access token; a change to None leaves a claim out."""
        now = int(time.time())
        said = {"iss": self.url, "aud": AUDIENCE, "sub": "7", "client_id": AUDIENCE, "jti": secrets.token_hex(8), "sid": "s1", "scope": "openid email",
                "iat": now, "nbf": now, "exp": now + 120, "permissions": ["diary:read"], "roles": ["writer"]}  # fmt: skip
        return {name: value for name, value in (said | changed).items() if value is not None}

    def sign(self, claims: dict[str, Any] | str, header: dict[str, Any] | str | None = None, kid: str = "es") -> str:
        """A token signed with the service's own key, whatever is in it: only the rest can give it away."""
        algorithm = {"es": "ES256", "rs": "RS256", "ed": "EdDSA"}.get(kid, "ES256")
        head = header if isinstance(header, str) else {"alg": algorithm, "kid": kid, "typ": "at+jwt"} | (header or {})
        text = f"{b64(head if isinstance(head, str) else {k: v for k, v in head.items() if v is not None})}.{b64(claims)}"
        made = jwt.get_algorithm_by_name(algorithm).sign(text.encode(), self.keys[kid])
        if algorithm == "ES256":
            s = int.from_bytes(made[32:])
            made = made[:32] + min(s, ORDER - s).to_bytes(32)
        return f"{text}.{b64(made)}"

    def access_token(self, **changed: Any) -> str:
        return self.sign(self.claims(**changed))

    def id_token(self, nonce: str, /, header: dict[str, Any] | None = None, **changed: Any) -> str:
        now = int(time.time())
        said = {"iss": self.url, "aud": AUDIENCE, "sub": "7", "sid": "s1", "nonce": nonce, "iat": now, "exp": now + 120, "auth_time": now}
        said = {name: value for name, value in (said | changed).items() if value is not None}
        return self.sign(said, {"typ": "JWT"} | (header or {}), kid="rs")

    def logout_token(self, header: dict[str, Any] | None = None, **changed: Any) -> str:
        now = int(time.time())
        event = {"http://schemas.openid.net/event/backchannel-logout": {}}
        said = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "7",
            "sid": "s1",
            "iat": now,
            "exp": now + 120,
            "jti": secrets.token_hex(8),
            "events": event,
        }
        said = {name: value for name, value in (said | changed).items() if value is not None}
        return self.sign(said, {"typ": "logout+jwt"} | (header or {}), kid="rs")

    def gives(self, nonce: str, /, *, access: dict[str, Any] | None = None, refresh: str = "r1", **id_token: Any) -> None:
        """What the token endpoint and userinfo answer from now on, about the sign-in with this nonce."""
        given = {"access_token": self.access_token(**(access or {})), "token_type": "Bearer", "expires_in": 120, "refresh_token": refresh}
        self.answers["/token"] = 200, given | ({"id_token": self.id_token(nonce, **id_token)} if nonce else {})
        self.answers["/userinfo"] = 200, {"sub": "7", "name": "Ada Lovelace", "email": "ada@example.com", "email_verified": True}


def _handler(service: Service) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            service.asked.append((path, dict(parse_qsl(body)), self.headers.get("Authorization", "")))
            status, said = service.answer(path)
            raw = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            if status in (301, 302):
                self.send_header("Location", f"{service.url}/elsewhere")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.stop()
