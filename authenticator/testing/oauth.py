"""An application in tests that does all of it: registered through the service, it sends a browser, redeems codes and uses its tokens."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
import secrets
from dataclasses import dataclass, field, replace
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from authenticator.applications import Application
from authenticator.service import Service
from authenticator.testing.client import Browser

CALLBACK = "https://shop.example/callback"
_addresses = itertools.count(1)


@dataclass
class OAuthApp:
    """One application. Its requests come from an address of its own; a browser is any of Flask's test clients."""

    app: Flask
    application: Application
    secret: str = field(default="", repr=False)

    @classmethod
    def register(cls, app: Flask, **metadata: Any) -> OAuthApp:
        """Registered by the operator; without metadata a confidential one that authenticates by HTTP Basic."""
        auth: Service = app.extensions["authenticator"]
        said = {"client_name": "Shop", "redirect_uris": [CALLBACK], **metadata}
        made = auth.register_application(said, by="operator")
        return cls(app, made.application, made.secret)

    @property
    def auth(self) -> Service:
        found: Service = self.app.extensions["authenticator"]
        return found

    @property
    def id(self) -> str:
        return self.application.id

    def change(self, **facts: Any) -> None:
        """Other facts of the registration from now on."""
        stored = self.auth.core.store.application(self.id)
        assert stored is not None
        assert self.auth.core.store.save_application(replace(stored, **facts))
        changed = self.auth.core.store.application(self.id)
        assert changed is not None
        self.application = changed

    def call(self, method: str, path: str, **more: Any) -> TestResponse:
        """Any request of a program without cookies."""
        number = next(_addresses)
        client = self.app.test_client(use_cookies=False)
        client.environ_base["REMOTE_ADDR"] = f"198.19.{number // 250 % 250}.{number % 250}"
        return client.open(path, method=method, base_url=self.auth.settings.public_url, **more)

    def post(self, path: str, *, alone: bool = False, headers: Any = None, **parameters: Any) -> TestResponse:
        """A form of this application, which shows that it is itself unless it is `alone`; a parameter that is None stays out."""
        given, form = dict(headers or {}), {name: value for name, value in parameters.items() if value is not None}
        if not alone and self.application.auth_method == "client_secret_basic":
            given["Authorization"] = self.basic()
        elif not alone:
            form = {"client_id": self.id, **({"client_secret": self.secret} if self.secret else {}), **form}
        return self.call("POST", path, headers=given, data=form)

    def basic(self, secret: str = "") -> str:
        """The Authorization header of HTTP Basic (RFC 6749 §2.3.1)."""
        pair = f"{quote_plus(self.id)}:{quote_plus(secret or self.secret)}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"

    def token(self, grant_type: str, **parameters: Any) -> TestResponse:
        """A request to the token endpoint."""
        return self.post("/oauth/token", grant_type=grant_type, **parameters)

    def authorize(self, browser: FlaskClient | Browser, **parameters: str | None) -> tuple[dict[str, str], str]:
        """What the browser of a signed-in person brings back, after she has agreed where she is asked; and the PKCE verifier."""
        verifier = secrets.token_urlsafe(32)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        usual: dict[str, str | None] = {
            "client_id": self.id,
            "response_type": "code",
            "redirect_uri": self.application.redirect_uris[0],
            "scope": " ".join(self.application.scopes),
            "state": secrets.token_urlsafe(8),
            "nonce": secrets.token_urlsafe(8),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        asked = {name: value for name, value in {**usual, **parameters}.items() if value is not None}
        here = self.auth.settings.public_url
        browser = browser.client if isinstance(browser, Browser) else browser
        page = browser.get("/oauth/authorize", query_string=asked, base_url=here)
        for _ in range(4):
            if page.status_code != 303 or urlsplit(page.location).netloc not in ("", urlsplit(here).netloc):
                break
            page = browser.get(page.location, base_url=here)
        if page.status_code == 200:
            fields = {
                unescape(name): unescape(value) for name, value in re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page.text)
            }
            wanted = {"csrf_token": fields["csrf_token"], "request": fields["request"], "decision": "allow"}
            page = browser.post("/oauth/authorize/consent", data=wanted, base_url=here)
        assert page.status_code == 303, page.text
        parts = urlsplit(page.location)
        return dict(parse_qsl(parts.fragment or parts.query)), verifier

    def code(self, browser: FlaskClient | Browser, **parameters: str | None) -> dict[str, str]:
        """A code with all that belongs to redeeming it, as parameters for `token`."""
        answer, verifier = self.authorize(browser, **parameters)
        assert "code" in answer, answer
        redeem = {"code": answer["code"], "code_verifier": verifier, "redirect_uri": self.application.redirect_uris[0]}
        return {"grant_type": "authorization_code", **redeem}

    def tokens(self, browser: FlaskClient | Browser, **parameters: str | None) -> Any:
        """The tokens that come of it."""
        return _good(self.token(**self.code(browser, **parameters)))

    def refresh(self, refresh_token: str, **parameters: Any) -> TestResponse:
        return self.token("refresh_token", refresh_token=refresh_token, **parameters)

    def userinfo(self, access_token: str, *, scheme: str = "Bearer", headers: Any = None) -> TestResponse:
        return self.call("GET", "/oauth/userinfo", headers={"Authorization": f"{scheme} {access_token}", **(headers or {})})

    def introspect(self, token: str) -> Any:
        """What the service says of a token to this application."""
        return _good(self.post("/oauth/introspect", token=token))

    def revoke(self, token: str) -> TestResponse:
        return self.post("/oauth/revoke", token=token)


def _good(answer: TestResponse) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json
