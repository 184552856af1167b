"""The same attacks on the Flask extension, the Django views and the FastAPI dependency: through their own HTTP."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from authenticator_client import MemoryStore, Verified, Verifier

from client.conftest import AUDIENCE

if TYPE_CHECKING:
    from client.conftest import Service

HOME = "http://localhost"


class Answer(Protocol):
    status: int
    location: str
    text: str
    headers: dict[str, str]


class App(Protocol):
    """One app in one browser; `browser()` is another browser, `copied()` one that somebody has put this one's cookie into."""

    def get(self, path: str, **headers: str) -> Any: ...

    def post(self, path: str, fields: dict[str, str], **headers: str) -> Any: ...

    def browser(self) -> App: ...

    def copied(self) -> App: ...


class Page:
    def __init__(self, status: int, headers: Any, text: str) -> None:
        self.status, self.headers, self.text, self.location = status, dict(headers), text, headers.get("Location", "")


class FlaskApp:
    def __init__(self, app: Any) -> None:
        self.app, self.client = app, app.test_client()

    def browser(self) -> FlaskApp:
        return FlaskApp(self.app)

    def copied(self) -> FlaskApp:
        thief, held = self.browser(), self.client.get_cookie("session")
        assert held is not None
        thief.client.set_cookie("session", held.value)
        return thief

    def get(self, path: str, **headers: str) -> Page:
        return self._page(self.client.get(path, headers=named(headers)))

    def post(self, path: str, fields: dict[str, str], **headers: str) -> Page:
        return self._page(self.client.post(path, data=fields, headers=named(headers)))

    def _page(self, answer: Any) -> Page:
        return Page(answer.status_code, answer.headers, answer.get_data(as_text=True))


class DjangoApp:
    def __init__(self) -> None:
        from django.test import Client

        self.client = Client(HTTP_HOST="localhost", enforce_csrf_checks=True, raise_request_exception=False)

    def browser(self) -> DjangoApp:
        return DjangoApp()

    def copied(self) -> DjangoApp:
        thief = self.browser()
        thief.client.cookies["sessionid"] = self.client.cookies["sessionid"].value
        return thief

    def get(self, path: str, **headers: str) -> Page:
        return self._page(self.client.get(path, headers=named(headers)))

    def post(self, path: str, fields: dict[str, str], **headers: str) -> Page:
        return self._page(self.client.post(path, fields, headers=named(headers)))

    def _page(self, answer: Any) -> Page:
        return Page(answer.status_code, answer.headers, answer.content.decode())


def named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def flask_app(service: Service) -> FlaskApp:
    from authenticator_client.flask import Authenticator
    from flask import Flask

    app = Flask(__name__)
    app.config.update(SECRET_KEY="x", AUTHENTICATOR_ISSUER=service.url, AUTHENTICATOR_CLIENT_ID=AUDIENCE, AUTHENTICATOR_CLIENT_SECRET="s")
    auth = Authenticator(app, store=MemoryStore())
    app.add_url_rule("/", "home", lambda: auth.user.name if auth.user else "nobody")
    app.add_url_rule("/diary", "diary", auth.login_required(lambda: f"diary of {auth.user.subject}"), methods=["GET", "POST"])
    app.add_url_rule("/notes/<path:name>", "notes", auth.login_required(lambda name: name))
    app.add_url_rule("/reports", "reports", auth.permission_required("diary:read")(lambda: "reports"))
    app.add_url_rule("/secrets", "secrets", auth.permission_required("diary:burn")(lambda: "secrets"))
    app.add_url_rule("/api", "api", auth.token_required(permission="diary:read", scope="email")(lambda: {"of": auth.token.subject}))
    app.add_url_rule("/api/secrets", "api_secrets", auth.token_required(permission="diary:burn")(dict))
    return FlaskApp(app)


@functools.cache
def django_settings() -> None:
    import django
    from django.conf import settings

    settings.configure(
        SECRET_KEY="x", ROOT_URLCONF="client.test_frameworks", ALLOWED_HOSTS=["localhost"], USE_TZ=True, LOGGING_CONFIG=None,
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies", AUTHENTICATOR={},
        MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.csrf.CsrfViewMiddleware",
                    "authenticator_client.django.AuthenticatorMiddleware"],
    )  # fmt: skip
    django.setup()


