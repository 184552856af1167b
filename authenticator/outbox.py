"""The sender of development: keeps messages in a file for the page /dev/outbox, instead of sending them."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from authenticator.plugin import Kit, Message, PluginOptions, Sender, hookimpl
from authenticator.settings import Settings

KEPT = 500  # messages shown; the file is cut back when it holds twice as many


class OutboxOptions(PluginOptions):
    """Where the messages are kept; the core fills this in."""

    file: Path = Path("var/outbox.jsonl")


class Outbox(Sender):
    """Appends each message as a line of JSON, so that every process of a development server sees all of them."""

    name, label = "outbox", "Development outbox"
    channels = frozenset({"email", "sms"})
    Options = OutboxOptions

    def __init__(self, options: OutboxOptions, kit: Kit) -> None:
        super().__init__(options, kit)
        self._file = options.file

    def send(self, message: Message) -> None:
        entry = {"id": secrets.token_hex(8), "channel": message.channel, "to": message.to, "subject": message.subject, "text": message.text}
        entry |= {name: value for name, value in (("code", message.code), ("link", message.link), ("html", message.html)) if value}
        entry["at"] = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._file.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps(entry) + "\n"
        handle = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "a") as file:
            file.write(line)

    def messages(self) -> list[dict[str, Any]]:
        """What was sent, newest first; `dressed` has the HTML of those that have one."""
        return [{name: value for name, value in entry.items() if name != "html"} for entry in self._entries()]

    def dressed(self) -> dict[str, str]:
        """The HTML of each message that has one, by its id."""
        return {entry["id"]: entry["html"] for entry in self._entries() if entry.get("html")}

    def _entries(self) -> list[dict[str, Any]]:
        if not self._file.exists():
            return []
        lines = self._file.read_text().splitlines()
        return [json.loads(line) for line in reversed(lines[-KEPT:])]


class OutboxPlugin:
    """Brings the outbox, in development only."""

    @hookimpl
    def auth_senders(self, settings: Settings) -> Sequence[type[Sender]]:
        return [Outbox] if settings.development else []
