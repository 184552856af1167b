"""Canaille on SQLite, as a WSGI application: `prepare` makes the database and prints the cookie of somebody signed in."""

from __future__ import annotations

import datetime
import json
import os
import re
import sys

from canaille import create_app
from canaille.app import models
from canaille.backends import Backend

CONFIG = {
    "SECRET_KEY": "only to measure",
    "SERVER_NAME": None,
    "CANAILLE": {"DATABASE": "sql", "JAVASCRIPT": False, "SMTP": None},
    "CANAILLE_SQL": {"DATABASE_URI": f"sqlite:///{os.environ['PEER_DATABASE']}", "AUTO_MIGRATE": True},
    "CANAILLE_OIDC": {"ACTIVE_JWKS": [json.loads(os.environ["PEER_KEY"])], "TRUSTED_DOMAINS": ["localhost"]},
    "SESSION_COOKIE_SECURE": False,
    "PREFERRED_URL_SCHEME": "http",
}
PASSWORD = "correct horse battery staple"


def prepare(client_id: str, secret: str, back: str) -> str:
    """Tables, one person, one application that she is not asked about; the cookie of her session."""
    app = create_app(config=CONFIG, init_backend=True)
    now = datetime.datetime.now(datetime.UTC)
    with app.app_context(), Backend.instance.session():
        user = models.User(
            user_name="ada", family_name="Lovelace", formatted_name="Ada Lovelace", emails=["ada@example.com"], password=PASSWORD
        )
        Backend.instance.save(user)
        client = models.Client(
            client_id=client_id, client_secret=secret, client_name="Benchmark", client_uri="http://localhost", redirect_uris=[back],
            grant_types=["authorization_code", "refresh_token", "client_credentials"], response_types=["code"],
            scope=["openid", "profile", "email", "offline_access", "api"], client_id_issued_at=now, token_endpoint_auth_method="client_secret_basic",
        )  # fmt: skip
        Backend.instance.save(client)
        client.audience = [client]
        Backend.instance.save(client)
    browser = app.test_client()
    for path, name, value in (("/login", "login", "ada"), ("/auth/password", "password", PASSWORD)):
        page = browser.get(path, follow_redirects=True)
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
        browser.post(page.request.path, data={name: value, "csrf_token": found.group(1) if found else ""})
    return "; ".join(f"{cookie.key}={cookie.value}" for cookie in browser._cookies.values())


if __name__ == "__main__":
    print(prepare(*sys.argv[1:]))
else:
    application = create_app(config=CONFIG)
