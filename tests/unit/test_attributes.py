"""Whether the operator's schema decides what people may keep, and a bad one is told at start."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from authenticator.errors import AuthError, ConfigurationError
from authenticator.flows.attributes import LOCKED, UNKNOWN, Attributes, load

SCHEMA = {
    "properties": {
        "team": {"type": "string", "title": "Team", "maxLength": 10},
        "size": {"enum": ["S", "M", "L"]},
        "news": {"type": "boolean"},
        "floor": {"type": "integer", "minimum": 0, "maximum": 40},
        "badge": {"type": "string", "readOnly": True},
        "address": {"$ref": "#/$defs/address"},
    },
    "$defs": {"address": {"type": "object", "properties": {"city": {"type": "string"}}, "additionalProperties": False}},
}


@pytest.fixture
def attributes() -> Attributes:
    return load(json.dumps(SCHEMA))


def changed(attributes: Attributes, before: dict[str, Any] | None = None, *, by_owner: bool = True, **changes: Any) -> Any:
    return attributes.changed(before or {}, changes, by_owner=by_owner)


def test_what_fits_is_kept_beside_what_was_there(attributes: Attributes) -> None:
    after, faults = changed(attributes, {"news": True}, team=" Ops ", size="M", floor=3, address={"city": "Leiden"})
    assert faults == {}
    assert after == {"news": True, "team": "Ops", "size": "M", "floor": 3, "address": {"city": "Leiden"}}


def test_null_takes_an_attribute_away(attributes: Attributes) -> None:
    assert changed(attributes, {"team": "Ops", "news": True}, team=None) == ({"news": True}, {})


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"team": "x" * 11}, "team"),
        ({"team": 7}, "team"),
        ({"team": {"$ne": ""}}, "team"),
        ({"size": "XL"}, "size"),
        ({"news": "yes"}, "news"),
        ({"floor": 41}, "floor"),
        ({"floor": 1.5}, "floor"),
        ({"address": {"city": "Leiden", "street": "x"}}, "address"),
        ({"address": {"city": 1}}, "address"),
        ({"team": "a\u200bb"}, "team"),
        ({"team": "a\r\nb"}, "team"),
        ({"address": {"city": "a\u202eb"}}, "address"),
    ],
)
def test_what_does_not_fit_is_named_and_not_repeated(attributes: Attributes, changes: dict[str, Any], name: str) -> None:
    _, faults = changed(attributes, **changes)
    assert list(faults) == [name]
    assert str(changes[name]) not in faults[name]


def test_what_the_schema_does_not_name_is_refused(attributes: Attributes) -> None:
    assert changed(attributes, admin=True)[1] == {"admin": UNKNOWN}


def test_without_a_schema_nothing_is_kept() -> None:
    assert changed(load(""), color="red")[1] == {"color": UNKNOWN}


def test_a_schema_may_leave_room_for_others() -> None:
    assert changed(load('{"additionalProperties": {"type": "integer"}}'), lucky=7) == ({"lucky": 7}, {})


def test_what_is_read_only_is_the_operator_s_to_set(attributes: Attributes) -> None:
    assert changed(attributes, badge="7")[1] == {"badge": LOCKED}
    assert changed(attributes, {"badge": "7"}, badge=None)[1] == {"badge": LOCKED}
    assert changed(attributes, {"badge": "7"}, badge="7", team="Ops") == ({"badge": "7", "team": "Ops"}, {})
    assert changed(attributes, badge="7", by_owner=False) == ({"badge": "7"}, {})


def test_a_required_one_that_only_the_operator_can_set_does_not_stop_her() -> None:
    found = load(json.dumps({**SCHEMA, "required": ["badge", "team"]}))
    assert changed(found, news=True)[1] == {"team": "Please fill this in."}
    assert changed(found, team="Ops")[1] == {}


def test_all_together_have_16_kib() -> None:
    with pytest.raises(AuthError, match="validation_failed"):
        changed(load('{"properties": {"text": {"type": "string"}}}'), text="é" * 9_000)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"properties": ', "line 1"),
        ("/no/such/file.json", "neither JSON nor a file"),
        ('{"type": "array"}', "object"),
        ('{"properties": []}', "object"),
        ('{"properties": {"a": {"type": "strange"}}}', "strange"),
        ('{"properties": {"a b": {}}}', "'a b'"),
        ('{"properties": {"a": true}}', "'a'"),
        ('{"properties": {"a": {"$ref": "https://evil.example/schema.json"}}}', "evil.example"),
        ('{"properties": {"a": {"items": [{"$ref": "file:///etc/passwd"}]}}}', "at properties/a/items"),
        ('{"properties": {"a": {"allOf": [{"$ref": "file:///etc/passwd"}]}}}', "file:///etc/passwd"),
        ('{"$id": "https://evil.example/", "properties": {"a": {"$ref": "#/x"}}}', "evil.example"),
        ('{"properties": {"a": {"$ref": "#/$defs/none"}}}', "which is not in it"),
        ('{"$ref": "#", "properties": {"a": {}}}', "without end"),
        (json.dumps({"properties": {f"a{number}": {} for number in range(51)}}), "51 properties"),
    ],
)
def test_a_bad_schema_stops_the_start_and_says_why(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as stopped:
        load(text)
    assert said in str(stopped.value)


def test_a_schema_may_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "attributes.json"
    file.write_text(json.dumps(SCHEMA))
    assert list(load(str(file)).properties) == list(SCHEMA["properties"])
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        load(str(file))
