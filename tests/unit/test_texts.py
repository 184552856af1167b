"""Whether pages speak the reader's language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from flask import Flask

from authenticator.errors import CODES
from authenticator.flows import permissions, scopes
from authenticator.http import texts
from authenticator.models import Status
from authenticator.oidc import consent
from authenticator.web import activity, admin, admin_applications, admin_seated, seated, sessions
from authenticator.words import Words
from tests.unit import said


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


CATALOGUES = pytest.mark.parametrize("file", sorted(texts.FOLDER.glob("*/LC_MESSAGES/*.po")), ids=lambda file: str(file.parent.parent.name))


def catalogue_of(file: Path) -> Catalog:
    with file.open("rb") as opened:
        return read_po(opened)


@CATALOGUES
def test_a_catalogue_is_whole_and_compiled(app: Flask, file: Path) -> None:
    for message in catalogue_of(file):
        assert message.string or not message.id, f"{message.id!r} has no translation"
        assert not message.fuzzy or not message.id, f"{message.id!r} is only a guess"
        if message.id:
            assert set(re.findall(r"%\(\w+\)s", str(message.id))) == set(re.findall(r"%\(\w+\)s", str(message.string)))
            with app.test_request_context(headers={"Accept-Language": file.parent.parent.name}):
                assert texts.gettext(str(message.id)) == message.string, "compile the catalogue again: pybabel compile"


@CATALOGUES
def test_whatever_people_read_is_in_the_catalogue(file: Path) -> None:
    catalogue = catalogue_of(file)
    tabs = [("the navigation", label) for _, label in seated.PAGES]
    tabs += [("the administrators' navigation", text) for _, label, _, text in admin_seated.AREAS for text in (label, text)]
    missing = sorted({text: where for where, text in (*said.in_templates(), *said.in_modules(), *tabs) if text not in catalogue}.items())
    assert missing == []


@CATALOGUES
def test_a_catalogue_holds_nothing_that_nobody_says(file: Path) -> None:
    said_here = said.everything() | {text for _, text in said.in_templates()}
    assert [message.id for message in catalogue_of(file) if message.id and message.id not in said_here] == []


def test_a_sentence_with_facts_in_it_can_be_translated() -> None:
    assert list(said.composed()) == []


def test_texts_are_found_wherever_they_stand() -> None:
    """The search itself: one text of each kind of place."""
    templates, modules = {text for _, text in said.in_templates()}, {text for _, text in said.in_modules()}
    assert {"Sign in", "This browser knows no passkeys. Choose another way.", "Accept the invitation"} <= templates
    assert {
        CODES["invalid_link"][1],
        activity.SENTENCES["email_proved"],
        sessions.REASONS[""],
        "Your main address was changed",  # a notice
        "%(way)s can now sign in to your account.",
        "Phone number",  # a field and a provider
        "Authenticator app",
        "a code by e-mail",  # a phrase
        "Use at least %(number)s characters.",
        "Set up your authenticator app",  # the title of an Ask
        "Only where nobody else uses your browser.",  # the help of a field
        "Check your phone",
        "Numbers of this country can't be used here.",
        scopes.WORDS["account"],
        permissions.PERMISSIONS["users:write"],
        consent.CLAIM_WORDS["updated_at"],
        admin.STATES["unconfigured"],
        admin_applications.METHODS["none"],
        Status.SUSPENDED,
        "Give an e-mail address or a phone number.",
    } <= modules


def test_a_text_with_a_fact_in_it_is_told_in_the_readers_language(app: Flask) -> None:
    fault = Words("Use at least %(number)s characters.", number=8)
    assert fault == "Use at least 8 characters."
    with app.test_request_context(headers={"Accept-Language": "de"}):
        assert texts.gettext(fault) == "Nehmen Sie mindestens 8 Zeichen."


def test_a_fact_that_is_a_text_itself_is_told_in_the_readers_language(app: Flask) -> None:
    reason = Words("Nobody gave %(permission)s for %(resource)s.", permission="users:read", resource=Words("everything"))
    assert reason == "Nobody gave users:read for everything."
    with app.test_request_context(headers={"Accept-Language": "de"}):
        assert texts.gettext(reason) == "Niemand hat users:read für alles vergeben."
