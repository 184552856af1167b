"""The form of a profile: its fields with what may be chosen, and how what was typed becomes changes."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import flask_babel
from babel import Locale

from authenticator.flows.account import PROFILE, countries, languages
from authenticator.flows.attributes import Attributes
from authenticator.http import texts
from authenticator.kinds.base import Field
from authenticator.models import User

ATTRIBUTE: Final = "attributes."
NUMBERS: Final = {"integer": int, "number": float}
HELP: Final = {"locale": "The language of pages and messages for you."}
Choices = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Item:
    """A field of the form, what stands in it, and what may be chosen; no choices means that it is typed.

    A locked one is only shown.
    """

    field: Field
    value: str
    choices: Choices = ()
    locked: bool = False


def profile_items(user: User) -> tuple[Item, ...]:
    """The fields that every profile has."""
    values = {"name.given": user.name.given, "name.family": user.name.family, "name.display": user.name.display}
    values |= {"salutation": user.salutation, "locale": user.locale, "country": user.country}
    reader = str(flask_babel.get_locale() or "en")
    choices = {"locale": _languages(reader, user.locale), "country": _countries(reader)}
    return tuple(Item(_helped(field), values[field.name], choices.get(field.name, ())) for field in PROFILE)


def attribute_items(attributes: Attributes, user: User) -> tuple[Item, ...]:
    """A field for each attribute that a form can hold: text, numbers, yes or no, and one of several."""
    found = (_attribute(name, schema, user.attributes.get(name), attributes) for name, schema in attributes.properties.items())
    return tuple(item for item in found if item)


def changes(form: Mapping[str, str], attributes: Attributes, user: User) -> dict[str, Any]:
    """What was typed, as the changes that flows/account takes; an attribute that is no number stays text and is refused there."""
    given = {field.name: form.get(field.name, "") for field in PROFILE}
    found: dict[str, Any] = {name: value for name, value in given.items() if "." not in name}
    found["name"] = {name.removeprefix("name."): value for name, value in given.items() if name.startswith("name.")}
    items = [item for item in attribute_items(attributes, user) if not item.locked]
    typed = {item.field.name.removeprefix(ATTRIBUTE): form.get(item.field.name, "") for item in items}
    values = {name: _value(attributes.properties[name], text) for name, text in typed.items()}
    found["attributes"] = {name: value for name, value in values.items() if name in user.attributes or value not in (None, False)}
    return found


def _attribute(name: str, schema: Mapping[str, Any], value: Any, attributes: Attributes) -> Item | None:
    kind, options = schema.get("type"), schema.get("enum")
    simple = kind in ("string", "boolean", *NUMBERS) or isinstance(options, list)
    if not simple:
        return None
    shown = "" if value is None or value is False else "1" if value is True else str(value)
    field = Field(
        f"{ATTRIBUTE}{name}",
        str(schema.get("title") or name),
        "checkbox" if kind == "boolean" and not options else "email" if schema.get("format") == "email" else "text",
        required=name in attributes.schema.get("required", ()),
        max_length=min(int(schema.get("maxLength", 1000)), 16_384),
        help=str(schema.get("description", "")),
    )
    choices = (("", "–"), *((str(one), str(one)) for one in options if one is not None)) if isinstance(options, list) else ()
    return Item(field, shown, choices, attributes.locked(name))


def _value(schema: Mapping[str, Any], text: str) -> Any:
    if isinstance(schema.get("enum"), list):
        return next((one for one in schema["enum"] if one is not None and str(one) == text), text or None)
    if schema.get("type") == "boolean":
        return bool(text)
    if not text.strip():
        return None
    if schema.get("type") in NUMBERS:
        try:
            return NUMBERS[schema["type"]](text)
        except (ValueError, OverflowError):
            return text
    return text


def _helped(field: Field) -> Field:
    text = HELP.get(field.name, "")
    return Field(field.name, field.label, required=False, autocomplete=field.autocomplete, max_length=field.max_length, help=text)


def _languages(reader: str, chosen: str) -> Choices:
    """The languages that pages and messages have come first, then all others, under the reader's names for them."""
    names = Locale.parse(reader).languages
    ours = tuple(tag.replace("_", "-") for tag in texts.languages())
    first = [tag for tag in dict.fromkeys((chosen, *ours)) if tag]
    return (("", "–"), *((tag, _named(names, tag)) for tag in first), *(pair for pair in _all_languages(reader) if pair[0] not in first))


def _named(names: Mapping[str, str], tag: str) -> str:
    base, _, rest = tag.partition("-")
    return names.get(tag.replace("-", "_")) or f"{names.get(base, base)}{f' ({rest})' if rest else ''}"


@functools.cache
def _all_languages(reader: str) -> Choices:
    names = Locale.parse(reader).languages
    return tuple(sorted(((tag, names.get(tag, tag)) for tag in languages()), key=lambda pair: pair[1].casefold()))


@functools.cache
def _countries(reader: str) -> Choices:
    names = Locale.parse(reader).territories
    found = sorted(((code, names.get(code, code)) for code in countries()), key=lambda pair: pair[1].casefold())
    return (("", "–"), *found)
