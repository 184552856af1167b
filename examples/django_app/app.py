"""A Django project in one file, whose people sign in with Authenticator. See README.md."""

import os
import sys

from authenticator_client.django import login_required, permission_required, token_required
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.utils.html import format_html

settings.configure(
    SECRET_KEY=os.environ["SECRET_KEY"],
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["localhost", "127.0.0.1"],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware", "authenticator_client.django.AuthenticatorMiddleware"],
    AUTHENTICATOR={
        "issuer": os.environ["AUTHENTICATOR_ISSUER"],
        "client_id": os.environ["AUTHENTICATOR_CLIENT_ID"],
        "client_secret": os.environ["AUTHENTICATOR_CLIENT_SECRET"],
    },
)


def home(request: HttpRequest) -> HttpResponse:
    if not request.authenticator_user:
        return HttpResponse('<a href="/auth/sign-in?return_to=/diary">Sign in</a>')
    form = '<p>Hello {}! <a href="/diary">Diary</a></p><form method="post" action="/auth/sign-out"><button>Sign out</button></form>'
    return HttpResponse(format_html(form, request.authenticator_user.name))


@login_required
def diary(request: HttpRequest) -> HttpResponse:
    return HttpResponse(format_html("<p>The diary of {}</p>", request.authenticator_user.name))


@permission_required("reports:read")
def reports(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("The reports")


@token_required(scope="openid")
def entries(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"of": request.authenticator_token.subject, "entries": ["It rained."]})


urlpatterns = [
    path("", home),
    path("diary", diary),
    path("reports", reports),
    path("api/entries", entries),
    path("auth/", include("authenticator_client.django")),
]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
