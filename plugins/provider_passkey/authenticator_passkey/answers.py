"""What a browser brings back from a ceremony, read strictly: text of known members, each bounded, each in one spelling."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from authenticator_passkey.refusals import malformed, refused, unsuitable

LONGEST = 16_384  # characters of the whole answer
LONGEST_ID = 1023  # bytes (WebAuthn Level 3 §7.1)
LONGEST_CLIENT_DATA = 2048
MOST_BRACKETS = 40  # an answer has about ten
BASE64URL = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Answer:
    """A credential as the browser tells it: its id in base64url, the binary members of its response, and what else is of use."""

    id: str
    parts: Mapping[str, bytes] = field(repr=False)
    client: Mapping[str, Any] = field(repr=False)
    handle: str = field(default="", repr=False)
    transports: tuple[str, ...] = ()
    resident: object = None

    def for_library(self) -> dict[str, Any]:
        """The same for `webauthn`, without whatever else was sent."""
        return {
            "id": self.id,
            "rawId": self.id,
            "type": "public-key",
            "response": {name: packed(part) for name, part in self.parts.items()},
        }


def read(text: str, *members: str) -> Answer:
    """The answer with these binary members of its response. AuthError `invalid_request` for anything else."""
    facts = _object(text, LONGEST)
    response, extensions = facts.get("response"), facts.get("clientExtensionResults")
    credential = facts.get("rawId")
    if not isinstance(response, dict) or not isinstance(credential, str) or facts.get("type") != "public-key":
        raise malformed()
    if facts.get("id") != credential:
        raise malformed()
    if len(unpacked(credential)) > LONGEST_ID:
        raise unsuitable()
    parts = {name: unpacked(response.get(name)) for name in ("clientDataJSON", *members)}
    transports = response.get("transports")
    known = [item for item in transports if isinstance(item, str) and item.isascii()] if isinstance(transports, list) else []
    handle, properties = response.get("userHandle"), extensions.get("credProps") if isinstance(extensions, dict) else None
    return Answer(
        credential,
        parts,
        _object(parts["clientDataJSON"].decode("utf-8", "replace"), LONGEST_CLIENT_DATA),
        packed(unpacked(handle)) if handle else "",
        tuple(item[:20] for item in known[:8]),
        properties.get("rk") if isinstance(properties, dict) else None,
    )


def require_client(client: Mapping[str, Any], kind: str, challenge: str, origins: list[str]) -> None:
    """AuthError `invalid_credentials` unless the browser ran this very ceremony, on one of our pages, in no foreign frame."""
    framed = client.get("crossOrigin", False) is not False or "topOrigin" in client
    if client.get("type") != kind or client.get("challenge") != challenge or client.get("origin") not in origins or framed:
        raise refused()


def packed(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unpacked(text: object) -> bytes:
    """The inverse; only the one spelling that `packed` gives is read."""
    if not isinstance(text, str) or not BASE64URL.fullmatch(text) or len(text) % 4 == 1:
        raise malformed()
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if packed(data) != text:
        raise malformed()
    return data


def _object(text: str, longest: int) -> dict[str, Any]:
    if len(text) > longest or text.count("{") + text.count("[") > MOST_BRACKETS:
        raise malformed()
    try:
        found = json.loads(text)
    except ValueError:
        raise malformed() from None
    if not isinstance(found, dict):
        raise malformed()
    return found
