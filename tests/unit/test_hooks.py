"""Every hook is documented, and nothing documented is missing."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from authenticator import hooks

PAGE = Path(__file__).parents[2] / "docs" / "hooks.md"


def test_the_page_names_every_hook_with_its_arguments() -> None:
    there = {name: tuple(inspect.signature(hook).parameters) for name, hook in vars(hooks).items() if name.startswith("auth_")}
    written = {name: tuple(re.findall(r"\w+", rest)) for name, rest in re.findall(r"^\| `(auth_\w+)\(([^)]*)\)`", PAGE.read_text(), re.M)}
    assert written == there


def test_every_hook_says_what_it_is_for() -> None:
    assert all(hook.__doc__ for name, hook in vars(hooks).items() if name.startswith("auth_"))
