"""Letters: what messages to people say, from templates that an operator can replace, in the reader's language."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from babel import negotiate_locale
from babel.dates import format_date
from babel.support import NullTranslations, Translations
from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

from authenticator.kit import Message
from authenticator.settings import Settings
from authenticator.words import Words

log = logging.getLogger("authenticator.letters")

HERE = Path(__file__).parents[1]
TEXTS, CATALOGUES, DOMAIN = HERE / "letters", HERE / "web" / "translations", "authenticator"
ACCENT = "#3b4fc4"
SUBJECT_LENGTH = 200
FACT_LENGTH = 1000
_OVERRIDES = re.compile("[\u202a-\u202e\u2066-\u2069]")  # turn the direction of what follows, so that it reads as something else
_OURS = frozenset({"link", "subject", "text"})  # written by the service; everything else may have been typed by anybody


class Letters:
    """Writes letters. The operator's templates, in the folder `letters` of AUTHENTICATOR_TEMPLATES_DIR, come before ours."""

    def __init__(self, settings: Settings, *, accent: str = "") -> None:
        self._settings = settings
        self._facts = {
            "service_name": settings.service_name,
            "public_url": settings.public_url,
            "host": urlsplit(settings.public_url).hostname,
            "accent": accent or ACCENT,
        }
        own = [_Shelf([settings.templates_dir / "letters", TEXTS])] if settings.templates_dir else []
        self._shelves = [*own, _ours()]

    def write(self, name: str, channel: str, to: str, locale: str = "", *, seconds: int = 0, **facts: Any) -> Message:
        """The letter `name` to one address or number. Facts are texts and times; `code` and `link` are also shown apart.

        `locale` is a language or what a browser wishes for (`de-AT, en;q=0.8`). `seconds` is how long the code or
        link is of use; for a code it is the setting's, for anything else a day, unless said.
        """
        seconds = seconds or (self._settings.code_seconds if facts.get("code") else 0)
        language = self.language(locale)
        known = {**self._facts, "code": "", "link": "", "seconds": seconds, "minutes": str(seconds // 60), "language": language}
        known |= {fact: _told(fact, value, language) for fact, value in facts.items()}
        for shelf in self._shelves:
            try:
                return shelf.write(name, channel, to, known)
            except TemplateError as error:
                if shelf is self._shelves[-1]:
                    raise
                log.error("the letter %s of the operator can't be used: %s; ours is sent instead", name, type(error).__name__)
        raise AssertionError("there is always a last shelf")

    def language(self, wish: str) -> str:
        """The best of our languages for a wish, or the one that the settings name."""
        return self.spoken(wish) or self._settings.locale

    def spoken(self, wish: str) -> str:
        """The best of our languages for a wish; empty if none of them is in it."""
        tags = [tag.replace("_", "-") for tag in _wishes(wish)]
        return negotiate_locale(tags, _languages(), sep="-") or ""


class _Shelf:
    """The templates of some folders, the first before the second."""

    def __init__(self, folders: list[Path]) -> None:
        loader = FileSystemLoader(folders)
        self._text = Environment(loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)  # noqa: S701  plain text
        self._html = Environment(loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=True)

    def write(self, name: str, channel: str, to: str, facts: dict[str, Any]) -> Message:
        code, link = str(facts["code"]), str(facts["link"])
        words = {**facts, "_": _speaker(str(facts["language"]))}
        if channel == "sms":
            text = self._text.get_template(f"{name}.sms.txt").render(words).strip()
            return Message(channel, to, "", text, code=code, link=link, seconds=facts["seconds"])
        head, _, body = self._text.get_template(f"{name}.txt").render(words).strip().partition("\n\n")
        heads = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
        subject = " ".join(heads.get("Subject", "").split())[:SUBJECT_LENGTH]
        text = body.strip()
        paragraphs = [part.strip() for part in re.split(r"\n\s*\n", text)]
        dressed = {**words, "subject": subject, "paragraphs": paragraphs, "button": heads.get("Button", "")}
        html = self._html.get_template("letter.html").render(dressed)
        return Message(channel, to, subject, f"{text}\n", code=code, link=link, html=html, seconds=facts["seconds"])


@cache
def _ours() -> _Shelf:
    return _Shelf([TEXTS])


def plain(fact: str) -> str:
    """What somebody typed as nothing but a line of text: no line breaks, nothing that turns the reading direction, no address to follow."""
    text = _OVERRIDES.sub("", fact[:FACT_LENGTH]).replace("://", " ")
    return " ".join("".join(" " if unicodedata.category(char) == "Cc" else char for char in text).split())


def _told(name: str, value: Any, language: str) -> Any:
    """A fact as a letter tells it: texts and times in the reader's language, times in UTC."""
    if isinstance(value, datetime):
        return f"{_told(name, value.date(), language)}, {value:%H:%M} UTC"
    if isinstance(value, date):
        return format_date(value, "long", locale=language.replace("-", "_"))
    if isinstance(value, Mapping):
        return {key: _told("", one, language) for key, one in value.items()}
    if isinstance(value, Words):
        return _speaker(language)(value.message, **value.values)
    return value if name in _OURS else plain(str(value))


def _speaker(language: str) -> Callable[..., str]:
    """`_()` for templates: the text in this language, with `%(name)s` filled in only where there is something to fill in."""
    translations = _catalogue(language)

    def speak(text: str, **values: object) -> str:
        found = str(translations.gettext(text)) if text else ""
        return found % values if values else found

    return speak


@lru_cache(maxsize=64)
def _catalogue(language: str) -> NullTranslations:
    return Translations.load(str(CATALOGUES), [language.replace("-", "_")], DOMAIN)


@lru_cache(maxsize=1)
def _languages() -> tuple[str, ...]:
    return ("en", *sorted(path.parent.parent.name for path in CATALOGUES.glob(f"*/LC_MESSAGES/{DOMAIN}.mo")))


def _wishes(header: str) -> list[str]:
    """The languages of an Accept-Language header, the dearest first (RFC 9110 §12.5.4); a single language is one too."""
    wishes: list[tuple[float, str]] = []
    for part in header[:200].split(","):
        tag, _, weight = part.partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            quality = 0.0
        if quality > 0 and re.fullmatch(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*", tag.strip()):
            wishes.append((-quality, tag.strip()))
    return [tag for _, tag in sorted(wishes, key=lambda wish: wish[0])]
