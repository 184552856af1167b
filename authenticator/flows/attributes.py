"""The attributes that people may keep in their profile: the operator's JSON Schema, and what fits it."""

from __future__ import annotations

import functools
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from authenticator.errors import AuthError, ConfigurationError

SETTING: Final = "AUTHENTICATOR_ATTRIBUTES_SCHEMA"
MOST_PROPERTIES: Final = 50
MOST_BYTES: Final = 16 * 1024  # of one person's attributes as JSON
INVISIBLE: Final = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")  # Unicode categories, as for every other field
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,48}")  # a name that can be a form's field, and be told in a refusal
_SENTENCES: Final = {
    "type": "This has the wrong type.",
    "enum": "Choose one of the values on offer.",
    "const": "Choose one of the values on offer.",
    "maxLength": "This is too long.",
    "minLength": "This is too short.",
    "maximum": "This number is too large.",
    "exclusiveMaximum": "This number is too large.",
    "minimum": "This number is too small.",
    "exclusiveMinimum": "This number is too small.",
    "maxItems": "These are too many.",
    "minItems": "These are too few.",
    "pattern": "This does not have the right form.",
    "format": "This does not have the right form.",
    "additionalProperties": "There is no such field here.",
}
UNKNOWN: Final = "There is no such field here."
LOCKED: Final = "Only the operator of this service can change this."


@dataclass(frozen=True)
class Attributes:
    """What may be kept. Without a schema nothing may."""

    schema: Mapping[str, Any] = field(default_factory=dict)

    @property
    def properties(self) -> Mapping[str, Mapping[str, Any]]:
        """The schema of each attribute by its name, in the operator's order."""
        found: Mapping[str, Mapping[str, Any]] = self.schema.get("properties", {})
        return found

    def locked(self, name: str) -> bool:
        """Whether only administrators may set it (`readOnly`)."""
        return bool(self.properties.get(name, {}).get("readOnly"))

    def changed(self, before: Mapping[str, Any], changes: Mapping[str, Any], *, by_owner: bool) -> tuple[dict[str, Any], dict[str, str]]:
        """The attributes after these changes (a null takes one away), and what is wrong with which of them."""
        after = {**before, **{name: _plain(value) for name, value in changes.items()}}
        after = {name: value for name, value in after.items() if value is not None or name not in changes}
        faults = {name: UNKNOWN for name in changes if name not in self.properties and name not in before and not self._open}
        if by_owner:
            faults |= {name: LOCKED for name in changes if self.locked(name) and after.get(name) != before.get(name)}
        faults |= {name: "Leave out invisible characters." for name, value in changes.items() if name not in faults and _hides(name, value)}
        if not faults and len(json.dumps(after, ensure_ascii=False).encode()) > MOST_BYTES:
            raise AuthError("validation_failed", "All attributes together may have at most 16 KiB.")
        return after, faults or self._faults(after, by_owner=by_owner)

    @property
    def _open(self) -> bool:
        return bool(self.schema) and self.schema.get("additionalProperties") is not False

    def _faults(self, values: Mapping[str, Any], *, by_owner: bool) -> dict[str, str]:
        faults: dict[str, str] = {}
        for error in self._validator.iter_errors(dict(values)):
            if error.validator == "required" and not error.absolute_path:
                missing = [name for name in error.validator_value if name not in values and not (by_owner and self.locked(name))]
                faults |= dict.fromkeys(missing, "Please fill this in.")
            elif error.validator == "additionalProperties" and not error.absolute_path:
                faults |= {name: UNKNOWN for name in values if name not in self.properties}
            else:
                name = str(error.absolute_path[0]) if error.absolute_path else ""
                faults.setdefault(name, _SENTENCES.get(error.validator, "This is not valid."))
        return faults

    @functools.cached_property
    def _validator(self) -> Any:
        import jsonschema  # takes 60 ms, and only those who change attributes need it
        import referencing

        kind = jsonschema.Draft202012Validator
        return kind(self.schema or {"maxProperties": 0}, registry=referencing.Registry(), format_checker=kind.FORMAT_CHECKER)


def load(text: str) -> Attributes:
    """The attributes that a setting describes: JSON, the name of a file, or nothing. ConfigurationError says what is wrong with it."""
    if not text.strip():
        return Attributes()
    schema = _read(text)
    if schema.get("type", "object") != "object" or not isinstance(schema.get("properties", {}), dict):
        raise ConfigurationError(f"{SETTING} must describe an object with properties.")
    schema = {"additionalProperties": False, **schema, "type": "object"}
    _check_properties(schema.get("properties", {}))
    _check_schema(schema)
    found = Attributes(schema)
    try:
        found.changed({}, dict.fromkeys(found.properties, ""), by_owner=False)
    except RecursionError:
        raise ConfigurationError(f"{SETTING} refers to itself without end.") from None
    return found


def _read(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text if text.lstrip().startswith("{") else Path(text).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{SETTING} is neither JSON nor a file that can be read ({error.strerror}).") from None
    except ValueError as error:
        where = f"line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else "it is not UTF-8"
        raise ConfigurationError(f"{SETTING} is not valid JSON: {where}.") from None
    if not isinstance(found, dict):
        raise ConfigurationError(f"{SETTING} must be a JSON object.")
    return found


def _check_properties(properties: Mapping[str, Any]) -> None:
    if len(properties) > MOST_PROPERTIES:
        raise ConfigurationError(f"{SETTING} has {len(properties)} properties; {MOST_PROPERTIES} are the most.")
    for name, schema in properties.items():
        if not _NAME.fullmatch(name) or not isinstance(schema, dict):
            raise ConfigurationError(f"{SETTING}: {name!r} must be a name of letters, digits, _ and - with an object behind it.")


def _check_schema(schema: Mapping[str, Any]) -> None:
    import jsonschema
    import referencing
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        where = "/".join(map(str, error.absolute_path)) or "the top"
        raise ConfigurationError(f"{SETTING} is no JSON Schema (2020-12): at {where}, {error.message}.") from None
    resolver = referencing.Registry().with_resource("", DRAFT202012.create_resource(schema)).resolver()
    for reference in _references(schema):
        if not reference.startswith("#"):  # nothing is ever fetched
            raise ConfigurationError(f"{SETTING} refers to {reference!r}; only references within it (#/…) are followed.")
        try:
            resolver.lookup(reference)
        except Unresolvable:
            raise ConfigurationError(f"{SETTING} refers to {reference!r}, which is not in it.") from None


def _references(value: Any) -> Iterator[str]:
    """Every place that the schema refers to, or declares itself to be."""
    if isinstance(value, dict):
        yield from (str(found) for name, found in value.items() if name in ("$ref", "$dynamicRef", "$id") and isinstance(found, str))
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _references(inner)


def _plain(value: Any) -> Any:
    """Text in NFC without blanks around it, at whatever depth."""
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value).strip()
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _hides(*values: Any) -> bool:
    """Whether there is a control or invisible character in any text."""
    for value in values:
        if isinstance(value, str) and any(unicodedata.category(char) in INVISIBLE for char in value):
            return True
        if isinstance(value, dict) and _hides(*value.keys(), *value.values()):
            return True
        if isinstance(value, list) and _hides(*value):
            return True
    return False
