"""HTTP Basic, as applications show their secret."""

from __future__ import annotations

import base64
from urllib.parse import unquote_plus


def credentials(authorization: str) -> tuple[str, str]:
    """Client id and secret of the header, which are encoded as in a form (RFC 6749 §2.3.1); empty if they can't be read."""
    try:
        decoded = base64.b64decode(authorization.partition(" ")[2].strip(), validate=True).decode()
    except ValueError:
        return "", ""
    client_id, _, secret = decoded.partition(":")
    return unquote_plus(client_id), unquote_plus(secret)
