"""Whether Authlib's client and django-allauth's openid_connect sign people in to the service as it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from authlib.integrations.flask_client import OAuth
from flask import Flask, redirect, session
from werkzeug.wrappers import Response

from authenticator.testing.servers import free_port
from tests.interop.served import EMAIL, PASSWORD, Service, program
from tests.interop.walker import Walker, led_back

CALLBACK = "https://app.example.com/callback"
PROJECT = """
import os, sys
import django
from django.conf import settings
from django.http import HttpResponse
from django.urls import include, path
from django.utils.html import escape

settings.configure(
    SECRET_KEY="only for this test", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["localhost"], USE_TZ=True, LOGIN_REDIRECT_URL="/me",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.messages",
                    "allauth", "allauth.account", "allauth.socialaccount", "allauth.socialaccount.providers.openid_connect"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware",
                "django.contrib.messages.middleware.MessageMiddleware", "allauth.account.middleware.AccountMiddleware"],
    AUTHENTICATION_BACKENDS=["allauth.account.auth_backends.AuthenticationBackend"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
                "OPTIONS": {"context_processors": ["django.template.context_processors.request"]}}],
    SOCIALACCOUNT_LOGIN_ON_GET=True, SOCIALACCOUNT_EMAIL_VERIFICATION="none",
    SOCIALACCOUNT_PROVIDERS={"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [{
        "provider_id": "ours", "name": "Ours", "client_id": os.environ["CLIENT_ID"], "secret": os.environ["CLIENT_SECRET"],
        "settings": {"server_url": os.environ["ISSUER"] + "/.well-known/openid-configuration", "token_auth_method": "client_secret_basic"}}]}},
)
django.setup()

def me(request):
    user = request.user
    if not user.is_authenticated:
        return HttpResponse("nobody")
    account = user.socialaccount_set.get()
    return HttpResponse(escape(f"{user.get_full_name()} {user.email} {account.provider} {account.uid}"))

urlpatterns = [path("accounts/", include("allauth.urls")), path("me", me)]

if __name__ == "__main__":
    from django.core.management import execute_from_command_line
    execute_from_command_line(sys.argv)
"""

pytestmark = [pytest.mark.interop, pytest.mark.slow]


def test_authlib_signs_somebody_in(house: Service) -> None:
    client_id, secret = house.application("Authlib", "--redirect-uri", CALLBACK)
    app = Flask(__name__)
    app.secret_key = "only for this test"
    metadata = f"{house.url}/.well-known/openid-configuration"
    kwargs = {"scope": "openid profile email", "code_challenge_method": "S256"}
    ours = OAuth(app).register("ours", client_id=client_id, client_secret=secret, server_metadata_url=metadata, client_kwargs=kwargs)

    @app.get("/")
    def begin() -> Response:
        return ours.authorize_redirect(CALLBACK)

    @app.get("/callback")
    def finish() -> Response:
        token = ours.authorize_access_token()
        session["told"] = {**ours.userinfo(token=token), "id_token": token["userinfo"]["sub"]}
        return redirect("/me")

    @app.get("/me")
    def me() -> dict[str, str]:
        return session.get("told", {})

    browser = app.test_client()
    back = led_back(Walker(), browser.get("/").location, CALLBACK, EMAIL, PASSWORD)
    assert browser.get(f"/callback?{back.partition('?')[2]}").location == "/me"
    told = browser.get("/me").json
    assert (told["name"], told["email"], told["email_verified"], told["sub"]) == ("Ada Lovelace", EMAIL, True, told["id_token"])


def test_django_allauth_signs_somebody_up_and_in(house: Service, tmp_path: Path) -> None:
    port = free_port()
    home = f"http://localhost:{port}"
    client_id, secret = house.application("allauth", "--redirect-uri", f"{home}/accounts/oidc/ours/login/callback/")
    (tmp_path / "project.py").write_text(PROJECT)
    env = {"CLIENT_ID": client_id, "CLIENT_SECRET": secret, "ISSUER": house.url}
    with_env = {"cwd": tmp_path, "capture_output": True, "text": True, "check": False}
    made = subprocess.run([sys.executable, "project.py", "migrate"], env={**env, "PATH": ""}, **with_env)
    assert made.returncode == 0, made.stderr
    with program(
        "allauth", [sys.executable, "project.py", "runserver", str(port), "--noreload"], port, folder=tmp_path, env=env, path="/me"
    ):
        for _ in range(2):
            walker = Walker().go(f"{home}/accounts/oidc/ours/login/").sign_in(EMAIL, PASSWORD)
            assert walker.at == f"{home}/me", (walker.at, walker.html[:1500])
            assert walker.html.startswith(f"Ada Lovelace {EMAIL} ours "), walker.html
