"""The language of a request, and texts in it: a Flask-Babel domain of our own, so that no other use of Babel is touched."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import flask_babel
from flask import Flask, g, has_request_context, request
from werkzeug.datastructures import LanguageAccept

from authenticator.words import Words

DOMAIN = "authenticator"
MOST_TAGS = 10  # languages that an application asks for which are looked at
FOLDER = Path(__file__).parent.parent / "web" / "translations"


def install(app: Flask, *, default: str) -> None:
    """Give the app its languages: English, and whatever has a catalogue; `default` where a browser asks for none of them.

    Babel's own `_` for Jinja stays out: it takes a text that it translates for safe HTML, and ours hold what people typed.
    """
    flask_babel.Babel(
        app,
        configure_jinja=False,
        default_locale=default,
        default_domain=DOMAIN,
        default_translation_directories=str(FOLDER),
        locale_selector=_selector(languages(), default),
    )
    app.add_template_global(gettext, "_")
    app.add_template_global(language, "language")
    app.add_template_filter(moment, "moment")
    app.add_template_filter(day, "day")


def languages() -> tuple[str, ...]:
    """The languages that are there, English first."""
    return ("en", *sorted(path.parent.parent.name for path in FOLDER.glob(f"*/LC_MESSAGES/{DOMAIN}.mo")))


def gettext(text: str, **values: Any) -> str:
    """The text in the reader's language, with `%(name)s` filled in: plain text, which a template still escapes."""
    if isinstance(text, Words):
        return str(flask_babel.gettext(text.message, **text.values))
    return str(flask_babel.gettext(text, **values)) if text else ""


def prefer(tags: str) -> None:
    """Let the languages that an application asks for (`ui_locales`, best first) come before the browser's, for this request."""
    g.auth_locales = tags.split()[:MOST_TAGS]


def language() -> str:
    """The reader's language as an HTML `lang`."""
    return str(flask_babel.get_locale() or "en").replace("_", "-") if has_request_context() else "en"


def moment(at: datetime) -> str:
    """A time for people: day, hour and minute in UTC, in the reader's language."""
    return f"{day(at)}, {at:%H:%M} UTC"


def day(at: datetime) -> str:
    """The day alone."""
    return str(flask_babel.format_date(at, "long", rebase=False))


def _hers(available: tuple[str, ...]) -> str:
    """The language that the signed-in person chose, where this request has looked her up: it asks no database for that."""
    signed = g.get("auth_signed")
    wish = signed.user.locale if signed else ""
    return (LanguageAccept([(wish, 1)]).best_match(available) if wish else None) or ""


def _asked(available: tuple[str, ...]) -> str:
    """The first language that an application asked for and that is there."""
    for tag in g.get("auth_locales", ()):
        if found := LanguageAccept([(tag, 1)]).best_match(available):
            return found
    return ""


def _selector(available: tuple[str, ...], default: str) -> Callable[[], str]:
    def select() -> str:
        return _hers(available) or _asked(available) or request.accept_languages.best_match(available, default) or default

    return select
