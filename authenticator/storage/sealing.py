"""What keeps a copy of the database from telling anything: sealed fields, and look-ups by keyed digest."""

from __future__ import annotations

import re
from collections.abc import Mapping

from authenticator.crypto import derive_key, keyed_digest, seal, unseal
from authenticator.errors import ConfigurationError

_DERIVED = "secret"
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_MARK = b"authenticator"


class Sealer:
    """Seals fields with AES-256-GCM (SP 800-38D) and makes the digests under which records are found.

    `secret` is the service's secret; look-ups depend on it. `keys` maps key ids to 32 bytes, the newest last:
    the newest seals, every one opens. A key derived from the secret is always in the ring, as its oldest, so
    that a service can start without keys of its own and get some later.
    """

    def __init__(self, secret: bytes, keys: Mapping[str, bytes] | None = None) -> None:
        if len(secret) < 32:
            raise ConfigurationError("AUTHENTICATOR_SECRET_KEY must hold at least 32 bytes. Make one with `openssl rand -base64 32`.")
        for key_id, key in (keys or {}).items():
            if not _KEY_ID.fullmatch(key_id) or key_id == _DERIVED:
                raise ConfigurationError("AUTHENTICATOR_FIELD_KEYS: a key id is 1 to 32 letters, digits, - or _, and not `secret`.")
            if len(key) != 32:
                raise ConfigurationError(f"AUTHENTICATOR_FIELD_KEYS: the key `{key_id}` must be the base64 of exactly 32 bytes.")
        self._look_up = derive_key(secret, "look-up")
        self._ring = {_DERIVED: derive_key(secret, "field key"), **(keys or {})}
        self.newest = next(reversed(self._ring))

    def seal(self, record: str, field: str, value: bytes | str) -> bytes:
        """The value as nobody else can read it, bound to its place; the key's id stands in front."""
        plain = value.encode() if isinstance(value, str) else value
        key_id = self.newest
        return key_id.encode() + b"." + seal(self._ring[key_id], plain, _place(record, field, key_id))

    def open(self, record: str, field: str, sealed: bytes) -> bytes:
        """The inverse of `seal`. ConfigurationError if its key is not in the ring, ValueError if it was changed or moved."""
        name, _, rest = bytes(sealed).partition(b".")
        key_id = name.decode("ascii", "replace")
        key = self._ring.get(key_id)
        if key is None:
            raise ConfigurationError(f"The database holds fields sealed with the key `{key_id}`. Add it to AUTHENTICATOR_FIELD_KEYS again.")
        return unseal(key, rest, _place(record, field, key_id))

    def digest(self, purpose: str, *values: str) -> str:
        """HMAC-SHA-256 as hex: the same for the same values and purpose, and nothing to anybody without the secret."""
        return keyed_digest(self._look_up, purpose, *values)

    def mark(self) -> tuple[str, bytes]:
        """The newest key's id and a text sealed with it, which a database keeps so that `check_marks` can tell a wrong key."""
        return self.newest, self.seal(f"keys/{self.newest}", "mark", _MARK)

    def check_marks(self, marks: Mapping[str, bytes]) -> None:
        """ConfigurationError unless every key that this database was ever sealed with is here, and the same as then."""
        for key_id, sealed in marks.items():
            try:
                self.open(f"keys/{key_id}", "mark", sealed)
            except ValueError:
                setting = "AUTHENTICATOR_SECRET_KEY" if key_id == _DERIVED else f"The key `{key_id}` in AUTHENTICATOR_FIELD_KEYS"
                raise ConfigurationError(f"{setting} is not the one this database was made with. Put the former one back.") from None


def _place(record: str, field: str, key_id: str) -> str:
    return f"{record}#{field}#{key_id}"
