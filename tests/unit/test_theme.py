"""Whether any colour an operator likes can be read."""

from __future__ import annotations

import pytest

from authenticator.web import theme


@pytest.mark.parametrize("accent", ["#ffff00", "#ffffff", "#000000", "#ff0000", "#1da1f2", "#808080", "#3b4fc4"])
def test_every_accent_is_made_readable_on_light_and_dark_pages_and_as_a_button(accent: str) -> None:
    light, dark = theme.shade(accent, theme.LIGHT_PAGE), theme.shade(accent, theme.DARK_CARD)
    assert theme.contrast(light, theme.LIGHT_PAGE) >= 4.5
    assert theme.contrast(light, theme.WHITE) >= 4.5
    assert theme.contrast(dark, theme.DARK_CARD) >= 4.5
    assert theme.contrast(dark, theme.DARK_INK) >= 4.5


def test_a_readable_accent_stays_as_it_is() -> None:
    assert theme.shade("#3b4fc4", theme.LIGHT_PAGE) == "#3b4fc4"


def test_without_an_accent_there_is_no_stylesheet() -> None:
    assert theme.sheet("") == ""
