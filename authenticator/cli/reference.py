"""The pages that are made from the settings classes: docs/settings.md and .env.sample."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from authenticator.settings import PREFIX, Settings

Models = Mapping[str, tuple[str, type[BaseModel]]]

HEAD = """# Settings

Made from the code by `make docs`. Each name works in the environment, in a file `.env`, as a file of that name in the folder
`AUTHENTICATOR_SECRETS_DIR`, and in the config of a Flask application that embeds the service. A list is written `a,b` or as JSON.
`authenticator config` shows the values in force and where each came from; an unknown name stops the start.
"""

SAMPLE_HEAD = """# Copy to .env and take the # off what you change. Made from the code by `make docs`; `authenticator config` shows what is in force.
"""


def page(plugins: Models) -> str:
    """The reference of all settings, as Markdown."""
    parts = [HEAD, "\n## The service\n\n", _rows(Settings, PREFIX)]
    for name, (distribution, model) in plugins.items():
        parts += [f"\n## {name}\n\nOf the package `{distribution}`.\n\n", _rows(model, f"{PREFIX}{name.upper()}_")]
    return "".join(parts)


def _rows(model: type[BaseModel], prefix: str) -> str:
    lines = ["| setting | default | what it is |\n| --- | --- | --- |\n"]
    for name, info in model.model_fields.items():
        default = "required" if info.is_required() else f"`{text}`" if (text := default_of(info)) else "–"
        lines.append(f"| `{prefix}{name.upper()}` | {default} | {(info.description or '').replace('|', chr(92) + '|')} |\n")
    return "".join(lines)


def sample(plugins: Models) -> str:
    """A .env file in which every setting is commented out at its default."""
    parts = [SAMPLE_HEAD, _assignments(Settings, PREFIX)]
    for name, (distribution, model) in plugins.items():
        parts += [f"\n# --- {name} ({distribution}) ---\n", _assignments(model, f"{PREFIX}{name.upper()}_")]
    return "".join(parts)


def _assignments(model: type[BaseModel], prefix: str) -> str:
    return "".join(f"\n# {info.description}\n# {prefix}{name.upper()}={default_of(info)}\n" for name, info in model.model_fields.items())


def default_of(info: FieldInfo) -> str:
    """A field's default as one would write it, the same on every machine."""
    value: Any = "" if info.is_required() else info.get_default(call_default_factory=True)
    if value is None or isinstance(value, SecretStr):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple, set, frozenset)):
        return ",".join(str(item) for item in sorted(value))
    if isinstance(value, dict):
        return json.dumps(value) if value else ""
    return value.as_posix() if isinstance(value, Path) else str(value)
