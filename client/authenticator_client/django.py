"""Sign-in for a Django project: middleware, decorators and the four views that `include("authenticator_client.django")` mounts.

The setting `AUTHENTICATOR` is a dict: `issuer`, `client_id`, `client_secret`, and if wished `scopes`, `resource`, `store`, `redirect_uri`.
"""
# mypy: disable-error-code="untyped-decorator"
# Django brings no types.

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import path, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.html import escape
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from authenticator_client.errors import Refused, Unavailable
from authenticator_client.person import Person
from authenticator_client.requests_in import away, bearer, came_from_here, challenge
from authenticator_client.sign_in import SCOPES, SignIn, new_secret
from authenticator_client.verifier import Verifier

View = Callable[..., HttpResponse]
KEY, BROWSER = "authenticator_key", "authenticator_browser"


class CacheStore:
    """Keeps sign-ins in one of Django's caches: give `"store": CacheStore("default")` where it is shared by all processes."""

    def __init__(self, name: str = "default") -> None:
        self._cache = caches[name]

    def put(self, name: str, text: str, seconds: float) -> None:
        self._cache.set(f"authenticator:{name}", text, max(1, int(seconds)))

    def get(self, name: str) -> str | None:
        found = self._cache.get(f"authenticator:{name}")
        return found if isinstance(found, str) else None

    def take(self, name: str) -> str | None:
        found = self.get(name)
        return found if found is not None and self._cache.delete(f"authenticator:{name}") else None


@functools.cache
def sign_in() -> SignIn:
    """The sign-in that the settings describe, made once in each process."""
    facts: dict[str, Any] = dict(getattr(settings, "AUTHENTICATOR", {}))
    if not facts.get("issuer") or not facts.get("client_id"):
        raise ImproperlyConfigured('Sign-in needs AUTHENTICATOR = {"issuer": …, "client_id": …, "client_secret": …} in the settings.')
    options = {name: facts[name] for name in ("resource", "store", "session_seconds") if name in facts}
    return SignIn(facts["issuer"], facts["client_id"], facts.get("client_secret", ""), scopes=facts.get("scopes", SCOPES), **options)


@functools.cache
def verifier() -> Verifier:
    """Checks the bearer tokens of this project's API."""
    return Verifier(sign_in().issuer, sign_in().verifier.audience)


class AuthenticatorMiddleware:
    """Puts `authenticator_user` on each request: the `Person` who is signed in, false for nobody. It comes after SessionMiddleware."""

    def __init__(self, answer: Callable[[HttpRequest], HttpResponse]) -> None:
        self._answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.authenticator_user = SimpleLazyObject(lambda: sign_in().person(_key(request)))
        return self._answer(request)


# Decorators


def login_required(view: View) -> View:
    """Only for somebody who is signed in; everybody else is sent to the sign-in page, and comes back to the same URL."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(request, *args, **kwargs) if request.authenticator_user else _ask(request)

    return guarded


def permission_required(permission: str) -> Callable[[View], View]:
    """Only for somebody who holds this permission of the app now; 403 for others, 503 while that can't be known."""

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                person: Person | None = sign_in().person(_key(request), sure=True)
            except Unavailable as fault:
                return HttpResponse(away(fault), status=503)
            if person is None:
                return _ask(request)
            if not person.may(permission):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def token_required(*, permission: str = "", scope: str = "") -> Callable[[View], View]:
    """For an API: only with a good bearer token, of this scope and this permission if they are given; `request.authenticator_token`."""

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                request.authenticator_token = bearer(verifier(), request.headers.get("Authorization"), permission, scope)
            except Refused as refused:
                status, header = challenge(refused)
                return JsonResponse({"error": refused.code}, status=status, headers={"WWW-Authenticate": header})
            except Unavailable as fault:
                away(fault)
                return JsonResponse({"error": "temporarily_unavailable"}, status=503)
            return view(request, *args, **kwargs)

        exempt: View = csrf_exempt(guarded)
        return exempt

    return decorate


# Views


@require_GET
@never_cache
def begin(request: HttpRequest) -> HttpResponse:
    """To the service's sign-in page."""
    browser = request.session.setdefault(BROWSER, new_secret())
    try:
        return _to(sign_in().begin(browser, _callback(request), request.GET.get("return_to", "/")))
    except Unavailable as fault:
        return _sorry(away(fault), 503)


@require_GET
@never_cache
def finish(request: HttpRequest) -> HttpResponse:
    """Back from there. The session gets a new id (`cycle_key`), so that one known before is worth nothing."""
    try:
        arrived = sign_in().finish(request.session.get(BROWSER, ""), request.GET.dict())
    except Refused as refused:
        return _sorry(str(refused), 400)
    except Unavailable as fault:
        return _sorry(away(fault), 503)
    sign_in().forget(request.session.pop(KEY, ""))
    request.session.cycle_key()
    request.session[KEY] = arrived.key
    return _to(arrived.return_to)


@require_POST
@never_cache
@csrf_exempt  # the browser's own word is asked for instead, so that a form needs no token
def end(request: HttpRequest) -> HttpResponse:
    """Out of the app, then out of the service."""
    home = request.build_absolute_uri("/")
    if not came_from_here(request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site"), home.rstrip("/")):
        raise PermissionDenied
    key = request.session.pop(KEY, "")
    request.session.pop(BROWSER, None)
    try:
        out = sign_in().sign_out(key, home)
    except Unavailable as fault:
        away(fault)
        out = ""
    return _to(out or "/")


@require_POST
@never_cache
@csrf_exempt  # the service calls, not a browser
def logged_out(request: HttpRequest) -> HttpResponse:
    """The service tells that somebody signed out there."""
    try:
        sign_in().logged_out(request.POST.get("logout_token"))
    except Refused:
        return JsonResponse({"error": "invalid_request"}, status=400)
    except Unavailable as fault:
        away(fault)
        return JsonResponse({"error": "temporarily_unavailable"}, status=503)
    return HttpResponse()


def _key(request: HttpRequest) -> str:
    return str(request.session.get(KEY, ""))


def _ask(request: HttpRequest) -> HttpResponse:
    """To the sign-in page, and back here afterwards; a form that was sent can't be sent again, so then to the start page."""
    back = request.get_full_path() if request.method == "GET" else "/"
    return _to(f"{reverse('authenticator:sign_in')}?{urlencode({'return_to': back})}")


def _callback(request: HttpRequest) -> str:
    fixed = settings.AUTHENTICATOR.get("redirect_uri")
    return str(fixed or request.build_absolute_uri(reverse("authenticator:callback")))


def _to(url: str) -> HttpResponse:
    answer = HttpResponseRedirect(url)
    answer.status_code = 303
    return answer


def _sorry(text: str, status: int) -> HttpResponse:
    again = reverse("authenticator:sign_in")
    page = f"<!doctype html><title>Sign in</title><p>{escape(text)}</p><p><a href={again}>Sign in again</a></p>"
    return HttpResponse(page, status=status)


app_name = "authenticator"
urlpatterns = [
    path("sign-in", begin, name="sign_in"),
    path("callback", finish, name="callback"),
    path("sign-out", end, name="sign_out"),
    path("backchannel-logout", logged_out, name="backchannel_logout"),
]