def django_app(service: Service) -> DjangoApp:
    django_settings()
    from authenticator_client import django as ours
    from django.conf import settings
    from django.http import HttpResponse, JsonResponse
    from django.urls import clear_url_caches, include, path, set_urlconf

    settings.AUTHENTICATOR = {"issuer": service.url, "client_id": AUDIENCE, "client_secret": "s", "store": MemoryStore()}
    ours.sign_in.cache_clear()
    ours.verifier.cache_clear()
    global urlpatterns
    urlpatterns = [
        path("auth/", include("authenticator_client.django")),
        path("", lambda request: HttpResponse(request.authenticator_user.name if request.authenticator_user else "nobody")),
        path("diary", ours.login_required(lambda request: HttpResponse(f"diary of {request.authenticator_user.subject}"))),
        path("notes/<path:name>", ours.login_required(lambda _, name: HttpResponse(name))),
        path("reports", ours.permission_required("diary:read")(lambda _: HttpResponse("reports"))),
        path("secrets", ours.permission_required("diary:burn")(lambda _: HttpResponse("secrets"))),
        path("api", ours.token_required(permission="diary:read", scope="email")(lambda request: JsonResponse({"of": request.authenticator_token.subject}))),
        path("api/secrets", ours.token_required(permission="diary:burn")(lambda _: JsonResponse({}))),
    ]  # fmt: skip
    clear_url_caches()
    set_urlconf(None)
    return DjangoApp()


urlpatterns: list[Any] = []
MAKE: dict[str, Callable[[Any], App]] = {"flask": flask_app, "django": django_app}


@pytest.fixture(params=list(MAKE))
def app(request: pytest.FixtureRequest, service: Service) -> App:
    return MAKE[request.param](service)


def leave(app: App, service: Service, path: str = "/auth/sign-in?return_to=/diary", **more: Any) -> str:
    """Click on sign in; the path with which the service would send the browser back."""
    gone = app.get(path)
    assert gone.status == 303, gone.text
    sent = dict(parse_qsl(urlsplit(gone.location).query))
    assert sent["redirect_uri"] == f"{HOME}/auth/callback"
    service.gives(sent["nonce"], **more)
    return f"/auth/callback?{urlencode({'code': 'c', 'state': sent['state'], 'iss': service.url})}"


def sign_in(app: App, service: Service, **more: Any) -> App:
    assert app.get(leave(app, service, **more)).location == "/diary"
    return app


def test_somebody_signs_in_and_comes_to_where_she_wanted(app: App, service: Service) -> None:
    asked = app.get("/diary?page=2&of=ada")
    assert asked.status == 303
    assert asked.location == "/auth/sign-in?return_to=/diary?page%3D2%26of%3Dada" or "page%3D2%26of%3Dada" in asked.location
    assert app.get(leave(app, service, asked.location)).location == "/diary?page=2&of=ada"
    assert app.get("/diary").text == "diary of 7"
    assert app.get("/").text == "Ada Lovelace"
    assert app.get("/reports").text == "reports"
    assert app.get("/secrets").status == 403
    assert app.browser().get("/").text == "nobody"


def test_an_answer_works_once_and_in_its_browser_only(app: App, service: Service) -> None:
    victim, answer = app.browser(), leave(app, service)
    victim.get("/auth/sign-in")
    assert victim.get(answer).status == 400
    assert app.get(answer).status == 400
    assert (app.get("/").text, victim.get("/").text) == ("nobody", "nobody")
    answer = leave(app, service)
    assert app.get(answer).status == 303
    assert app.get(answer).status == 400
    assert app.get("/").text == "Ada Lovelace"


def test_two_tabs_come_to_where_each_wanted(app: App, service: Service) -> None:
    first, given = leave(app, service, "/auth/sign-in?return_to=/diary"), dict(service.answers)
    second, given_then = leave(app, service, "/auth/sign-in?return_to=/reports"), dict(service.answers)
    for answer, said, wanted in ((first, given, "/diary"), (second, given_then, "/reports")):
        service.answers.update(said)
        assert app.get(answer).location == wanted
    assert app.get("/").text == "Ada Lovelace"


@pytest.mark.parametrize("path", ["/notes/a%20b", "/notes/100%25", "/notes/what%3F", "/notes/c%23/d?x=1", "/notes/%C3%BC?q=%20%23&r=a+b"])
def test_she_comes_back_to_the_very_path_whatever_is_in_it(app: App, service: Service, path: str) -> None:
    assert app.get(leave(app, service, app.get(path).location)).location == path
    assert app.get(path).status == 200


