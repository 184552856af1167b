"""The language of a request, and texts in it: a Flask-Babel domain of our own, so that no other use of Babel is touched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import flask_babel
from flask import Flask, g, has_request_context, request
from werkzeug.datastructures import LanguageAccept

from authenticator.words import Words

DOMAIN = "authenticator"
ASKED: Final = "ui_locales"  # in the address of a page, and of where it leads back to: the languages that an application asks for
MOST_TAGS: Final = 10  # of them that are looked at
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
        facts = {name: gettext(value) if isinstance(value, Words) else value for name, value in text.values.items()}
        return str(flask_babel.gettext(text.message, **facts))
    return str(flask_babel.gettext(text, **values)) if text else ""


def first_of(tags: Iterable[str]) -> str:
    """The first of these languages that is there; empty for none."""
    wanted = tuple(tags)
    return _first(wanted, languages()) if wanted else ""


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
    """The first language that the application asked for on whose way this page is (OpenID Connect Core §3.1.2.1)."""
    back = request.args.get("return_to", "") or _form().get("return_to", "")
    said = request.args.get(ASKED, "") or _form().get(ASKED, "") or (_in_query(back) if ASKED in back else "")
    return _first(said.split()[:MOST_TAGS], available)


def _form() -> Mapping[str, str]:
    """The form of this request, if it has been read: a refusal because it can't be is told in some language too."""
    read: Mapping[str, str] = vars(request).get("form", {})
    return read


def _in_query(url: str) -> str:
    try:
        return parse_qs(urlsplit(url).query, max_num_fields=MOST_TAGS).get(ASKED, [""])[0]
    except ValueError:
        return ""


def _first(tags: Iterable[str], available: tuple[str, ...]) -> str:
    return next((found for tag in tags if (found := LanguageAccept([(tag, 1)]).best_match(available))), "")


def _selector(available: tuple[str, ...], default: str) -> Callable[[], str]:
    def select() -> str:
        return _hers(available) or _asked(available) or request.accept_languages.best_match(available, default) or default

    return select
