"""Whether pages speak the reader's language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from flask import Flask

from authenticator.errors import CODES
from authenticator.web import texts


@pytest.fixture
def app() -> Flask:
    app = Flask("authenticator.web")
    texts.install(app, default="en")
    return app


@pytest.mark.parametrize(
    ("wish", "text"),
    [("de-AT,de;q=0.9", "Anmelden"), ("fr", "Sign in"), ("", "Sign in"), ("en;q=0.2, de", "Anmelden"), ("x" * 500, "Sign in")],
)
def test_the_browser_is_answered_in_its_language_or_in_the_usual_one(app: Flask, wish: str, text: str) -> None:
    with app.test_request_context(headers={"Accept-Language": wish}):
        assert texts.gettext("Sign in") == text


def test_what_a_person_typed_is_never_taken_for_a_format(app: Flask) -> None:
    with app.test_request_context():
        assert texts.gettext("100 %(name)s %") == "100 %(name)s %"
        assert texts.gettext("Continue with %(name)s", name="%(x)s") == "Continue with %(x)s"


@pytest.mark.parametrize("file", sorted(texts.FOLDER.glob("*/LC_MESSAGES/*.po")), ids=lambda file: file.parent.parent.name)
def test_a_catalogue_is_whole(app: Flask, file: Path) -> None:
    with file.open("rb") as opened:
        catalogue = read_po(opened)
    for message in catalogue:
        assert message.string or not message.id, f"{message.id!r} has no translation"
        if message.id:
            assert set(re.findall(r"%\(\w+\)s", str(message.id))) == set(re.findall(r"%\(\w+\)s", str(message.string)))
            with app.test_request_context(headers={"Accept-Language": file.parent.parent.name}):
                assert texts.gettext(str(message.id)) == message.string, "compile the catalogue again: pybabel compile"
    core = Path(texts.__file__).parents[1]
    for template in (*core.glob("web/templates/*.html"), *core.glob("letters/*")):
        for found in re.findall(r"\b_\('((?:[^'\\]|\\.)*)'", template.read_text()):
            assert found in catalogue, f"{template.name}: {found!r} is not in the catalogue"
    assert CODES["invalid_credentials"][1] in catalogue