def test_why_the_service_can_t_be_reached_stands_in_the_log(app: App, service: Service, caplog: pytest.LogCaptureFixture) -> None:
    answer = leave(app, service)
    service.answers["/token"] = 401, {"error": "invalid_client"}
    page = app.get(answer)
    assert (page.status, "secret" in page.text) == (503, False)
    assert "not with this secret" in caplog.text


def test_a_browser_that_never_began_is_refused(app: App, service: Service) -> None:
    answer = leave(app, service)
    assert app.browser().get(answer).status == 400


@pytest.mark.parametrize(
    "wanted", ["https://evil.example", "//evil.example", "/\\evil.example", "/%09/evil.example", "javascript:alert(1)"]
)
def test_nobody_is_sent_elsewhere(app: App, service: Service, wanted: str) -> None:
    assert app.get(leave(app, service, f"/auth/sign-in?return_to={wanted}")).location == "/"


def test_what_the_service_says_is_not_written_into_the_page(app: App, service: Service) -> None:
    answer = leave(app, service)
    page = app.get(f"{answer}&error=%3Cscript%3E&error_description=%3Cscript%3E")
    assert page.status == 400
    assert "<script" not in page.text
    assert "no-store" in page.headers["Cache-Control"]


def test_the_cookie_holds_no_token(app: App, service: Service) -> None:
    gone = app.get("/auth/sign-in")
    sent = dict(parse_qsl(urlsplit(gone.location).query))
    service.gives(sent["nonce"], refresh="a refresh token that no random text holds")
    given = service.answers["/token"][1]
    page = app.get(f"/auth/callback?{urlencode({'code': 'c', 'state': sent['state'], 'iss': service.url})}")
    cookie = page.headers.get("Set-Cookie", "") or str(app.client.cookies)
    assert cookie
    assert not any(given[name] in cookie for name in ("access_token", "refresh_token", "id_token"))
    assert "SameSite=Lax" in cookie


def test_a_copied_cookie_ends_with_the_next_sign_in(app: App, service: Service) -> None:
    thief = sign_in(app, service).copied()
    assert thief.get("/").text == "Ada Lovelace"
    sign_in(app, service)
    assert (app.get("/").text, thief.get("/").text) == ("Ada Lovelace", "nobody")


