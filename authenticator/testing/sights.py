"""What a test looks at on the way: the parameters of a URL, whether a code is asked for, the tokens that were given."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import pytest

from authenticator.emulator import Emulator
from authenticator.testing.client import Page


def asks_for_a_code(page: Page) -> bool:
    """Whether the sign-in waits for a mailed code."""
    return page.status == 303 and page.path == "/sign-in/verify"


def asked_for(url: str) -> dict[str, str]:
    """The parameters of a URL."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def changed(url: str, **parameters: str | None) -> str:
    """The URL with other parameters; None takes one away."""
    merged = {name: value for name, value in {**asked_for(url), **parameters}.items() if value is not None}
    return urlunsplit(urlsplit(url)._replace(query=urlencode(merged)))


def remembered(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens that the emulator gives out from now on."""
    given: list[str] = []
    for name in ("access_token", "id_token"):
        original = getattr(emulator.issuing, name)

        def told(*args: Any, _original: Any = original) -> str:
            given.append(_original(*args))
            return given[-1]

        monkeypatch.setattr(emulator.issuing, name, told)
    return given
