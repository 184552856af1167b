"""What every page needs: templates and the operator's own before them, stylesheet, texts, tokens for forms, headers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from flask import Blueprint, Flask, Response, current_app, request, url_for
from jinja2 import FileSystemLoader
from markupsafe import Markup

from authenticator.http import csrf, guard, headers, texts
from authenticator.kinds.base import Field
from authenticator.settings import Settings
from authenticator.web import theme
from authenticator.web.scope_words import scope_words
from authenticator.web.seated import PAGES

STATIC = Path(__file__).parent / "static"


def dress(app: Flask, settings: Settings, csrf_key: bytes) -> None:
    """Install all of it on the service's own app; `csrf_key` is the key of the tokens in forms."""
    texts.install(app, default=settings.locale)
    csrf.install(app, csrf_key, settings)
    headers.install(app, settings)
    if settings.templates_dir:
        app.jinja_loader = FileSystemLoader(settings.templates_dir)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.register_blueprint(_files(settings))
    app.add_template_filter(svg)
    app.add_template_filter(labels)
    app.add_template_filter(scope_words)
    for name, value in _facts(settings).items():
        app.jinja_env.globals[name] = value


def _facts(settings: Settings) -> dict[str, object]:
    versions = {path.name: _version(path.read_bytes()) for path in STATIC.iterdir() if path.is_file()}
    colours = _version(settings.accent_color.encode())
    return {
        "service_name": settings.service_name,
        "logo_url": settings.logo_url,
        "development": settings.development,
        "emulator_url": settings.emulator_url,
        "static_url": lambda name: url_for("look.static", filename=name, v=versions.get(name)),
        "account_pages": _account_pages,
        "theme_url": lambda: url_for("look.colours", v=colours) if settings.accent_color else "",
    }


def _account_pages() -> list[dict[str, object]]:
    """The navigation of the account pages: those that are there."""
    there = [(endpoint, label) for endpoint, label in PAGES if endpoint in current_app.view_functions]
    signed = guard.by_cookie()
    if signed and signed.user.assignments and guard.service().permissions_of(signed.user):
        there.append(("admin.show", "Administration"))
    area = {"avatars": "profile"}.get(request.blueprint or "", request.blueprint)
    return [{"url": url_for(name), "label": label, "current": area == name.partition(".")[0]} for name, label in there]


def _files(settings: Settings) -> Blueprint:
    files = Blueprint("look", "authenticator.web", template_folder="templates", static_folder="static", static_url_path="/static")
    colours = theme.sheet(settings.accent_color)

    @files.get("/static/theme.css", endpoint="colours")
    def of_operator() -> Response:
        return Response(colours, mimetype="text/css")

    return files


def svg(text: str) -> Markup:
    """A plug-in's icon for a page: from its `<svg` on, without what XML puts before it. Plug-ins are trusted code."""
    start = text.find("<svg")
    return Markup(text[start:]) if start >= 0 else Markup("")  # noqa: S704


def labels(fields: Iterable[Field]) -> dict[str, str]:
    """What the fields are called, by name."""
    return {field.name: field.label for field in fields}


def _version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