def test_signing_out_needs_a_page_of_the_app(app: App, service: Service) -> None:
    sign_in(app, service)
    assert app.get("/auth/sign-out").status == 405
    for headers in ({}, {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"},
                    {"Origin": "https://evil.example", "Sec_Fetch_Site": "same-origin"}):  # fmt: skip
        assert app.post("/auth/sign-out", {}, **headers).status == 403
    assert app.get("/").text == "Ada Lovelace"
    away = app.post("/auth/sign-out", {}, Origin=HOME)
    assert away.status == 303
    assert away.location.startswith(f"{service.url}/end_session?")
    assert f"post_logout_redirect_uri={urlencode({'': HOME + '/'})[1:]}" in away.location
    assert app.get("/").text == "nobody"


def test_the_service_ends_a_sign_in_by_the_back_channel(app: App, service: Service) -> None:
    sign_in(app, service)
    outside = app.browser()
    for forged in ("", "x", service.id_token("n"), service.logout_token(aud="other")):
        assert outside.post("/auth/backchannel-logout", {"logout_token": forged}).status == 400
    assert app.get("/").text == "Ada Lovelace"
    done = outside.post("/auth/backchannel-logout", {"logout_token": service.logout_token()})
    assert done.status == 200
    assert "no-store" in done.headers["Cache-Control"]
    assert app.get("/").text == "nobody"


def test_while_the_service_is_away_nobody_gets_in_and_rights_are_not_guessed(
    app: App, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger, answer = app.browser(), leave(app, service)
    sign_in(app, service)
    late = leave(stranger, service)
    service.away = True
    assert stranger.get(late).status == 503
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 121)
    assert app.get("/diary").text == "diary of 7"
    assert app.get("/reports").status == 503
    assert app.get(answer).status == 503
    assert app.get(answer).status == 400


def test_an_api_takes_good_tokens_only(app: App, service: Service) -> None:
    def ask(token: str, path: str = "/api") -> Any:
        return app.get(path, Authorization=f"Bearer {token}")

    assert '"7"' in ask(service.access_token()).text
    without = app.get("/api")
    assert (without.status, without.headers["WWW-Authenticate"]) == (401, "Bearer")
    for token in ("", "x", service.id_token("n"), service.access_token(aud="other"), service.access_token(exp=1)):
        assert ask(token).status == 401
    assert app.get(f"/api?access_token={service.access_token()}").status == 401
    now = int(time.time())
    old = service.access_token(iat=now - 100, nbf=now - 100, exp=now - 50)
    for token, why in ((service.access_token(aud="other"), "it is for another application (aud)"), (old, "it is over")):
        assert f'error_description="the token is refused: {why}"' in ask(token).headers["WWW-Authenticate"]
    narrow = ask(service.access_token(scope="openid"))
    assert (narrow.status, "insufficient_scope" in narrow.headers["WWW-Authenticate"]) == (403, True)
    assert ask(service.access_token(), "/api/secrets").status == 403
    sign_in(app, service)
    assert app.get("/api").status == 401  # a browser's session is no bearer token: forms of other sites send it along


def test_an_api_that_knows_no_keys_lets_nobody_in(app: App, service: Service) -> None:
    service.away = True
    assert app.get("/api", Authorization=f"Bearer {service.access_token()}").status == 503


def test_a_form_that_was_sent_by_nobody_comes_back_to_the_start(service: Service) -> None:
    app = flask_app(service)
    assert app.post("/diary", {}).location == "/auth/sign-in?return_to=/"


def test_an_app_without_its_facts_does_not_start() -> None:
    from authenticator_client.flask import Authenticator
    from flask import Flask

    with pytest.raises(RuntimeError, match="AUTHENTICATOR_ISSUER and AUTHENTICATOR_CLIENT_ID"):
        Authenticator(Flask(__name__))


# FastAPI


class Calls:
    """Speaks ASGI to the app; the thread pool is FastAPI's own."""

    def __init__(self, service: Service) -> None:
        from authenticator_client.fastapi import Bearer
        from fastapi import Depends, FastAPI

        verifier = Verifier(service.url, AUDIENCE)
        self.app = FastAPI()

        async def me(caller: Any = Depends(Bearer(verifier))) -> dict[str, Any]:  # noqa: B008
            return {"of": caller.subject}

        def reports(caller: Verified = Depends(Bearer(verifier, permission="diary:read", scope="email"))) -> list[str]:  # noqa: B008
            return [caller.client]

        def burn(_: Verified = Depends(Bearer(verifier, permission="diary:burn"))) -> None:  # noqa: B008
            raise AssertionError

        for path, view in (("/me", me), ("/reports", reports), ("/burn", burn)):
            self.app.add_api_route(path, view, response_model=None)

    def get(self, path: str, authorization: str = "") -> tuple[int, str, dict[str, str]]:
        return asyncio.run(self._get(path, authorization))

    async def _get(self, path: str, authorization: str) -> tuple[int, str, dict[str, str]]:
        url, said = urlsplit(path), []
        headers = [(b"authorization", authorization.encode())] if authorization else []
        scope = {"type": "http", "method": "GET", "path": url.path, "raw_path": url.path.encode(), "query_string": url.query.encode(), "headers": headers, "http_version": "1.1", "scheme": "http"}  # fmt: skip

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            said.append(message)

        await self.app(scope, receive, send)
        return said[0]["status"], said[1]["body"].decode(), {name.decode(): value.decode() for name, value in said[0]["headers"]}


def test_fastapi_takes_good_tokens_with_the_right(service: Service) -> None:
    calls = Calls(service)
    good = f"Bearer {service.access_token()}"
    assert calls.get("/me", good)[:2] == (200, '{"of":"7"}')
    assert calls.get("/reports", good)[:2] == (200, f'["{AUDIENCE}"]')
    assert calls.get("/burn", good)[0] == 403
    assert calls.get("/reports", f"Bearer {service.access_token(scope='openid')}")[0] == 403
    status, _, headers = calls.get("/me")
    assert (status, headers["www-authenticate"]) == (401, "Bearer")
    for bad in ("Bearer x", "Bearer", "Basic YTpi", good[7:], f"{good} x", f"Bearer {service.id_token('n')}"):
        assert calls.get("/me", bad)[0] == 401
    assert calls.get(f"/me?access_token={good[7:]}")[0] == 401
    assert "bearer" in str(calls.app.openapi()["components"]["securitySchemes"]).lower()


def test_fastapi_lets_nobody_in_while_no_key_is_known(service: Service) -> None:
    service.away = True
    assert Calls(service).get("/me", f"Bearer {service.access_token()}")[0] == 503
