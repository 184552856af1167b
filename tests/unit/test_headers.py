"""Whether every answer carries what keeps browsers safe."""

from __future__ import annotations

import pytest
from flask import Flask, Response

from authenticator.http import headers
from authenticator.settings import Settings

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
    "Vary": "Cookie",
}


def app_with(**settings: object) -> Flask:
    app = Flask("authenticator.web")
    headers.install(app, Settings.model_validate(settings))
    app.add_url_rule("/page", "page", lambda: "a page")
    return app


@pytest.mark.parametrize("path", ["/page", "/nothing", "/static/nothing.css"])
def test_every_answer_is_guarded_errors_too(path: str) -> None:
    answer = app_with().test_client().get(path)
    sent = {name: answer.headers.get(name) for name in ALWAYS}
    if path.startswith("/static"):
        sent["Vary"] = "Cookie"
    assert sent == ALWAYS
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "object-src 'none'", "form-action 'self'"} <= set(policy)
    assert not any("unsafe" in part or "script-src" in part for part in policy)


@pytest.mark.parametrize(("public_url", "sent"), [("https://auth.example", True), ("http://localhost:8000", False)])
def test_https_is_insisted_on_where_it_is_spoken(public_url: str, sent: bool) -> None:
    answer = app_with(public_url=public_url).test_client().get("/page")
    assert answer.headers.get("Strict-Transport-Security") == ("max-age=63072000; includeSubDomains" if sent else None)


def test_a_form_may_lead_to_the_application_it_was_opened_for_and_no_further() -> None:
    app = app_with()

    def page() -> str:
        headers.allow_form_to("https://app.example/after?x=1")
        headers.allow_form_to("/account")
        return "a form"

    app.add_url_rule("/form", "form", page)
    policies = [app.test_client().get(path).headers["Content-Security-Policy"] for path in ("/form", "/page")]
    assert "form-action 'self' https://app.example;" in policies[0]
    assert "form-action 'self';" in policies[1]


@pytest.mark.parametrize(
    ("logo", "images"), [("", "img-src 'self' data:;"), ("https://cdn.example/l.svg", "img-src 'self' data: https://cdn.example;")]
)
def test_pictures_come_from_here_and_from_where_the_operator_keeps_the_logo(logo: str, images: str) -> None:
    assert images in app_with(logo_url=logo).test_client().get("/page").headers["Content-Security-Policy"]


def test_a_versioned_file_is_kept_and_any_other_soon_asked_for_again() -> None:
    client = app_with().test_client()
    with client.get("/static/authenticator.css?v=1") as versioned, client.get("/static/authenticator.css") as plain:
        assert versioned.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert plain.headers["Cache-Control"] == "public, max-age=300"
        assert versioned.content_type == "text/css; charset=utf-8"


def test_a_view_that_sets_a_header_itself_keeps_its_own() -> None:
    app = app_with()
    own = {"Cache-Control": "public, max-age=600", "content-security-policy": "default-src 'self'"}
    app.add_url_rule("/keys", "keys", lambda: Response("{}", headers=own))
    answer = app.test_client().get("/keys")
    assert answer.headers.getlist("Cache-Control") == ["public, max-age=600"]
    assert answer.headers.getlist("Content-Security-Policy") == ["default-src 'self'"]


def test_only_a_page_that_asks_for_it_runs_scripts_and_only_our_own_files() -> None:
    app = app_with()

    @app.get("/own_file")
    def passkey() -> str:
        headers.allow_scripts()
        headers.allow_form_to("https://app.example/back")
        return "a page with a script"

    client = app.test_client()
    policy = client.get("/own_file").headers["Content-Security-Policy"].split("; ")
    assert {"script-src 'self'", "form-action 'self' https://app.example", "default-src 'none'"} <= set(policy)
    assert "script-src" not in client.get("/page").headers["Content-Security-Policy"]
