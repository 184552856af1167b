"""Whether each kind of field is rendered as what it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask, render_template_string

from authenticator.app import create_app
from authenticator.plugin import Field

TRUST = Field("trust", "Don't ask again in this browser", "checkbox", required=False, help="For 30 days.")
ASK = "{% import 'ask.html' as ask %}{{ ask.one(field, 'step-', value, faults) }}"


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    settings = {"AUTHENTICATOR_ENVIRONMENT": "development", "AUTHENTICATOR_DATA_DIR": str(tmp_path), "AUTHENTICATOR_PLUGINS": ["password"]}
    return create_app(settings, env_file=None)


def rendered(app: Flask, field: Field, value: str = "", faults: tuple[str, ...] = ()) -> str:
    with app.test_request_context("/"):
        return render_template_string(ASK, field=field, value=value, faults=faults)


def test_a_box_to_tick_has_its_label_beside_it_and_sends_a_one(app: Flask) -> None:
    shown = rendered(app, TRUST)
    assert '<input id="step-trust" name="trust" type="checkbox" value="1" aria-describedby="step-trust-help">' in shown
    assert shown.index("<input") < shown.index('<label for="step-trust">')
    assert "optional" not in shown
    assert "required" not in shown


def test_a_box_that_was_ticked_still_is_and_a_fault_is_told_beside_it(app: Flask) -> None:
    shown = rendered(app, TRUST, "1", ("Please tick this.",))
    assert 'value="1" checked aria-invalid="true" aria-describedby="step-trust-help step-trust-error"' in shown
    assert '<p class="fault" id="step-trust-error">Please tick this.</p>' in shown


def test_a_hidden_field_shows_nothing(app: Flask) -> None:
    assert rendered(app, Field("credential", "Passkey", "hidden")).strip() == '<input type="hidden" name="credential" value="">'
