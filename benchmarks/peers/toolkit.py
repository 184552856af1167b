"""django-oauth-toolkit on SQLite, as a WSGI application: `prepare` makes the database and prints the cookie of somebody signed in."""

from __future__ import annotations

import os
import sys

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import include, path

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ["PEER_DATABASE"],
            "CONN_MAX_AGE": None,
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"},
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "oauth2_provider"],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    OAUTH2_PROVIDER={
        "OIDC_ENABLED": True,
        "OIDC_RSA_PRIVATE_KEY": os.environ["PEER_KEY"],
        "PKCE_REQUIRED": True,
        "ROTATE_REFRESH_TOKEN": True,
        "SCOPES": {name: name for name in ("openid", "profile", "email", "offline_access", "api")},
    },
    ROOT_URLCONF=__name__,
    SECRET_KEY="only to measure",
    USE_TZ=True,
)
django.setup()
urlpatterns = [
    path("", lambda _request: HttpResponse("ready")),
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
]


def prepare(client_id: str, secret: str, back: str) -> str:
    """Tables, one person, one application that she is not asked about; the cookie of her session."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
    from django.contrib.sessions.backends.db import SessionStore
    from django.core.management import call_command
    from oauth2_provider.models import get_application_model

    call_command("migrate", verbosity=0)
    user = get_user_model().objects.create_user("ada", "ada@example.com")
    kinds = get_application_model()
    for name, grant in (("code", kinds.GRANT_AUTHORIZATION_CODE), ("own", kinds.GRANT_CLIENT_CREDENTIALS)):
        kinds.objects.create(
            name=name, client_id=f"{client_id}{'' if name == 'code' else '_own'}", client_secret=secret, redirect_uris=back, user=user,
            client_type=kinds.CLIENT_CONFIDENTIAL, authorization_grant_type=grant, skip_authorization=True, hash_client_secret=False, algorithm=kinds.RS256_ALGORITHM,
        )  # fmt: skip
    session = SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return f"sessionid={session.session_key}"


if __name__ == "__main__":
    print(prepare(*sys.argv[1:]))
else:
    application = get_wsgi_application()
