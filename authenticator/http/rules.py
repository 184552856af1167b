"""Routes that cost little to make: a start is as fast as what it does, and no faster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule


class LazyRule(Rule):
    """A route that learns to write its address when somebody first asks for it.

    Werkzeug compiles two functions for each route as soon as it is added. With two hundred routes that is nearly half of what
    `create_app` takes, and most of the functions are never called.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compiled: list[Callable[..., tuple[str, str]]] = []

        def build(rule: Rule, **values: Any) -> tuple[str, str]:
            if not compiled:
                compiled.append(super(LazyRule, self)._compile_builder(append_unknown))
            return compiled[0](rule, **values)

        return build
